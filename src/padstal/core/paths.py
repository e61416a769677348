"""Where every artefact lies: one name a place, a folder per scale."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Paths:
    """Artefacts of one scale under `root`, the repository."""

    root: Path
    scale: str

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    # data/

    @property
    def data(self) -> Path:
        return self.root / "data" / self.scale

    @property
    def sources(self) -> Path:
        """Listing of what the sources held at the last scan; in git, so that DVC sees a changed folder."""
        return self.data / "sources.json"

    def mirror(self, source: str) -> Path:
        """What an S3 source held when it was last fetched, as a folder; shared by all scales, git-ignored."""
        return self.root / "data" / "mirror" / source

    @property
    def tombstones(self) -> Path:
        """Tracks that were forgotten (`rights/tombstones.py`); in git, one file for all scales."""
        return self.root / "data" / "tombstones.jsonl"

    @property
    def corpus(self) -> Path:
        """Audio files and captions table that the composer wrote."""
        return self.data / "corpus"

    @property
    def truth(self) -> Path:
        """What the composer planted (Parquet, a row a track; none without a synth source). Only evaluation reads it."""
        return self.data / "truth.parquet"

    @property
    def ingest(self) -> Path:
        """`manifest.parquet`, `quarantine.parquet` and `shards/`."""
        return self.data / "ingest"

    def reference(self, item: str) -> Path:
        """Profile of the data set that drift is measured against ("ingest" or "curate"); in git."""
        return self.data / "reference" / f"{item}.json"

    @property
    def frozen_prompts(self) -> Path:
        """Prompts and seeds that champion and challenger are judged on; in git, written once."""
        return self.data / "frozen_prompts.json"

    def validate(self, item: str) -> Path:
        """`verdict.json` (the outcome of every expectation), `data_docs/`, `profile.json` and `drift.json`."""
        return self.data / "validate" / item

    def gate(self, item: str) -> Path:
        """`passed.json`; exists only for data that passed."""
        return self.data / "gate" / item

    @property
    def score(self) -> Path:
        """`scores.parquet` and `distribution.json` (μ, σ of the train split)."""
        return self.data / "score"

    @property
    def caption(self) -> Path:
        """`captions.parquet`: original, generated and refined caption and the decision, one row a clip."""
        return self.data / "caption"

    @property
    def merges(self) -> Path:
        """What language models answered when captions were merged; no stage's output, for it is kept between runs."""
        return self.data / "merges.jsonl"

    @property
    def curate(self) -> Path:
        """`dataset.parquet` (clips to train, tune and test on), `removed.parquet`, `origin.json`, `gaussian.npy`."""
        return self.data / "curate"

    def latents(self, vae: str) -> Path:
        """`latents.npy`, `index.parquet`, `statistics.safetensors` of autoencoder `vae`."""
        return self.data / "latents" / vae

    def samples(self, model: str) -> Path:
        """`samples.parquet` and `audio.npy`: what `model` generated on the sampling grid."""
        return self.data / "samples" / model

    @property
    def evaluate(self) -> Path:
        """Features and per-prompt values behind `metrics/evaluate.json`."""
        return self.data / "evaluate"

    # models/

    @property
    def models(self) -> Path:
        return self.root / "models" / self.scale

    def foundation(self, role: str) -> Path:
        return self.models / "foundation" / role

    def vae(self, name: str) -> Path:
        return self.models / "vae" / name

    def diffusion(self, name: str) -> Path:
        return self.models / "diffusion" / name

    @property
    def published(self) -> Path:
        """Published models as folders of ours to begin trainings from, one a name; of all scales, no stage's output."""
        return self.root / "models" / "published"

    # reports/

    @property
    def reports(self) -> Path:
        return self.root / "reports" / self.scale

    def metrics(self, stage: str, item: str | None = None) -> Path:
        return self.reports / "metrics" / f"{_join(stage, item)}.json"

    def ledger(self, stage: str, item: str | None = None) -> Path:
        """Which tracks a training saw (`core/data/track_ledger.py`); in git."""
        return self.reports / "ledger" / f"{_join(stage, item)}.json"

    def curves(self, stage: str, item: str | None = None) -> Path:
        """Training curves: CSV with a column `step` and one column a quantity."""
        return self.reports / "curves" / f"{_join(stage, item)}.csv"

    @property
    def page(self) -> Path:
        """The report as DVC knows it: the same bytes from the same inputs."""
        return self.reports / "page.html"

    @property
    def report(self) -> Path:
        """The page with this machine's record (timings, revision, dates) written in; not hashed."""
        return self.reports / "index.html"

    @property
    def summary(self) -> Path:
        return self.reports / "summary.md"

    @property
    def model_cards(self) -> Path:
        return self.reports / "model_cards"

    # what varies by nature; git-ignored

    @property
    def local(self) -> Path:
        return self.reports / "local"

    def timing(self, stage: str, item: str | None = None) -> Path:
        return self.local / "timings" / f"{_join(stage, item)}.json"

    def state(self, stage: str, item: str | None = None) -> Path:
        """Checkpoints of an unfinished stage; gone when it succeeds."""
        return self.root / ".state" / self.scale / _join(stage, item)

    @property
    def ingest_store(self) -> Path:
        """What came of each source file, by its content: nothing is taken in twice (`ingest/track_cache.py`)."""
        return self.root / ".state" / self.scale / "ingest"

    @property
    def draw(self) -> Path:
        """The composer's clips that `prepare` has rendered, for the next role (`demo/draw.py`)."""
        return self.root / ".state" / self.scale / "draw"


def _join(stage: str, item: str | None) -> str:
    return stage if item is None else f"{stage}_{item}"
