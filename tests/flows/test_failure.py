"""Only a cause that may go away by itself is tried again."""

import pytest
from flows.child import Outcome
from flows.failure import FailureKind, failure_kind, last_words

from padstal.core.data import room

FAILED = "ERROR: failed to reproduce 'score': failed to run: python -m padstal.stages.score, exited with {}"


@pytest.mark.parametrize(
    ("code", "lines", "kind"),
    [
        (255, ["score failed: no manifest at data/demo", FAILED.format(1)], FailureKind.STAGE),
        (255, ["score failed: scales.demo.score.x = 3: unknown key", FAILED.format(1)], FailureKind.PARAMETER),
        (255, ["validate@ingest failed: runtime.threads: missing", FAILED.format(1)], FailureKind.PARAMETER),
        (
            255,
            ["gate@ingest failed: 2 of 9 expectations are broken", "- critical: x", FAILED.format(1)],
            FailureKind.REFUSED,
        ),
        (255, ["OSError: [Errno 28] No space left on device", FAILED.format(1)], FailureKind.DISK),
        (255, [f"score failed: {room.said(OSError(28, 'full', 'out'))}", FAILED.format(1)], FailureKind.DISK),
        (255, ["ERROR: failed to push - disk quota exceeded"], FailureKind.DISK),
        (
            255,
            ["(ExpiredToken) when calling GetObject: …; set AWS_ACCESS_KEY_ID", FAILED.format(1)],
            FailureKind.CREDENTIALS,
        ),
        (
            255,
            ["connection reset", "score failed: scales.demo.score.x = 3: wrong", FAILED.format(1)],
            FailureKind.PARAMETER,
        ),
        (255, ["OSError: No space left on device", "Connection refused", FAILED.format(-9)], FailureKind.DISK),
        (255, ["aiohttp.client_exceptions.ServerDisconnectedError", FAILED.format(1)], FailureKind.NETWORK),
        (255, ["score failed: arguments ['x']: expected no argument", FAILED.format(2)], FailureKind.STAGE),
        (255, [FAILED.format(-9)], FailureKind.KILLED),
        (255, [FAILED.format(137)], FailureKind.KILLED),
        (-9, [], FailureKind.KILLED),
        (255, ["ERROR: Unable to acquire lock. Most likely another DVC process is running"], FailureKind.LOCK),
        (255, ["ERROR: '/repo/data' is busy, it is being blocked by:"], FailureKind.LOCK),
        (
            255,
            ["botocore.exceptions.EndpointConnectionError: Could not connect", FAILED.format(1)],
            FailureKind.NETWORK,
        ),
        (255, ["ConnectionResetError: [Errno 104] Connection reset by peer", FAILED.format(1)], FailureKind.NETWORK),
        (255, ["ERROR: 'dvc.yaml' validation failed."], FailureKind.DVC),
        (255, ["ERROR: Stage 'x' not found inside 'dvc.yaml' file"], FailureKind.DVC),
    ],
)
def test_the_cause_is_read_from_what_dvc_wrote(code: int, lines: list[str], kind: FailureKind) -> None:
    assert failure_kind(Outcome(code, tuple(lines))) is kind


def test_a_stage_that_was_ended_for_its_time_is_not_tried_again() -> None:
    kind = failure_kind(Outcome(-9, ("Connection refused",), timed_out=True))
    assert kind is FailureKind.TIME
    assert not kind.transient


def test_killed_lock_and_network_are_transient_and_nothing_else() -> None:
    assert {kind for kind in FailureKind if kind.transient} == {
        FailureKind.KILLED,
        FailureKind.LOCK,
        FailureKind.NETWORK,
    }


def test_the_stages_own_message_is_the_last_word() -> None:
    lines = ("score failed: no manifest", FAILED.format(1), "bye")
    assert last_words(Outcome(255, lines)) == "no manifest"
    assert last_words(Outcome(255, lines[1:])).startswith("failed to reproduce 'score'")
    pull = (
        "Collecting",
        "ERROR: failed to pull - Checkout failed for following targets:",
        "models/demo/x",
        "Is it there?",
    )
    whole = "failed to pull - Checkout failed for following targets: models/demo/x Is it there?"
    assert last_words(Outcome(255, pull)) == whole
    assert last_words(Outcome(255, (*pull, *map(str, range(20))))).endswith("8 and 11 lines more")
    assert last_words(Outcome(255, ("bye",))) == "bye"
    assert last_words(Outcome(255, ())) == "exit status 255 and no output"
