"""`gate`: which broken expectations stop the run."""

from typing import Literal

from padstal.core.section import Section, value


class GateParams(Section):
    """The gate between data and training."""

    stop_at: Literal["critical", "warning"] = value("least severity of a broken expectation that stops the run")
