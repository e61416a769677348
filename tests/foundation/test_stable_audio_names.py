"""Names of Stable Audio Open's tensors, as stable-audio-tools 0.0.19 and diffusers 0.42 have them."""

import pytest

from padstal.foundation.stable_audio_names import theirs


@pytest.mark.parametrize(
    ("ours", "original", "diffusers"),
    [
        (
            "encoder.layers.0.parametrizations.weight.original0",
            "pretransform.model.encoder.layers.0.weight_g",
            ["vae/encoder.conv1.weight_g"],
        ),
        (
            "encoder.layers.3.2.layers.1.parametrizations.weight.original1",
            "pretransform.model.encoder.layers.3.layers.2.layers.1.weight_v",
            ["vae/encoder.block.2.res_unit3.conv1.weight_v"],
        ),
        (
            "encoder.layers.3.3.log_beta",
            "pretransform.model.encoder.layers.3.layers.3.beta",
            ["vae/encoder.block.2.snake1.beta"],
        ),
        (
            "encoder.layers.4.4.conv.bias",
            "pretransform.model.encoder.layers.4.layers.4.bias",
            ["vae/encoder.block.3.conv1.bias"],
        ),
        ("encoder.layers.6.log_alpha", "pretransform.model.encoder.layers.6.alpha", ["vae/encoder.snake1.alpha"]),
        ("encoder.layers.7.bias", "pretransform.model.encoder.layers.7.bias", ["vae/encoder.conv2.bias"]),
        (
            "decoder.layers.2.up.bias",
            "pretransform.model.decoder.layers.2.layers.1.bias",
            ["vae/decoder.block.1.conv_t1.bias"],
        ),
        (
            "decoder.layers.2.snake.log_alpha",
            "pretransform.model.decoder.layers.2.layers.0.alpha",
            ["vae/decoder.block.1.snake1.alpha"],
        ),
        (
            "decoder.layers.2.units.0.layers.3.bias",
            "pretransform.model.decoder.layers.2.layers.2.layers.3.bias",
            ["vae/decoder.block.1.res_unit1.conv2.bias"],
        ),
        (
            "conditioner.start.frequency",
            "conditioner.conditioners.seconds_start.embedder.embedding.0.weights",
            ["projection_model/start_number_conditioner.time_positional_embedding.0.weights"],
        ),
        (
            "conditioner.total.to_out.bias",
            "conditioner.conditioners.seconds_total.embedder.embedding.1.bias",
            ["projection_model/end_number_conditioner.time_positional_embedding.1.bias"],
        ),
        (
            "backbone.time_features.frequency",
            "model.model.timestep_features.weight",
            ["transformer/time_proj.weight"],
        ),
        (
            "backbone.to_time_embed.2.bias",
            "model.model.to_timestep_embed.2.bias",
            ["transformer/timestep_proj.2.bias"],
        ),
        ("backbone.pre.weight", "model.model.preprocess_conv.weight", ["transformer/preprocess_conv.weight"]),
        (
            "backbone.project_out.weight",
            "model.model.transformer.project_out.weight",
            ["transformer/proj_out.weight"],
        ),
        (
            "backbone.blocks.11.self_attention.to_qkv.weight",
            "model.model.transformer.layers.11.self_attn.to_qkv.weight",
            [f"transformer/transformer_blocks.11.attn1.to_{one}.weight" for one in "qkv"],
        ),
        (
            "backbone.blocks.0.cross_attention.to_kv.weight",
            "model.model.transformer.layers.0.cross_attn.to_kv.weight",
            [f"transformer/transformer_blocks.0.attn2.to_{one}.weight" for one in "kv"],
        ),
        (
            "backbone.blocks.0.cross_attention.to_out.weight",
            "model.model.transformer.layers.0.cross_attn.to_out.weight",
            ["transformer/transformer_blocks.0.attn2.to_out.0.weight"],
        ),
        (
            "backbone.blocks.0.feed_forward_norm.weight",
            "model.model.transformer.layers.0.ff_norm.gamma",
            ["transformer/transformer_blocks.0.norm3.weight"],
        ),
        (
            "backbone.blocks.0.feed_forward.to_out.bias",
            "model.model.transformer.layers.0.ff.ff.2.bias",
            ["transformer/transformer_blocks.0.ff.net.2.bias"],
        ),
    ],
)
def test_a_tensor_is_called(ours: str, original: str, diffusers: list[str]) -> None:
    assert theirs(ours, "original") == (original,)
    assert theirs(ours, "diffusers") == tuple(diffusers)
