"""The page: every section's content gathered into one template; styles and script are inside, nothing is fetched."""

import base64
import hashlib
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from padstal.evaluation.metrics import METRICS
from padstal.reporting import (
    ablations_view,
    captions_view,
    data_view,
    listen_view,
    papers_view,
    results_view,
    svg,
    training_view,
)
from padstal.reporting.cards import Card
from padstal.reporting.checks_view import checks_table, flat
from padstal.reporting.claims_view import stage_claims
from padstal.reporting.compose import PLACEHOLDER
from padstal.reporting.findings import failures, findings, headline
from padstal.reporting.inputs import STAGES, Inputs
from padstal.reporting.text import number, setting, words

SECTIONS = (
    ("overview", "Overview"),
    ("run", "What ran"),
    ("data", "The data"),
    ("captions", "Captions"),
    ("checks", "Checks against truth"),
    ("training", "Training"),
    ("reconstructions", "Reconstructions"),
    ("listen", "Listen"),
    ("frontier", "Frontier"),
    ("latent", "Latent spaces"),
    ("quality", "Quality levels"),
    ("coarse", "Coarse to fine"),
    ("matched", "Matched comparison"),
    ("failures", "What failed"),
    ("cards", "Model cards"),
    ("reproduce", "Reproduce"),
)


def render_page(
    inputs: Inputs,
    cards: list[Card],
    *,
    title: str,
    captions_shown: int,
    prompts_shown: int,
    reconstructions_shown: int,
) -> str:
    """The whole page as HTML; the same inputs give the same text."""
    evaluation = inputs.evaluation
    rows, sweep, paths = (results_view.rows(evaluation, name) for name in ("rows", "sweep", "paths"))
    chosen = {(str(row.get("system")), str(row.get("setting"))) for row in rows}
    heard = listen_view.reconstruction_rows(inputs, reconstructions_shown)
    generated = listen_view.sample_rows(inputs, prompts_shown, chosen)
    played, cut_seconds = listen_view.encode([*heard, *generated])
    found = findings(inputs)
    first = headline(found)
    return (
        template_environment()
        .get_template("page.html")
        .render(
            title=title,
            inputs=inputs,
            sections=SECTIONS,
            scale_line=scale_line(inputs),
            headline=first,
            findings=[finding for finding in found if finding is not first],
            opening=listen_view.opening(played[len(heard) :] or played, first.system if first else ""),
            failures=failures(inputs),
            facts=_facts(inputs),
            stages=[_stage(inputs, name) for name in STAGES],
            other_params=[
                (name, flat(section, show=setting)) for name, section in inputs.params.items() if name not in STAGES
            ],
            swatches={"before": svg.bar_swatch("c0"), "after": svg.bar_swatch("c2")},
            caption_rows=captions_view.caption_rows(inputs, captions_shown),
            claims=stage_claims(inputs),
            planted=checks_table(evaluation.get("truth") or {}),
            checks=[(caption, checks_table(evaluation.get(name) or {})) for name, caption in CHECKS],
            reconstructions=played[: len(heard)],
            samples=played[len(heard) :],
            cut_seconds=cut_seconds,
            rows=rows,
            sweep=sweep,
            paths=paths,
            metrics=METRICS,
            evaluation={"chosen_by": "", **evaluation},
            matched={"clap_f": None, "why": "", "baseline": {}, "published": {}, **(evaluation.get("matched") or {})},
            latent_space={"labels": "", **(evaluation.get("latent_space") or {})},
            retention=evaluation.get("retention") or {},
            design=flat(evaluation.get("design") or {}),
            cards=cards,
            placeholder=Markup(PLACEHOLDER),
            number=number,
            words=words,
            ablations=ablations_view,
            captions=captions_view,
            data=data_view,
            papers=papers_view,
            results=results_view,
            training=training_view,
        )
    )


CHECKS = (
    ("foundation", "Foundation models on held-out tracks"),
    ("reconstruction", "Reconstructions beside their originals"),
    ("reference", "The prompts' own held-out clips: what a perfect model could reach"),
)


def scale_line(inputs: Inputs) -> str:
    """How far the numbers carry, said before any of them."""
    match inputs.scale:
        case "demo":
            return (
                "Demo scale: small models trained in minutes on music that the project composed itself. The page shows "
                "that the whole pipeline works; its numbers do not compare with published ones."
            )
        case "study":
            return (
                "Study scale: small models, trained long enough to test claims against each other on this corpus. "
                "Differences within this page mean something; absolute numbers do not compare with published ones."
            )
        case _:
            return (
                "Full scale: models and data of the papers' order of magnitude. Compare with published numbers only "
                "where data set, prompts, durations and embedding models are the same."
            )


def _facts(inputs: Inputs) -> list[tuple[str, str]]:
    kept = data_view.tally(inputs.curated, inputs.clip_seconds)
    samples = sum(len(found.table) for found in inputs.samples)
    prompts = {prompt for found in inputs.samples for prompt in found.table["prompt_id"]}
    return [
        ("scale", inputs.scale),
        ("clips after curation", kept["clips"]),
        ("tracks", kept["tracks"]),
        ("artists", kept["artists"]),
        ("audio", kept["duration"]),
        ("diffusion models", number(sum(model.kind == "diffusion" for model in inputs.models))),
        ("prompts", number(len(prompts))),
        ("generated samples", number(samples)),
    ]


def _stage(inputs: Inputs, name: str) -> dict[str, object]:
    told = flat(inputs.params[name], show=setting) if name in inputs.params else []
    return {"name": name, "meaning": STAGES[name], "params": told, "metrics": _metrics_of(inputs, name)}


def _metrics_of(inputs: Inputs, stage: str) -> list[tuple[str, list[tuple[str, str]]]]:
    found = []
    for name, metrics in inputs.metrics.items():
        if stage == "evaluate" or not (name == stage or name.startswith(f"{stage}_")):
            continue
        item = name.removeprefix(stage).removeprefix("_")
        found.append((words(item), [pair for pair in flat(metrics) if pair[0] != "scale"]))
    return found


def template_environment() -> Environment:
    """Templates with escaping on, and the style sheet and script with their hashes at hand."""
    environment = Environment(
        loader=PackageLoader("padstal.reporting"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = asset("style.css"), asset("page.js")
    environment.globals.update(
        style=Markup(style), script=Markup(script), style_hash=_content_hash(style), script_hash=_content_hash(script)
    )
    return environment


def asset(name: str) -> str:
    """The style sheet or the script."""
    return (files("padstal.reporting") / "templates" / name).read_text(encoding="utf-8").strip()


def _content_hash(text: str) -> str:
    """As a content security policy names an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
