"""A wrong value in `params.yaml` is an error that names the key path, the value and what is allowed, at every scale."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from padstal.core.explain import explain
from padstal.core.kinds import Kinds
from padstal.core.params import ParamsError
from padstal.core.section import Section
from padstal.stages.params import STAGES, Tree, load_tree, reserved_keys

PARAMS = Path(__file__).resolve().parents[2] / "params.yaml"


@pytest.fixture(scope="module")
def good() -> Any:
    return yaml.safe_load(PARAMS.read_text(encoding="utf-8"))


def _error(tmp_path: Path, raw: Any) -> str:
    file = tmp_path / "params.yaml"
    file.write_text(json.dumps(raw), encoding="utf-8")  # is YAML, too, and read in a third of the time
    with pytest.raises(ParamsError) as error:
        load_tree(file)
    return str(error.value)


@pytest.mark.parametrize("scale", ["demo", "study", "full"])
def test_an_error_in_any_scale_is_found_whichever_is_active(tmp_path: Path, good: Any, scale: str) -> None:
    raw = copy.deepcopy(good)
    raw["scales"][scale]["ingest"]["sample_rate"] = 10
    assert _error(tmp_path, raw) == (
        f"scales.{scale}.ingest.sample_rate = 10: input should be greater than or equal to 8000"
    )


def test_an_unknown_key_is_named_without_its_value_which_may_be_a_secret(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["score"]["colour"] = "red"
    assert _error(tmp_path, raw).startswith("scales.demo.score.colour: unknown key; expected gap_policy, ")
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["sample"]["grids"]["pads_tal"]["sampler"]["solver"]["colour"] = "red"
    assert "sampler.solver.colour: unknown key; expected kind" in _error(tmp_path, raw)


def test_a_missing_key_is_named(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    del raw["scales"]["study"]["gate"]["stop_at"]
    assert _error(tmp_path, raw) == (
        "scales.study.gate.stop_at: missing; least severity of a broken expectation that stops the run "
        "(critical | warning)"
    )
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["validate"]["curate"]["fused_share"] = [0.1]
    assert _error(tmp_path, raw).startswith("scales.demo.validate.curate.fused_share.1: missing")


def test_a_wrong_choice_says_the_right_ones(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["runtime"]["device"] = "tpu"
    assert _error(tmp_path, raw) == "runtime.device = 'tpu': input should be 'auto', 'cpu' or 'cuda'"


def test_a_key_path_holds_keys_of_the_file_and_nothing_else(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["ingest"]["sources"] = [{"kind": "synth", "tracks": 1, "track_seconds": 18, "seed": 0}]
    said = _error(tmp_path, raw)
    assert said.startswith("scales.demo.ingest.sources.0.tracks = 1: ")
    assert "at least 1 item" not in said, "a wrong source is one"


def test_values_that_contradict_each_other_are_named_without_the_whole_section(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["ingest"]["splits"] = {"train": 0.5, "validation": 0.3, "test": 0.3}
    assert _error(tmp_path, raw) == "scales.demo.ingest.splits: train + validation + test = 1.1, expected 1"


def test_a_contradiction_within_one_kind_of_several_is_named_by_the_keys_alone(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["prepare"]["clap"]["image"] = 130
    assert _error(tmp_path, raw) == (
        "scales.demo.prepare.clap: image = 130: expected a multiple of bands = 64 and patch = 8"
    )


def test_a_number_in_a_list_has_limits_at_both_ends() -> None:
    assert set(_lists(Tree, "", set())) == {"MdtBackbone.overlap"}, "which is held against its patch"


def _lists(kind: Any, at: str, seen: set[Any], limits: tuple[Any, ...] = (), *, listed: bool = False) -> Iterator[str]:
    """Fields below `kind` that are lists of numbers without a lower or without an upper limit."""
    if get_origin(kind) is Annotated:
        kind, *told = get_args(kind)
        limits += tuple(inner for one in told for inner in (one.metadata if isinstance(one, FieldInfo) else [one]))
    for member in (member for one in limits if isinstance(one, Kinds) for member in one.members):
        yield from _lists(member, at, seen)
    if isinstance(kind, type) and issubclass(kind, Section):
        if kind not in seen:
            seen.add(kind)
            for name, field in kind.model_fields.items():
                yield from _lists(field.annotation, f"{kind.__name__}.{name}", seen, tuple(field.metadata))
            yield from _lists(get_type_hints(kind).get("__pydantic_extra__"), kind.__name__, seen)
    elif kind in (int, float):
        below, above = (any(isinstance(one, ends) for one in limits) for ends in ((Ge, Gt), (Le, Lt)))
        if listed and not (below and above):
            yield at
    else:
        for inner in get_args(kind):
            yield from _lists(inner, at, seen, listed=listed or get_origin(kind) in (tuple, list))


@pytest.mark.parametrize(
    ("at", "wrong"),
    [("mel_codec.fft_sizes", 0), ("mel_codec.fft_sizes", -512), ("dac.fft_sizes", 2**52), ("clap.depths", 10**9)],
)
def test_a_wrong_number_in_a_list_is_refused_by_key(tmp_path: Path, good: Any, at: str, wrong: int) -> None:
    raw = copy.deepcopy(good)
    role, key = at.split(".")
    raw["scales"]["demo"]["prepare"][role][key][1] = wrong
    assert _error(tmp_path, raw).startswith(f"scales.demo.prepare.{at}.1 = {wrong}: input should be ")


def test_all_errors_come_at_once(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["tracking"]["mode"] = "maybe"
    raw["scales"]["full"]["ingest"]["channels"] = 3
    assert len(_error(tmp_path, raw).splitlines()) == 2


@pytest.mark.parametrize("name", ["size", "nfiles"])
def test_keys_that_dvc_drops_from_its_hash_are_refused_with_the_reason(tmp_path: Path, good: Any, name: str) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["ingest"]["sources"][0][name] = 3
    assert f"scales.demo.ingest.sources.0.{name}: rename it" in _error(tmp_path, raw)


def test_reserved_keys_are_found_at_any_depth() -> None:
    assert list(reserved_keys({"a": [{"b": {"size": 1}}], "nfiles": 2, "sizes": 3})) == ["a.0.b.size", "nfiles"]


def test_the_promoted_method_is_one_of_a_grid(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["promote"]["method"] = "cads2"
    assert _error(tmp_path, raw) == "promote.method = cads2: expected one of none, cads, pads"


HAVE_DEFAULTS = (
    *("accumulate", "keep_every", "init_from", "quality_dropout", "quality_prefix", "licence", "stable_audio_open"),
    *("captions", "crop_frames", "generates", "lower_noise", "offset", "padding_codes", "quality", "variance"),
    *("first", "last", "count", "last_bias", "eta", "unit", "unit_rms", "text_norm", "text_dropout"),
    *("feature_matching", "checkpoint_activations", "learned_frequencies", "embedders", "training_clips", "weak_step"),
    *("linked_folders", "hidden", "seconds", "retrained", "degraded_share", "severity_beta"),
    *("hold", "private_std"),
)
"""Values of trainings that params need not name."""


def test_every_value_of_every_scale_is_explained(good: Any) -> None:
    tree = load_tree(PARAMS)
    for scale in ("demo", "study", "full"):
        for stage in STAGES:
            rows = list(explain(tree.scales[scale].section(stage), f"scales.{scale}.{stage}"))
            assert rows, f"{stage} has no values"
            unexplained = [row.path for row in rows if not row.meaning]
            assert not unexplained
            for row in rows:
                if ".sweeps." in row.path:  # a sweep is filled up by the sampler's values and by defaults
                    continue
                node = good
                *above, last = row.path.split(".")
                for key in above:
                    node = node[int(key) if isinstance(node, list) else key]
                assert isinstance(node, list) or last in node or last in HAVE_DEFAULTS


def test_trainings_that_are_pooled_are_of_systems_that_run(tmp_path: Path, good: Any) -> None:
    raw = copy.deepcopy(good)
    raw["scales"]["demo"]["evaluate"]["retrained"] = {"audio_dit": ["seed2"]}
    assert "scales.demo.evaluate.retrained.audio_dit: seed2: expected of systems: audio_dit" in _error(tmp_path, raw)


@pytest.mark.parametrize(
    ("needs", "told"),
    [
        ("foundation/text_encoder", "models/demo/vae/audio: autoencoders.tal.needs = foundation/text_encoder"),
        ("vae/mel", "autoencoders.tal.needs = vae/mel: autoencoders has no mel"),
    ],
)
def test_what_an_autoencoder_begins_from_is_made_before_it(tmp_path: Path, good: Any, needs: str, told: str) -> None:
    raw = copy.deepcopy(good)
    raw["autoencoders"]["tal"]["needs"] = needs
    assert told in _error(tmp_path, raw)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ({"text": "flan_t5"}, "systems.audio_dit.text = flan_t5: its denoiser audio_dit has text_encoder"),
        ({"codec": "tal"}, "systems.audio_dit.codec = tal: its denoiser audio_dit has audio"),
        ({"text": "t5"}, "systems.audio_dit.text = 't5'"),
    ],
)
def test_a_system_has_the_codec_and_the_text_encoder_of_its_denoiser(
    tmp_path: Path, good: Any, entry: dict[str, str], told: str
) -> None:
    raw = copy.deepcopy(good)
    raw["systems"]["audio_dit"] |= entry
    assert told in _error(tmp_path, raw)


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("train", "no such stage; expected one of ingest, "),
        ("train_vae@tall", "train_vae has no 'tall', but audio, tal"),
        ("encode@nope", "encode has no 'nope', but audio, tal, mel, dac"),
        ("prepare@encode", "prepare has no 'encode', but clap, "),
        ("gate@", "gate has no '', but ingest, curate"),
        ("report@all", "report has no items"),
        ("a.ingest", "no such stage"),
    ],
)
def test_a_budget_and_a_time_limit_name_a_stage_or_an_item_of_one(
    tmp_path: Path, good: Any, label: str, told: str
) -> None:
    for at in ("operations.time_limits", "scales.full.budget"):
        raw = copy.deepcopy(good)
        *above, last = at.split(".")
        node = raw
        for key in above:
            node = node[key]
        node[last] = {"ingest": 3, "train_vae@tal": 3, "prepare@dac": 3, label: 3}
        assert _error(tmp_path, raw).startswith(f"{at}.{label}: {told}")
    raw["scales"]["full"]["budget"] = {"ingest": 0}
    assert _error(tmp_path, raw) == "scales.full.budget.ingest = 0: input should be greater than 0"


@pytest.mark.parametrize(("more", "found"), [("xyz", "xyz"), ("audio", "audio 2 times")])
def test_each_codec_is_one_that_is_made_and_stands_there_once(tmp_path: Path, good: Any, more: str, found: str) -> None:
    raw = copy.deepcopy(good)
    raw["codecs"].append(more)
    assert _error(tmp_path, raw) == f"codecs: {found}: expected each once, of audio, tal, mel, dac"
