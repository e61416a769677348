"""From a source file to every artefact and model that it went into, and back; and its removal."""
