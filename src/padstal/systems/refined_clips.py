"""Held-out clips through a system of two denoisers, with more and less of them known (DiscoDiff, table 1 and figure 3).

    round_trip        the codec alone: decode(encode(x))
    primary_alone     the codec's first channel group alone
    true_primary      the second denoiser, told the clip's own first group
    shuffled_primary  the same, told the first group of another clip
    full              both denoisers, told the clip's caption alone

So it is seen what the first group carries, what the second denoiser adds, and what the first one loses.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from padstal.codecs.latents.store import LatentStore
from padstal.core.data.manifest import write_table
from padstal.core.data.row_file import RowFile
from padstal.core.progress import Progress
from padstal.core.protocols import TextStates
from padstal.diffusion.clips import CaptionStates
from padstal.sampling.batching import batches
from padstal.sampling.files import to_pcm
from padstal.sampling.setting import Setting
from padstal.systems.latent_system import LatentSystem

KINDS = ("round_trip", "primary_alone", "true_primary", "shuffled_primary", "full")
AUDIO, TABLE = "refined.npy", "refined.parquet"


@torch.inference_mode()
def write_refined_clips(
    folder: Path,
    system: LatentSystem,
    store: LatentStore,
    clips: pd.DataFrame,
    setting: Setting,
    *,
    seed: int,
    batch: int,
    bf16: bool,
    progress: Progress,
) -> None:
    """Write `refined.npy` (int16 [R, S, C]) and `refined.parquet` (`clip_id`, `kind`, `row`) into `folder`.

    Args:
        folder: Existing.
        system: Of two denoisers.
        store: The latents of its codec.
        clips: Held-out clips: `clip_id` and `caption`; at least two.
        setting: Sampler and guidance of both denoisers.
        seed: Of their noise.
        batch: Clips of every call of a model.
        bf16: Matrix products in bfloat16.
        progress: Wraps the batches.
    """
    texts = clips["caption"].fillna("").tolist()
    rows = store.index.set_index("clip_id")["row"].loc[clips["clip_id"]].to_numpy()
    first = system.stages[1].trained.denoiser.first_channel
    audio = RowFile.create(folder / AUDIO, (len(KINDS) * len(clips), system.samples, system.channels), np.int16)

    states = CaptionStates.encode(texts, system.text_encoder)

    def latent(numbers: np.ndarray) -> torch.Tensor:
        own_BD = torch.from_numpy(store.posterior(rows[numbers % len(rows)])[0])[:, :, : system.frames]
        return system.trained.statistics.normalise(own_BD).to(system.device)

    parts = batches(texts, [seed] * len(texts), list(range(len(texts))), batch)
    for part in progress(parts, total=len(parts), unit="batch"):
        text = states.of([texts[row] for row in part.rows])
        text = TextStates(text.states_BLD.to(system.device), text.mask_BL.to(system.device))
        numbers = np.array(part.rows)
        own, others = latent(numbers), latent(numbers + 1)
        for kind, known in {
            "round_trip": own,
            "primary_alone": own[:, :first],
            "true_primary": system.latents(text, {}, part, setting, bf16=bf16, known_BE=own[:, :first]),
            "shuffled_primary": system.latents(text, {}, part, setting, bf16=bf16, known_BE=others[:, :first]),
            "full": system.latents(text, {}, part, setting, bf16=bf16),
        }.items():
            sound_BCS = system.decode(known)[: part.own].float().cpu().numpy()
            audio[KINDS.index(kind) * len(clips) + numbers[: part.own]] = to_pcm(sound_BCS)
    table = pd.DataFrame(
        {
            "clip_id": clips["clip_id"].tolist() * len(KINDS),
            "kind": [kind for kind in KINDS for _ in range(len(clips))],
            "row": np.arange(len(KINDS) * len(clips), dtype=np.int64),
        }
    )
    write_table(table, folder / TABLE)
