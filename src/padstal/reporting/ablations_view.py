"""QA-MDT's tables 1, A.3 and A.4: what the paper measured, and what this run did where it is the same system."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from padstal.reporting.checks_view import value_at
from padstal.reporting.inputs import Inputs
from padstal.reporting.papers_view import quality_rows
from padstal.reporting.results_view import Row, measured
from padstal.reporting.table import Table
from padstal.reporting.text import finite
from padstal.sampling.quality_level import QUALITY

METRICS = {"fd": "FD", "kl": "KL", "clap_f": "CLAP-f", "pmos": "p-MOS"}
NOTHING = "–"


@dataclass(frozen=True)
class Published:
    """A row of a table of the paper.

    Attributes:
        figures: FAD, KL, CLAP score, p-MOS.
        told: Values of the denoiser's section that make a system the same, by key path.
        guidance: Kind of guidance.
    """

    table: str
    row: str
    figures: tuple[str, str, str, str]
    told: Mapping[str, Any]
    guidance: str = "cfg"


def _captions(backbone: str, kind: str, captions: str, fad: str, kl: str, clap: str) -> Published:
    told = {"form.backbone.kind": kind, "captions": captions}
    return Published("captions (1)", f"{backbone}, {captions}", (fad, kl, clap, NOTHING), told)


def _guidance(name: str, kind: str, fad: str, kl: str, pmos: str) -> Published:
    return Published("guidance (A.4)", name, (fad, kl, NOTHING, pmos), {"form.backbone.kind": "mdt"}, kind)


def _patches(name: str, patch: list[int], overlap: list[int], fad: str, kl: str, high: float = 0.5) -> Published:
    told = {"form.backbone.patch": patch, "form.backbone.overlap": overlap, "objective.high": high}
    row = f"{name}, {patch[0]} frames × {patch[1]} bands, overlap {overlap[0]} × {overlap[1]}"
    return Published("patches (A.3)", row, (fad, kl, NOTHING, NOTHING), told)


PUBLISHED = (
    _captions("U-Net", "unet2d", "original", "7.228", "4.449", "0.199"),
    _captions("U-Net", "unet2d", "generated", "5.944", "4.134", "0.278"),
    _captions("U-Net", "unet2d", "refined", "5.867", "4.132", "0.284"),
    _captions("MDT", "mdt", "original", "7.072", "3.964", "0.291"),
    _captions("MDT", "mdt", "generated", "5.757", "3.837", "0.342"),
    _captions("MDT", "mdt", "refined", "5.637", "3.804", "0.350"),
    _patches("DiT", [4, 2], [0, 0], "6.861", "4.355", high=0.0),
    _patches("MDT", [4, 2], [0, 0], "5.901", "3.913"),
    _patches("MDT", [2, 2], [0, 0], "5.685", "3.820"),
    _patches("MDT", [4, 1], [0, 0], "5.768", "3.837"),
    _patches("MDT", [4, 2], [0, 1], "5.757", "3.837"),
    _patches("MDT", [4, 2], [2, 0], "5.172", "3.737"),
    _guidance("text alone", "cfg", "5.757", "3.837", "3.796"),
    _guidance("negative prompt", "negative_prompt", "5.641", "3.461", "3.832"),
    _guidance("quality", "quality", "5.200", "3.214", "4.051"),
)
"""On MagnaTagATune, with VGGish, PANNs, LAION-CLAP and QAMA: not these judges."""


def ablations_table(inputs: Inputs) -> Table:
    """The published rows, this run's figures in those of its own systems; no row without such a system."""
    settings = quality_rows(inputs)
    if not settings:
        return Table((), ())
    table = []
    for published in PUBLISHED:
        own = _own(published, settings, inputs)
        cells = (measured(own, name) if finite(own.get(name)) else NOTHING for name in METRICS)
        table.append((published.table, published.row, *cells, *published.figures))
    head = ("table", "system", *METRICS.values(), *(f"{name}, paper" for name in ("FAD", "KL", "CLAP", "p-MOS")))
    return Table(head, tuple(table), (False, False, *(True for _ in head[2:])))


def _own(published: Published, settings: list[Row], inputs: Inputs) -> Row:
    """The setting of the highest level, under that guidance, of a system whose denoiser is told the same; else {}."""
    sections = inputs.params.get("train_diffusion") or {}
    same = [
        row
        for row in settings
        if row.get("record", {}).get("guidance", {}).get("kind") == published.guidance
        and all(
            value_at(sections.get(inputs.systems[str(row["system"])].get("denoiser")), path) == value
            for path, value in published.told.items()
        )
    ]
    return max(same, key=lambda row: float(row["record"].get("attributes", {}).get(QUALITY, 0)), default={})
