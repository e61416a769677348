"""`padstal wandb-report`: the report of a run at W&B, and the same as Markdown, which is all of it when offline."""

import os
from pathlib import Path

from padstal.commands.project import params_of
from padstal.core.data.atomic import atomic_file
from padstal.core.params import read_yaml
from padstal.core.secrets import redact
from padstal.operations.tracking.artefact import scale_of
from padstal.operations.tracking.credentials import wandb_credentials
from padstal.operations.tracking.group import revision, run_group
from padstal.operations.tracking.server import Server
from padstal.operations.tracking.stage_artefacts import stage_artefacts
from padstal.operations.tracking.wandb_report import build, publish
from padstal.reporting.inputs import read_inputs
from padstal.reporting.summary import Origin, markdown, summary

ADDRESS = "PADSTAL_WANDB_REPORT"
"""Address of the report that is kept up to date; the workflow `comment` links to it."""


def run(root: Path, scale: str | None, out: Path | None, offline: bool) -> int:
    """Write the Markdown, publish where that is possible, and say where both are.

    Raises:
        ServerError: W&B was to be asked and did not take the report; the Markdown is there.
        FileNotFoundError: Nothing of this scale is there to report on.
    """
    paths, tree = params_of(root, scale)
    inputs = read_inputs(paths, read_yaml(paths.params)["scales"][paths.scale])
    if not inputs.metrics:
        raise FileNotFoundError(f"{paths.reports / 'metrics'}: no metrics; run the pipeline first")
    made = [
        (one, stage.name) for stage in stage_artefacts(root) for one in stage.outputs if scale_of(one) == paths.scale
    ]
    artefacts = tuple((one.path, one.md5, stage) for one, stage in made)
    origin = Origin(revision(root), run_group(root), artefacts)
    title = f"padstal {paths.scale}"
    blocks = summary(inputs, origin)
    file = out or paths.local / "wandb_report.md"
    with atomic_file(file) as temporary:
        temporary.write_text(redact(markdown(title, blocks)), encoding="utf-8")
    missing = "as asked" if offline else "" if wandb_credentials() else "no WANDB_API_KEY"
    known = os.environ.get(ADDRESS, "")
    published = ""
    if not missing:
        server = Server(tree.tracking.project, tree.tracking.entity)
        report = build(title, blocks, entity=server.entity, project=server.project, group=origin.group)
        published = publish(report, known)
    print(f"markdown: {file}")
    print(f"W&B: {published}" if published else f"W&B: not published, {missing}")
    if published and not known:
        print(f"set {ADDRESS} to this address: the next report takes its place, and pull requests link to it")
    return 0
