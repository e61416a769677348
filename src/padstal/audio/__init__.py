"""Audio files to clips of one form: decode, resample, loudness, segment, measure, shards."""
