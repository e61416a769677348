"""Cross-entropy of a reconstructed text: mean over real tokens, `</s>` among them, never over padding.

Shape suffixes: B batch, L text positions, V vocabulary.
"""

import torch
from torch.nn import functional

IGNORED = -100
"""What stands for a token that does not count."""


def text_cross_entropy(logits_BLV: torch.Tensor, ids_BL: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Mean of −log p(token) over positions where `mask_BL` is true."""
    told_BL = ids_BL.masked_fill(~mask_BL, IGNORED)
    return functional.cross_entropy(logits_BLV.float().flatten(0, 1), told_BL.flatten(), ignore_index=IGNORED)


def token_accuracy(logits_BLV: torch.Tensor, ids_BL: torch.Tensor, mask_BL: torch.Tensor) -> torch.Tensor:
    """Share of real tokens whose logit is the largest."""
    return (logits_BLV.argmax(-1) == ids_BL)[mask_BL].float().mean()
