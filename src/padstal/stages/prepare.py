"""Stage `prepare`: one foundation model a role, trained on a draw of the composer or fetched, checked and converted."""

from padstal.core.data.atomic import atomic_folder
from padstal.demo.config import PrepareParams
from padstal.foundation.fetch import FetchError
from padstal.stages.harness import Stage, run_stage, stage_errors

ROLES = ("clap", "pmos", "captioner", "tagger", "text_encoder", "flan_t5", "mel_codec", "dac")
CODECS = {"mel_codec": "mel", "dac": "dac"}
"""Role → the codec that it is."""


def main(stage: Stage[PrepareParams]) -> None:
    """Fill the role's folder and say how good the model is on clips that it did not see."""
    from padstal.codecs import small_codecs
    from padstal.demo import small_models
    from padstal.foundation import published

    section = getattr(stage.params, stage.item)
    codec = CODECS.get(stage.item)
    place = stage.paths.vae(codec) if codec else stage.paths.foundation(stage.item)
    with stage_errors(FetchError), atomic_folder(place) as folder:
        if section.kind == "pretrained":
            metrics = published.convert(section, folder, stage.device())
        else:
            make = small_codecs.make if codec else small_models.make
            metrics = make(
                section,
                stage.params.draw,
                folder,
                store=stage.paths.draw,
                device=stage.device(),
                workers=stage.runtime.workers,
                progress=stage.progress,
            )
    stage.write_metrics({"role": stage.item, "kind": section.kind, **metrics})


if __name__ == "__main__":
    run_stage("prepare", PrepareParams, main, items=ROLES)
