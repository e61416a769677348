"""Any pile of music to clips of one form: sources, decoding, standardising, the track cache, shards, workers."""
