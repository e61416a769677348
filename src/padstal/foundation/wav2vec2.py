"""p-MOS by a fine-tuned wav2vec 2.0, the scorer that QA-MDT's authors used: QAMA (Ragano et al., ICASSP 2023).

    (1)  ŝ = w · mean_N(h_BND) + b,  h the last layer's states
    (2)  p-MOS = min(max(ŝ, 0), 5), the mean of ŝ over the members where there are several ("Mean CV" of three folds)

Published checkpoints bear fairseq's names and come as pickles: here they are checked by sha256, read by torch's
restricted unpickler, renamed to those of transformers, and kept as safetensors. Audio goes in as it is, mono at 16 kHz,
not normalised; all clips of a call have one length, so nothing is padded and no row of a batch alters another.

Shape suffixes: B batch, S samples, N frames, D features.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from padstal.core.tensor_files import load_state, loads
from padstal.core.untrusted import UntrustedFileError, expecting
from padstal.foundation.fetch import PinnedFiles, fetch
from padstal.foundation.store import load_into, read_config, read_tensors, save

ROLE = "pmos"
KIND = "wav2vec2"
SAMPLE_RATE = 16_000
LEAST, MOST = 0.0, 5.0
"""The ends of the scale; the head itself has none."""
HEAD_FEATURES = 64
"""Features of an attention head, in every published wav2vec 2.0."""

MODEL = "ssl_model."
HEAD = re.compile(r"output_layer(?:_arch1)?\.(weight|bias)")
"""QAMA's head on the last layer; its other heads read something else and are left behind."""
LEFT_BEHIND = re.compile(r"quantizer\.|project_q\.|final_proj\.|_ema$|label_embs_concat$")
"""What only pre-training needs."""
RENAMED = (
    (r"mask_emb", "masked_spec_embed"),
    (r"layer_norm\.(\w+)", r"feature_projection.layer_norm.\1"),
    (r"post_extract_proj\.(\w+)", r"feature_projection.projection.\1"),
    (r"feature_extractor\.conv_layers\.(\d+)\.0\.(\w+)", r"feature_extractor.conv_layers.\1.conv.\2"),
    (r"feature_extractor\.conv_layers\.(\d+)\.2(?:\.1)?\.(\w+)", r"feature_extractor.conv_layers.\1.layer_norm.\2"),
    (r"encoder\.pos_conv\.0\.bias", "encoder.pos_conv_embed.conv.bias"),
    (r"encoder\.pos_conv\.0\.weight_g", "encoder.pos_conv_embed.conv.parametrizations.weight.original0"),
    (r"encoder\.pos_conv\.0\.weight_v", "encoder.pos_conv_embed.conv.parametrizations.weight.original1"),
    (r"encoder\.layer_norm\.(\w+)", r"encoder.layer_norm.\1"),
    (r"encoder\.layers\.(\d+)\.self_attn\.([kvq]|out)_proj\.(\w+)", r"encoder.layers.\1.attention.\2_proj.\3"),
    (r"encoder\.layers\.(\d+)\.self_attn_layer_norm\.(\w+)", r"encoder.layers.\1.layer_norm.\2"),
    (r"encoder\.layers\.(\d+)\.fc1\.(\w+)", r"encoder.layers.\1.feed_forward.intermediate_dense.\2"),
    (r"encoder\.layers\.(\d+)\.fc2\.(\w+)", r"encoder.layers.\1.feed_forward.output_dense.\2"),
    (r"encoder\.layers\.(\d+)\.final_layer_norm\.(\w+)", r"encoder.layers.\1.final_layer_norm.\2"),
)
"""fairseq's names → those of transformers, each matched whole."""


class Wav2Vec2Quality(nn.Module):
    """One member: audio [B, S] → ŝ [B] (1)."""

    def __init__(self, architecture: Mapping[str, Any]) -> None:
        super().__init__()
        from transformers import Wav2Vec2Config, Wav2Vec2Model

        self.wav2vec2 = Wav2Vec2Model(Wav2Vec2Config(**architecture, apply_spec_augment=False, layerdrop=0.0))
        self.head = nn.Linear(int(architecture["hidden_size"]), 1)

    def forward(self, audio_BS: Tensor) -> Tensor:
        states_BND = self.wav2vec2(audio_BS).last_hidden_state
        score_B: Tensor = self.head(states_BND.mean(dim=1))[:, 0]  # (1)
        return score_B


class Members(nn.ModuleList):
    """Models of one architecture whose scores are averaged: audio [B, S] → ŝ [B]."""

    def forward(self, audio_BS: Tensor) -> Tensor:
        return torch.stack([member(audio_BS) for member in self]).mean(dim=0)


@dataclass(frozen=True)
class Wav2Vec2Scorer:
    """A frozen wav2vec 2.0 scorer; implements `protocols.QualityScorer`."""

    model: nn.Module
    least_samples: int
    device: torch.device
    sample_rate: int = SAMPLE_RATE

    @torch.no_grad()
    def score(self, audio_BS: np.ndarray, batch: int = 8) -> np.ndarray:
        """p-MOS [B] (float32, 0 to 5) of mono float32 audio at 16 kHz; NaN where the audio is not finite.

        Raises:
            ValueError: Not two dimensions, or shorter than the first frame.
        """
        if audio_BS.ndim != 2 or audio_BS.shape[1] < self.least_samples:
            raise ValueError(
                f"audio has shape {audio_BS.shape}: expected [clips, samples], at least {self.least_samples} samples"
            )
        parts = []
        for at in range(0, len(audio_BS), batch):
            some_BS = torch.from_numpy(np.ascontiguousarray(audio_BS[at : at + batch], dtype=np.float32))
            parts.append(self.model(some_BS.to(self.device)).float().cpu().numpy())
        scores_B = np.concatenate(parts) if parts else np.zeros(0, np.float32)
        return np.clip(scores_B, LEAST, MOST)  # (2); NaN stays NaN


def convert(weights: PinnedFiles, folder: Path) -> None:
    """Fetch the checkpoints of `weights` into `folder` as one model: safetensors and config.

    Args:
        weights: One checkpoint, or several of one architecture whose scores are averaged.
        folder: Model folder to fill.

    Raises:
        FetchError, UntrustedFileError: See `fetch` and `store.read_tensors`; also if a file is no wav2vec 2.0 with a
            head, or if the files differ in architecture.
    """
    import shutil

    raw = folder / "raw"
    tensors: dict[str, Tensor] = {}
    architecture: dict[str, Any] = {}
    for number, (name, path) in enumerate(fetch(weights, raw).items()):
        member = transformers_names(read_tensors(path, weights.sha256[name]), path)
        found = architecture_of(member, path)
        if architecture and found != architecture:
            raise UntrustedFileError(f"{path}: another architecture than the first file's: {found}, not {architecture}")
        architecture = found
        tensors |= {f"{number}.{key}": value.float() for key, value in member.items()}
    model = new(architecture, len(weights.sha256))
    load_state(model, tensors, Path(weights.repository), "a wav2vec 2.0 with a head")
    config = {
        "role": ROLE,
        "kind": KIND,
        "origin": f"{weights.origin}/{'+'.join(weights.sha256)}",
        "sample_rate": SAMPLE_RATE,
        "members": len(weights.sha256),
        "architecture": architecture,
    }
    save(folder, model, config)
    shutil.rmtree(raw)


def transformers_names(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Tensors of one published scorer under the names of `Wav2Vec2Quality`.

    Raises:
        UntrustedFileError: A tensor that scoring needs has a name that nobody knows.
    """
    renamed: dict[str, Tensor] = {}
    for name, value in tensors.items():
        if match := HEAD.fullmatch(name):
            renamed[f"head.{match.group(1)}"] = value
        elif name.startswith(MODEL) and not LEFT_BEHIND.search(name.removeprefix(MODEL)):
            renamed[f"wav2vec2.{_renamed(name.removeprefix(MODEL), path)}"] = value
    return renamed


def architecture_of(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """transformers' configuration, read off the tensors of `transformers_names`.

    Strides (5, then 2) and the features of an attention head (64) leave no trace in the weights and are those of every
    published wav2vec 2.0; norm before attention goes with norm in every convolution (large, XLS-R), norm after it with
    one group norm (base).

    Raises:
        UntrustedFileError: Tensors that every wav2vec 2.0 scorer has are missing.
    """
    body = {name.removeprefix("wav2vec2."): value for name, value in tensors.items()}
    with expecting("a wav2vec 2.0 with a quality head", path):
        kernels = [body[f"feature_extractor.conv_layers.{at}.conv.weight"] for at in range(_count(body, "conv_layers"))]
        every_layer = "feature_extractor.conv_layers.1.layer_norm.weight" in body
        position = body["encoder.pos_conv_embed.conv.parametrizations.weight.original1"]
        hidden = int(body["feature_projection.projection.weight"].shape[0])
        inner = int(body["encoder.layers.0.feed_forward.intermediate_dense.weight"].shape[0])
        head = tuple(tensors["head.weight"].shape)
        if not kernels or head != (1, hidden) or hidden % HEAD_FEATURES:
            raise UntrustedFileError(
                f"{path}: {len(kernels)} convolutions, {hidden} features and a head of shape {head}: expected some, "
                f"a multiple of {HEAD_FEATURES}, and (1, {hidden})"
            )
        return {
            "hidden_size": hidden,
            "num_hidden_layers": _count(body, "layers"),
            "num_attention_heads": hidden // HEAD_FEATURES,
            "intermediate_size": inner,
            "conv_dim": [int(kernel.shape[0]) for kernel in kernels],
            "conv_kernel": [int(kernel.shape[2]) for kernel in kernels],
            "conv_stride": [5] + [2] * (len(kernels) - 1),
            "conv_bias": "feature_extractor.conv_layers.0.conv.bias" in body,
            "num_conv_pos_embeddings": int(position.shape[2]),
            "num_conv_pos_embedding_groups": hidden // int(position.shape[1]),
            "feat_extract_norm": "layer" if every_layer else "group",
            "do_stable_layer_norm": every_layer,
        }


def new(architecture: Mapping[str, Any], members: int) -> nn.Module:
    """`members` models of an architecture with random weights; no download."""
    return Members(Wav2Vec2Quality(architecture) for _ in range(members))


@loads("the folder of a wav2vec 2.0 scorer")
def load(folder: Path, device: torch.device | str) -> Wav2Vec2Scorer:
    """The scorer of a model folder that `convert` filled.

    Raises:
        FileNotFoundError, UntrustedFileError: See `store`.
    """
    config = read_config(folder, ROLE)
    architecture = config["architecture"]
    model = load_into(new(architecture, int(config["members"])), folder, device)
    return Wav2Vec2Scorer(model, least_samples(architecture), torch.device(device))


def least_samples(architecture: Mapping[str, Any]) -> int:
    """Samples that the convolutions need for one frame: 400 in published models."""
    samples = 1
    for kernel, stride in zip(
        reversed(architecture["conv_kernel"]), reversed(architecture["conv_stride"]), strict=True
    ):
        samples = (samples - 1) * stride + kernel
    return samples


def _renamed(name: str, path: Path) -> str:
    for pattern, replacement in RENAMED:
        if re.fullmatch(pattern, name):
            return re.sub(pattern, replacement, name)
    raise UntrustedFileError(f"{path}: {MODEL}{name}: not a name of fairseq's wav2vec 2.0")


def _count(names: Mapping[str, Any], what: str) -> int:
    """How many numbered `what` there are."""
    return len({found.group(1) for name in names if (found := re.search(rf"(?<!\w){what}\.(\d+)\.", name))})
