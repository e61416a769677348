"""What Stable Audio Open's tensors are called: here, in its own checkpoint, and in the folders that diffusers reads.

Ours are those of `AudioVae` (`encoder.…`, `decoder.…`) and of a denoiser with the backbone `dit` (`backbone.…`,
`conditioner.…`). Its own are stable-audio-tools', in one file. diffusers' have the folder before them, `vae/…`,
`transformer/…`, `projection_model/…`, and a matrix each for queries, keys and values, which are one here. Numbers are
the same: shapes differ in axes of length 1 alone.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from padstal.core.untrusted import UntrustedFileError

Layout = Literal["original", "diffusers"]
Rule = tuple[str, str | Callable[[re.Match[str]], str]]

_WEIGHT_NORM: tuple[Rule, ...] = (
    (r"parametrizations\.weight\.original0$", "weight_g"),
    (r"parametrizations\.weight\.original1$", "weight_v"),
    (r"log_(alpha|beta)$", r"\1"),
)
_UNIT = ("snake1", "conv1", "snake2", "conv2")
RULES: dict[Layout, tuple[Rule, ...]] = {
    "original": (
        (r"^(encoder\.layers\.\d+)\.(\d)\.", r"\1.layers.\2."),
        (r"^(encoder\.layers\.\d+\.layers\.4)\.conv\.", r"\1."),
        (r"^(decoder\.layers\.\d+)\.snake\.", r"\1.layers.0."),
        (r"^(decoder\.layers\.\d+)\.up\.", r"\1.layers.1."),
        (r"^(decoder\.layers\.\d+)\.units\.(\d)\.", lambda found: f"{found[1]}.layers.{int(found[2]) + 2}."),
        *_WEIGHT_NORM,
        (r"^(?=encoder|decoder)", "pretransform.model."),
        (r"^conditioner\.(start|total)\.", r"conditioner.conditioners.seconds_\1.embedder.embedding."),
        (r"embedding\.frequency$", "embedding.0.weights"),
        (r"embedding\.to_out\.", "embedding.1."),
        (r"^backbone\.(?=blocks|project)", "model.model.transformer."),
        (r"^backbone\.", "model.model."),
        (r"\.time_features\.frequency$", ".timestep_features.weight"),
        (r"\.to_time_embed\.", ".to_timestep_embed."),
        (r"\.(pre|post)\.weight$", r".\1process_conv.weight"),
        (r"\.blocks\.", ".layers."),
        (r"\.self_norm\.weight$", ".pre_norm.gamma"),
        (r"\.cross_norm\.weight$", ".cross_attend_norm.gamma"),
        (r"\.feed_forward_norm\.weight$", ".ff_norm.gamma"),
        (r"\.(self|cross)_attention\.", r".\1_attn."),
        (r"\.feed_forward\.to_hidden\.", ".ff.ff.0.proj."),
        (r"\.feed_forward\.to_out\.", ".ff.ff.2."),
    ),
    "diffusers": (
        (r"^(..coder)\.layers\.0\.(?=bias|param)", r"\1.conv1."),
        (r"^(..coder)\.layers\.\d+\.(?=log)", r"\1.snake1."),
        (r"^(..coder)\.layers\.\d+\.(?=bias|param)", r"\1.conv2."),
        (r"^(..coder)\.layers\.(\d+)\.", lambda found: f"{found[1]}.block.{int(found[2]) - 1}."),
        (r"(?:\.units)?\.(\d)\.layers\.(\d)\.", lambda found: f".res_unit{int(found[1]) + 1}.{_UNIT[int(found[2])]}."),
        (r"^(encoder\.block\.\d+)\.3\.", r"\1.snake1."),
        (r"^(encoder\.block\.\d+)\.4\.conv\.", r"\1.conv1."),
        (r"^(decoder\.block\.\d+)\.snake\.", r"\1.snake1."),
        (r"^(decoder\.block\.\d+)\.up\.", r"\1.conv_t1."),
        *_WEIGHT_NORM,
        (r"^(?=encoder|decoder)", "vae/"),
        (r"^conditioner\.start\.", "projection_model/start_number_conditioner.time_positional_embedding."),
        (r"^conditioner\.total\.", "projection_model/end_number_conditioner.time_positional_embedding."),
        (r"embedding\.frequency$", "embedding.0.weights"),
        (r"embedding\.to_out\.", "embedding.1."),
        (r"^backbone\.", "transformer/"),
        (r"/time_features\.frequency$", "/time_proj.weight"),
        (r"/to_time_embed\.", "/timestep_proj."),
        (r"/to_cond_embed\.", "/cross_attention_proj."),
        (r"/to_global_embed\.", "/global_proj."),
        (r"/(pre|post)\.weight$", r"/\1process_conv.weight"),
        (r"/project_(in|out)\.", r"/proj_\1."),
        (r"/blocks\.", "/transformer_blocks."),
        (r"\.self_norm\.", ".norm1."),
        (r"\.cross_norm\.", ".norm2."),
        (r"\.feed_forward_norm\.", ".norm3."),
        (r"\.self_attention\.", ".attn1."),
        (r"\.cross_attention\.", ".attn2."),
        (r"(attn\d\.to_out)\.", r"\1.0."),
        (r"\.feed_forward\.to_hidden\.", ".ff.net.0.proj."),
        (r"\.feed_forward\.to_out\.", ".ff.net.2."),
    ),
}
NOT_OURS = re.compile(r"\.inv_freq$|^conditioner\.conditioners\.prompt\.")
"""In its own checkpoint: what rotary positions are computed from, and the text encoder, which we have as a role."""


def theirs(ours: str, layout: Layout) -> tuple[str, ...]:
    """The names that a tensor of ours has there; of several, ours is all of them along the first axis."""
    name = ours
    for pattern, new in RULES[layout]:
        name = re.sub(pattern, new, name, count=1)
    joined = re.search(r"\.to_(qkv|kv)\.", name) if layout == "diffusers" else None
    return tuple(name.replace(joined[0], f".to_{one}.") for one in joined[1]) if joined else (name,)


def from_theirs(
    shapes: Mapping[str, torch.Size], tensors: Mapping[str, Tensor], layout: Layout, where: Path
) -> dict[str, Tensor]:
    """Our tensors of theirs, float32.

    Args:
        shapes: Ours, by name.
        tensors: Theirs, by name.
        layout: How theirs are called.
        where: They were read from.

    Raises:
        UntrustedFileError: One is missing or of another size, or there is one that we have no place for.
    """
    names = {ours: theirs(ours, layout) for ours in shapes}
    asked = {name for several in names.values() for name in several}
    _all_there(asked - set(tensors), f"{where}: not Stable Audio Open of the sizes that it states: lacks")
    more = (name for name in set(tensors) - asked if not NOT_OURS.search(name) and tensors[name].any())
    _all_there(more, f"{where}: not Stable Audio Open as we know it: has no place here for")  # norms' biases are 0
    taken: dict[str, Tensor] = {}
    for ours, shape in shapes.items():
        whole = torch.cat([tensors[name] for name in names[ours]])
        if whole.numel() != shape.numel():
            found = f"{names[ours][0]}: {tuple(whole.shape)} for {tuple(shape)} of {ours}"
            raise UntrustedFileError(f"{where}: not Stable Audio Open of the sizes that it states: {found}")
        taken[ours] = whole.reshape(shape).float()
    return taken


def to_diffusers(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' tensors of ours; its norms have biases, which are 0."""
    made: dict[str, Tensor] = {}
    for ours, tensor in tensors.items():
        names = theirs(ours, "diffusers")
        for name, part in zip(names, tensor.chunk(len(names)), strict=True):
            made[name] = part[None] if name.endswith((".alpha", ".beta")) else part.contiguous()
            if re.search(r"\.norm\d\.weight$", name):
                made[name.removesuffix("weight") + "bias"] = torch.zeros_like(part)
    return made


def _all_there(strange: Iterable[str], said: str) -> None:
    names = sorted(strange)
    if names:
        raise UntrustedFileError(f"{said} {', '.join(names[:3])}{' …' if len(names) > 3 else ''}")
