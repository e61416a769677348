"""A small byte-level T5 (Raffel et al. 2020; ByT5, Xue et al. 2022) that is not trained yet, and its encoder."""

from typing import Any

from padstal.foundation.config import TextEncoderShape
from padstal.foundation.text_encoder import BYTE_VOCABULARY


def new(shape: TextEncoderShape) -> Any:
    """An untrained small T5 with the decoder that training needs; random weights from torch's global generator."""
    from transformers import T5Config, T5ForConditionalGeneration

    t5: Any = T5Config
    return T5ForConditionalGeneration(
        t5(
            vocab_size=BYTE_VOCABULARY,
            d_model=shape.width,
            d_kv=shape.width // shape.heads,
            d_ff=4 * shape.width,
            num_layers=shape.layers,
            num_decoder_layers=shape.decoder_layers,
            num_heads=shape.heads,
            dropout_rate=0.0,
            feed_forward_proj="gated-gelu",
            tie_word_embeddings=True,
            decoder_start_token_id=0,
        )
    )


def encoder_of(model: Any) -> Any:
    """The encoder of a T5 with a decoder, on its device, in eval mode, frozen."""
    from transformers import T5EncoderModel

    encoder: Any = T5EncoderModel(model.config)
    encoder.load_state_dict(
        {name: value for name, value in model.state_dict().items() if name.startswith(("shared.", "encoder."))}
    )
    return encoder.to(model.device).eval().requires_grad_(False)
