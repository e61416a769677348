"""Systems: codec, denoisers and text encoder of each paper put together. Read these first; this table lists them."""

from padstal.core.kinds import Kinds
from padstal.systems.discodiff import DiscoDiff
from padstal.systems.pads_tal import PadsTal
from padstal.systems.qa_mdt import QaMdt

SYSTEMS = Kinds("system", PadsTal, QaMdt, DiscoDiff)
