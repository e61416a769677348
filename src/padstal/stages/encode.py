"""`encode`: all curated clips to latents, their statistics on the training split, and how well they decode."""

from padstal.codecs.any_codec import load
from padstal.codecs.encode import EncodeParams, encode_clips
from padstal.core.data.atomic import atomic_folder
from padstal.core.data.manifest import ClipAudio, read_table
from padstal.core.model_folder import fingerprint
from padstal.stages.harness import Stage, StageError, run_stage


def main(stage: Stage[EncodeParams]) -> None:
    paths, device = stage.paths, stage.device()
    stage.seed(0)
    codec = load(paths.vae(stage.item), device)
    dataset = read_table(paths.curate / "dataset.parquet")
    dataset["caption"] = dataset["caption"].fillna("")
    if not (dataset["split"] == "train").any():
        raise StageError(f"{paths.curate / 'dataset.parquet'}: no clip in the training split")
    encoder = None
    if codec.reads_text:
        from padstal.foundation.text_encoder import load as load_text_encoder  # imports transformers: seconds

        encoder = load_text_encoder(paths.foundation("text_encoder"), device)
    with atomic_folder(paths.latents(stage.item)) as folder:
        metrics = encode_clips(
            folder,
            codec,
            dataset,
            ClipAudio(paths.ingest),
            encoder,
            stage.params,
            name=stage.item,
            fingerprint=fingerprint(paths.vae(stage.item)),
            device=device,
            progress=stage.progress,
        )
    stage.write_metrics(metrics)
    guess = metrics["mel_l1_mean_spectrum"]
    stage.say(f"{len(dataset)} clips; held-out mel L1 {metrics['mel_l1']:.3f}, mean spectrum {guess:.3f}")


if __name__ == "__main__":
    run_stage("encode", EncodeParams, main, items="codecs")
