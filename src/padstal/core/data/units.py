"""The one place where seconds become samples and samples become latent frames."""


def seconds_to_samples(seconds: float, sample_rate: int) -> int:
    """Number of samples nearest to `seconds` at `sample_rate` Hz."""
    if seconds < 0:
        raise ValueError(f"seconds = {seconds}: a duration is not negative")
    return round(seconds * sample_rate)


def samples_to_frames(samples: int, ratio: int) -> int:
    """Number of latent frames of `samples` samples, where one frame covers `ratio` samples.

    Raises:
        ValueError: `samples` is not a whole number of frames; pad or cut the clip first.
    """
    if samples % ratio:
        raise ValueError(f"{samples} samples are not a whole number of frames of {ratio} samples")
    return samples // ratio
