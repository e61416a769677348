"""One thin file a stage: `python -m padstal.stages.NAME [ITEM]` reads its section and its deps, and writes its outs."""
