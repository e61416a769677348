"""Clips of one length, at equal distances, from the start of a track; what is left at the end is not padded."""


def offsets(samples: int, *, clip_samples: int, hop_samples: int) -> range:
    """First sample of each clip.

    Raises:
        ValueError: A length that is not positive.
    """
    if clip_samples < 1 or hop_samples < 1:
        raise ValueError(f"clips of {clip_samples} samples every {hop_samples}: both must be at least 1")
    return range(0, samples - clip_samples + 1, hop_samples)
