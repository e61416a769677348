"""Data between the workspace and the DVC remote."""

from collections.abc import Callable, Sequence

from flows.dvc_process import DvcProcess
from flows.failure import StageFailedError, failure_kind, last_words


def transfer(
    dvc: DvcProcess,
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
        raise StageFailedError(stage or f"dvc {way}", failure_kind(outcome), last_words(f"dvc {way}", outcome))
