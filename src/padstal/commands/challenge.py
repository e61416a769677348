"""`padstal challenge`: the workspace's model against the champion's on frozen prompts, and the decision."""

import json
import sys
import time
from pathlib import Path

from padstal.commands.project import params_of
from padstal.core.data.atomic import atomic_file, read_json
from padstal.operations.promotion import decision as decisions
from padstal.operations.promotion import register
from padstal.operations.promotion.explain import markdown
from padstal.reporting.inputs import CHECKED


def run(root: Path, out: Path, champion: str | None, system: str | None, scale: str | None, *, as_json: bool) -> int:
    """Decide, and write `out` and the same with the ending `.md`; the status is 0 whatever the gate decides.

    Args:
        root: The repository.
        out: File for the decision.
        champion: Whom to compare with; None takes the champion.
        system: None takes that of params.
        scale: None takes the active one.
        as_json: Say it as JSON.

    Raises:
        FileNotFoundError: Something that it takes is missing.
        ValueError: The two do not compare, or the workspace is not what it says it is.
    """
    started = time.monotonic()
    paths, tree = params_of(root, scale)
    played, own = (system or tree.promote.system).replace("-", "_"), tree.scales[paths.scale]

    from padstal.operations.promotion.challenge import Setup, challenge
    from padstal.systems.trained import torch_device

    device = torch_device(paths.params)
    setup = Setup(paths, played, tree.promote, own.evaluate, own.ingest.licences, own.ingest.sample_rate, device)
    found = register.read(root, setup.name)
    decision = challenge(setup, found, champion, say=_say)
    decisions.write(out, decision)
    text = markdown(decision)
    with atomic_file(out.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
    if as_json:
        verdict = decision.verdict
        print(json.dumps({"promote": verdict.promote, "summary": verdict.summary, "decision": str(out)}))
    else:
        print(text)
        print(f"decision: {out}, as text {out.with_suffix('.md')}; {time.monotonic() - started:.0f} s")
    return 0


def check_ready(root: Path, system: str | None, scale: str | None) -> int:
    """Check what a challenge takes besides the challenger, so that nothing is trained only to be refused.

    Raises:
        ValueError: Something is missing; names the command that makes it.
    """
    paths, tree = params_of(root, scale)
    name = (system or tree.promote.system).replace("_", "-")
    missing = []
    if not paths.frozen_prompts.is_file():
        missing.append(f"{paths.frozen_prompts.relative_to(root)} is not there: `padstal freeze-prompts` writes it")
    if champion := register.read(root, name).champion:
        files = [paths.reference(item) for item in CHECKED]
        unset = [str(f.relative_to(root)) for f in files if not f.is_file() or not read_json(f).get("features")]
        if unset:
            missing.append(
                f"{', '.join(unset)} hold no reference for drift, and against the champion {name}@{champion.name} no "
                "model is promoted without: `padstal profile` makes it where the champion's data are"
            )
    if missing:
        raise ValueError(f"a challenge would fail: {'; '.join(missing)}; then commit and push")
    print("all that a challenge takes, besides the challenger, is there")
    return 0


def _say(message: str) -> None:
    print(f"challenge: {message}", file=sys.stderr, flush=True)
