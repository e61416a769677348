"""Model cards (Mitchell et al. 2019): a model's data and licences, training, metrics, limits and fingerprints."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from padstal.reporting import data_view
from padstal.reporting.attribution import FILE, obligations, trained_on
from padstal.reporting.checks_view import flat
from padstal.reporting.inputs import Inputs, ModelFolder
from padstal.reporting.results_view import results_table
from padstal.reporting.results_view import rows as rows_in
from padstal.reporting.table import Table, markdown_table
from padstal.reporting.text import MISSING, duration, escape_markdown, number, setting, words

TRAIN_STAGE = {"vae": "train_vae", "diffusion": "train_diffusion"}
LARGEST_ATTRIBUTIONS = 10


@dataclass(frozen=True)
class Card:
    """A model card: `name` names the file, `title` the model, `text` is Markdown."""

    name: str
    title: str
    text: str


def model_cards(inputs: Inputs) -> list[Card]:
    """One card for each autoencoder and each diffusion model, in that order."""
    kinds = list(TRAIN_STAGE)
    models = sorted(
        (model for model in inputs.models if model.kind in kinds),
        key=lambda model: (kinds.index(model.kind), model.name),
    )
    names = [model.name for model in models]
    return [
        _card(inputs, model, model.name if names.count(model.name) == 1 else f"{model.kind}_{model.name}")
        for model in models
    ]


def _card(inputs: Inputs, model: ModelFolder, name: str) -> Card:
    title = f"{words(model.name)} {'autoencoder' if model.kind == 'vae' else 'diffusion model'}"
    parts = [
        f"# {title} ({inputs.scale} scale)",
        _what(inputs, model),
        "## Data",
        *_data(inputs),
        *_published(inputs),
        "## Training",
        _training(inputs, model),
        "## Metrics",
        *_metrics(inputs, model),
        "## Limits",
        *_limits(inputs),
        "## Fingerprints",
        _fingerprints(inputs, model),
        "## How to cite",
        _citation(inputs, model, title),
    ]
    return Card(name, title, "\n\n".join(part for part in parts if part) + "\n")


def _what(inputs: Inputs, model: ModelFolder) -> str:
    what = {
        "vae": "Turns audio into a latent sequence and back; diffusion models are trained on its latents.",
        "diffusion": "Generates latents of music from a text; its codec turns them into audio.",
    }[model.kind]
    known = {"codec": model.codec, "origin": model.origin}
    beside = [f"{words(key)}: {escape_markdown(told)}" for key, told in known.items() if told]
    form = f"{number(inputs.sample_rate)} Hz, clips of {number(inputs.clip_seconds)} s"
    return f"{what} Trained by padstal at {inputs.scale} scale ({form}).{''.join(' ' + line + '.' for line in beside)}"


def _data(inputs: Inputs) -> list[str]:
    train = trained_on(inputs)
    if train is None:
        return ["No data set was found."]
    held = data_view.tally(train, inputs.clip_seconds)
    sources = ", ".join(
        f"{escape_markdown(name)} ({number(count)} clips)" for name, count in data_view.counted(train["source"])
    )
    return [
        f"Training split: {held['clips']} clips of {held['tracks']} tracks by {held['artists']} artists, "
        f"{held['duration']}. Sources: {sources or 'none'}. Validation and test share no track or artist with it.",
        markdown_table(data_view.licences(train)),
        *obligations(inputs),
        _largest(train),
    ]


def _published(inputs: Inputs) -> list[str]:
    """The published weights that params name, with what was recorded of their licences; nothing if there are none."""
    rows = tuple(_pinned(inputs.params))
    if not rows:
        return []
    table = Table(("param", "published as", "licence"), rows)
    note = "What was made with them may have to keep their terms; `dvc dag` shows which of them this model depends on."
    return ["## Published weights", markdown_table(table, outside=0), note]


def _pinned(node: object, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Key path, origin and licence of the published files that a part of params names."""
    if not isinstance(node, Mapping):
        return
    if {"repository", "sha256"} <= node.keys():
        origin = f"{node['repository']} at {node.get('revision')}"
        yield path, escape_markdown(origin), escape_markdown(str(node.get("licence") or "not recorded"))
    for key, child in node.items():
        yield from _pinned(child, f"{path}.{key}" if path else str(key))


def _largest(train: pd.DataFrame) -> str:
    """The artists with most clips."""
    found = [(name, part) for name, part in train[train["artist"] != ""].groupby("artist")]
    found.sort(key=lambda pair: (-len(pair[1]), str(pair[0])))
    rows = [
        (str(name), number(int(part["track_id"].nunique())), number(len(part)))
        for name, part in found[:LARGEST_ATTRIBUTIONS]
    ]
    if not rows:
        return ""
    unknown = int((train["artist"] == "").sum())
    table = Table(("artist", "tracks", "clips"), tuple(rows), (False, True, True))
    return (
        f"Of {number(len(found))} named artists, those with most clips ({number(unknown)} clips name none):\n\n"
        f"{markdown_table(table, outside=1)}"
    )


def _training(inputs: Inputs, model: ModelFolder) -> str:
    stage = TRAIN_STAGE[model.kind]
    section = inputs.params.get(stage, {})
    own = section.get(model.name, section) if isinstance(section, Mapping) else {}
    rows = tuple(flat(own, show=setting))
    return markdown_table(Table(("param", "value"), rows)) if rows else "Params were not found."


def _metrics(inputs: Inputs, model: ModelFolder) -> list[str]:
    parts = []
    systems = inputs.systems_with(model.name) if model.kind == "diffusion" else []
    later = [("sample", system) for system in systems] if model.kind == "diffusion" else [("encode", model.name)]
    for stage, item in [(TRAIN_STAGE[model.kind], model.name), *later]:
        found = inputs.metrics.get(f"{stage}_{item}")
        if found:
            rows = tuple(pair for pair in flat(found) if pair[0] != "scale")
            parts.append(f"From `{stage}`:\n\n" + markdown_table(Table(("metric", "value"), rows)))
    rows_of = [row for row in rows_in(inputs.evaluation) if row.get("system") in systems]
    if rows_of:
        parts.append(
            "On held-out prompts, with bootstrap intervals:\n\n" + markdown_table(results_table(rows_of), outside=3)
        )
    return parts or [f"Metrics: {MISSING}."]


def _limits(inputs: Inputs) -> list[str]:
    origins = sorted(
        {f"{words(m.name)}: {m.origin or 'origin not recorded'}" for m in inputs.models if m.kind == "foundation"}
    )
    scale = {
        "demo": "Demo scale shows that the pipeline works: a small model, trained for minutes, not fit for use.",
        "study": "Study scale tests claims on one corpus: a small model, not fit for use.",
    }.get(inputs.scale, "Check the metrics above before use; a model repeats the styles and gaps of its data.")
    clip = f"It knows clips of {duration(inputs.clip_seconds)} and nothing longer." if inputs.clip_seconds else ""
    heard = escape_markdown("; ".join(origins)) or "none found"
    return [
        f"- {scale}\n- {clip}\n- Its metrics rest on foundation models ({heard}); these were trained "
        "apart from it, and it inherits what they do not hear.\n- Captions that are wrong in the data are wrong "
        "in what it learnt; the report counts them."
    ]


def _fingerprints(inputs: Inputs, model: ModelFolder) -> str:
    used = [model]
    if model.kind == "diffusion":
        used += [other for other in inputs.models if other.kind == "vae" and other.name == model.codec]
    used += [other for other in inputs.models if other.kind == "foundation"]
    rows = tuple(
        (f"{other.kind}/{other.name}", f"`{other.fingerprint or MISSING}`", escape_markdown(other.origin or "this run"))
        for other in used
    )
    note = "SHA-256 of each `model.safetensors`:"
    parts = [note, markdown_table(Table(("model", "sha256", "origin"), rows), outside=0)]
    if model.ledger:
        parts.append(
            f"Ledger: {number(int(model.ledger['tracks']))} tracks, whose list `{_ledger_path(inputs, model)}` has the "
            f"SHA-256 `{model.ledger['sha256']}`. `padstal lineage {model.name}` lists them; a track that is forgotten "
            "later stays in what this model learnt until it is trained again."
        )
    return "\n\n".join(parts)


def _ledger_path(inputs: Inputs, model: ModelFolder) -> str:
    return f"reports/{inputs.scale}/ledger/{TRAIN_STAGE[model.kind]}_{model.name}.json"


def _citation(inputs: Inputs, model: ModelFolder, title: str) -> str:
    """A reference that names the weights and the data by what they are, for names and places change."""
    note = [f"weights SHA-256 {model.fingerprint or MISSING}"]
    if model.ledger:
        note.append(f"training tracks SHA-256 {model.ledger['sha256']}")
    lines = (
        f"@misc{{padstal-{inputs.scale}-{model.kind}-{model.name},",
        f"  title = {{{title}, {inputs.scale} scale}},",
        "  howpublished = {padstal},",
        f"  note = {{{'; '.join(note)}}}",
        "}",
    )
    text = "\n".join(lines)
    return f"```bibtex\n{text}\n```\n\nWhoever shows what it generates also credits the music: [{FILE}]({FILE})."
