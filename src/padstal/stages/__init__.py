"""One thin file a stage: `python -m padstal.stages.NAME [ITEM]` reads its section and its deps, and writes its outs."""

import sys

from padstal.core.parent_death import die_with_parent

if sys.argv[0] == "-m":  # Python looks for the stage that it is to run: the seconds of imports are still to come
    die_with_parent()
