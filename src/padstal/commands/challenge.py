"""`padstal challenge`: the workspace's model against the champion's on frozen prompts, and the decision."""

import os
import time
from pathlib import Path

from padstal.commands.project import params_of, promoted_name
from padstal.core.data.atomic import atomic_file, read_json
from padstal.operations.promotion import decision as decisions
from padstal.operations.promotion import frozen, register
from padstal.operations.promotion.explain import markdown
from padstal.operations.promotion.pull_request import forge_of
from padstal.reporting.inputs import CHECKED
from padstal.sampling.setting import of
from padstal.systems.config import system_in


def run(root: Path, out: Path, champion: str | None, system: str | None, scale: str | None) -> int:
    """Decide, and write `out` and the same with the ending `.md`; the status is 0 whatever the gate decides.

    Args:
        root: The repository.
        out: File for the decision.
        champion: Whom to compare with; None takes the champion.
        system: None takes that of params.
        scale: None takes the active one.

    Raises:
        FileNotFoundError: Something that it takes is missing.
        ValueError: The two do not compare, or the workspace is not what it says it is.
    """
    started = time.monotonic()
    paths, tree = params_of(root, scale)
    name = promoted_name(tree, system)

    from padstal.operations.promotion.challenge import challenge

    decision = challenge(paths, tree, name.replace("-", "_"), register.read(root, name), champion)
    decisions.write(out, decision)
    text = markdown(decision)
    with atomic_file(out.with_suffix(".md")) as temporary:
        temporary.write_text(text, encoding="utf-8")
    print(text)
    print(f"decision: {out}, as text {out.with_suffix('.md')}; {time.monotonic() - started:.0f} s")
    return 0


def check_ready(root: Path, system: str | None, scale: str | None) -> int:
    """Check what a challenge and a promotion take besides the challenger, so that nothing is trained in vain.

    Raises:
        ValueError: Something is missing; names what makes it.
    """
    paths, tree = params_of(root, scale)
    name, promote, missing = promoted_name(tree, system), tree.promote, []
    prompts, least = paths.frozen_prompts.relative_to(root), promote.least_prompts
    if not paths.frozen_prompts.is_file():
        missing.append(f"{prompts} is not there: `padstal freeze-prompts` writes it")
    elif (count := len(frozen.read(paths.frozen_prompts)[0].prompts)) < least:
        more = f"`padstal freeze-prompts --count {max(least, promote.prompts)} --force` writes more"
        missing.append(f"{prompts} holds {count} prompts, and promote.least_prompts asks for {least}: {more}")
    try:
        grid = system_in(paths.params, name.replace("-", "_")).grid
        of(tree.scales[paths.scale].sample.settings_on(grid), {"method.kind": promote.method})
    except ValueError as error:
        missing.append(f"promote: {error}")
    try:
        if promote.pull_request == "github":
            forge_of(os.environ)
    except ValueError as error:
        missing.append(str(error))
    if champion := register.read(root, name).champion:
        files = [paths.reference(item) for item in CHECKED]
        unset = [str(f.relative_to(root)) for f in files if not f.is_file() or not read_json(f).get("features")]
        if unset:
            missing.append(
                f"{', '.join(unset)} hold no reference for drift, and against the champion {champion.tag} no "
                "model is promoted without: `padstal profile` makes it where the champion's data are"
            )
    if missing:
        raise ValueError(f"a challenge would fail: {'; '.join(missing)}; then commit and push")
    print("all that a challenge takes, besides the challenger, is there")
    return 0
