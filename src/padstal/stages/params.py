"""The whole of `params.yaml`: all scales at once, so that an edit for one never breaks another unseen."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from padstal.codecs.config import TrainVaeParams
from padstal.codecs.encode import EncodeParams
from padstal.core.params import SCALES, ParamsError, check, read_yaml
from padstal.core.runtime import RuntimeParams, TrackingParams
from padstal.core.section import Section, value
from padstal.curation.captions.config import CaptionParams
from padstal.curation.config import CurateParams, ScoreParams
from padstal.curation.expectations.config import GateParams, ValidateParams
from padstal.demo.config import PrepareParams
from padstal.diffusion.config import TrainDiffusionParams
from padstal.evaluation.config import EvaluateParams
from padstal.ingest.config import IngestParams
from padstal.operations.config import Limit, OperationsParams, PromoteParams
from padstal.reporting.config import ReportParams
from padstal.sampling.config import SampleParams
from padstal.stages.prepare import CODECS, ROLES
from padstal.systems.config import Runs

DROPPED_BY_DVC = ("size", "nfiles")
"""DVC leaves keys of these names out of its run cache's hash, at any depth (treeverse/dvc#10296)."""


class Scale(Section):
    """One scale: a section a stage, in the order of the DAG, and what each stage may take."""

    ingest: IngestParams
    validate_: ValidateParams = Field(alias="validate")  # pydantic has a method of that name
    gate: GateParams
    prepare: PrepareParams
    score: ScoreParams
    caption: CaptionParams
    curate: CurateParams
    train_vae: TrainVaeParams
    encode: EncodeParams
    train_diffusion: TrainDiffusionParams
    sample: SampleParams
    evaluate: EvaluateParams
    report: ReportParams
    budget: dict[str, Limit] = value("wall time that a stage (`encode`) or an item of one (`encode@tal`) may take", "s")

    def section(self, stage: str) -> Section:
        """The section of a stage, by the stage's name."""
        section: Section = getattr(self, _attribute(stage))
        return section


class Scales(Section):
    """The three sizes that the pipeline comes in."""

    demo: Scale
    study: Scale
    full: Scale

    def __getitem__(self, name: str) -> Scale:
        scale: Scale = getattr(self, name)
        return scale


class Tree(Runs):
    """`params.yaml`."""

    scale: Literal["demo", "study", "full"] = value("the scale that runs")
    runtime: RuntimeParams
    tracking: TrackingParams
    operations: OperationsParams
    promote: PromoteParams
    scales: Scales

    @model_validator(mode="after")
    def _what_runs_has_params(self) -> "Tree":
        for name in self.denoisers:
            for scale in ("demo", "study", "full"):
                if name not in self.scales[scale].train_diffusion.model_dump():
                    raise ValueError(f"scales.{scale}.train_diffusion.{name}: missing, but denoisers names it")
        for name, place in self.autoencoders.items():
            if name not in TrainVaeParams.model_fields:
                raise ValueError(f"autoencoders: {name}: expected one of {', '.join(TrainVaeParams.model_fields)}")
            begun = getattr(self.scales[self.scale].train_vae, name).training.init_from
            if begun and begun.startswith(f"models/{self.scale}/") and not begun.endswith(place.needs):
                found = f"scales.{self.scale}.train_vae.{name}.training.init_from = {begun}"
                raise ValueError(f"{found}: autoencoders.{name}.needs = {place.needs}: expected the same model")
        for name, system in self.systems.items():
            for scale in ("demo", "study", "full"):
                if system.grid not in (grids := self.scales[scale].sample.grids):
                    found = f"systems.{name}.grid = {system.grid}"
                    raise ValueError(f"{found}: scales.{scale}.sample.grids has {', '.join(grids)}")
        for name, others in self.scales[self.scale].evaluate.retrained.items():
            for lacking in {name, *others} - self.systems.keys():
                found = f"scales.{self.scale}.evaluate.retrained.{name}: {lacking}"
                raise ValueError(f"{found}: expected of systems: {', '.join(self.systems)}")
        if self.promote.system not in self.systems:
            raise ValueError(f"promote.system = {self.promote.system}: expected one of {', '.join(self.systems)}")
        of_each = [self.scales[scale].sample.grids for scale in ("demo", "study", "full")]
        settings = [setting for grids in of_each for grid in grids.values() for setting in grid.settings]
        methods = dict.fromkeys(setting.method_name for setting in settings)
        if self.promote.method not in methods:
            raise ValueError(f"promote.method = {self.promote.method}: expected one of {', '.join(methods)}")
        return self

    @model_validator(mode="after")
    def _codecs_are_made(self) -> "Tree":
        made = [*self.autoencoders, *CODECS.values()]
        for name, times in Counter(self.codecs).items():
            if name not in made or times > 1:
                found = f"codecs: {name}" + (f" {times} times" if times > 1 else "")
                raise ValueError(f"{found}: expected each once, of {', '.join(made)}")
        return self

    @model_validator(mode="after")
    def _limits_name_stages(self) -> "Tree":
        """And items of theirs (`train_vae@tal`), as the matrices of dvc.yaml have them."""
        sets = dict.fromkeys(("validate", "gate"), ("ingest", "curate"))
        made = {"train_vae": self.autoencoders, "encode": self.codecs, "train_diffusion": self.denoisers}
        items: dict[str, Iterable[str]] = {**sets, "prepare": ROLES, **made, "sample": self.systems}
        budgets = {f"scales.{scale}.budget": self.scales[scale].budget for scale in SCALES}
        told = {"operations.time_limits": self.operations.time_limits, **budgets}
        for where, label in ((f"{at}.{label}", label) for at, limits in told.items() for label in limits):
            stage, of, item = label.partition("@")
            known = ", ".join(items.get(stage, ()))
            if stage not in STAGES:
                raise ValueError(f"{where}: no such stage; expected one of {', '.join(STAGES)}")
            if of and item not in items.get(stage, ()):
                raise ValueError(f"{where}: {stage} has {f'no {item!r}, but {known}' if known else 'no items'}")
        return self


STAGES = tuple(field.alias or name for name, field in Scale.model_fields.items() if name != "budget")
"""Stages with a section, in order."""


def load_tree(path: Path) -> Tree:
    """All of `params.yaml`, checked.

    Raises:
        ParamsError: One line for each wrong value of any scale: key path, value, what is allowed.
    """
    raw = read_yaml(path)
    reserved = [
        f"{at}: rename it; DVC leaves keys named {' or '.join(DROPPED_BY_DVC)} out of its run cache's hash and would "
        "serve stale results"
        for at in reserved_keys(raw)
    ]
    if reserved:
        raise ParamsError("\n".join(reserved))
    return check(Tree, raw, "")


def reserved_keys(node: Any, at: str = "") -> Iterator[str]:
    """Paths of keys whose names DVC drops."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in items:
        where = f"{at}.{key}" if at else str(key)
        if key in DROPPED_BY_DVC:
            yield where
        yield from reserved_keys(child, where)


def _attribute(stage: str) -> str:
    return "validate_" if stage == "validate" else stage
