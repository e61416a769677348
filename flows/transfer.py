"""Data between the workspace and the DVC remote."""

from collections.abc import Callable, Sequence

from flows.failure import StageFailedError, cause_of, last_words
from flows.runner import Dvc


def transfer(
    dvc: Dvc,
    way: str,
    targets: Sequence[str],
    say: Callable[[str], None],
    *,
    stage: str = "",
    timeout_seconds: float | None = None,
) -> None:
    """`dvc push` or `dvc pull` of what stages have written, of single outputs, or of everything.

    Raises:
        StageFailedError: With the cause; of `stage`, if it is for one.
    """
    outcome = dvc.run([way, *targets], say, timeout_seconds=timeout_seconds)
    if outcome.code != 0 or outcome.timed_out:
        raise StageFailedError(stage or f"dvc {way}", cause_of(outcome), last_words(f"dvc {way}", outcome))
