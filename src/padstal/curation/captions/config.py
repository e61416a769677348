"""`caption`: caption refinement (QA-MDT 4.3)."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from padstal.core.section import Section, value
from padstal.foundation.fetch import PinnedFiles

LOOPBACK = ("localhost", "127.0.0.1", "::1")


class RuleMerge(Section):
    """Merge by rule: what the vocabulary knows of the generated caption is added to the original."""

    kind: Literal["rules"]


class LanguageMerge(Section):
    """What all merging by a language model has: how far its answer may leave the two captions."""

    max_new_words: float = value(
        "content words of a merged caption that neither caption has; more are imagined, and the merge is refused",
        "share of words",
        ge=0,
        le=1,
    )
    min_kept_words: float = value(
        "content words of either caption that a merged one must keep; with fewer it is no merge, and is refused",
        "share of words",
        ge=0,
        le=1,
    )
    max_answer_tokens: int = value("longest answer asked for", "tokens", ge=8, le=4096)


class Text2TextMerge(LanguageMerge):
    """Merge by a sequence-to-sequence model of transformers (FLAN-T5): greedy, hence deterministic."""

    kind: Literal["text2text"]
    weights: PinnedFiles
    batch_pairs: int = value("pairs merged at once; short batches are filled up, so it changes no result", ge=1)

    @model_validator(mode="after")
    def _weights_are_safetensors(self) -> "Text2TextMerge":
        names = self.weights.sha256
        if not any(name.endswith(".safetensors") for name in names) or "config.json" not in names:
            raise ValueError(
                f"weights.sha256 names {', '.join(names)}: expected config.json and *.safetensors among them"
            )
        pickles = [name for name in names if name.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt", ".py"))]
        if pickles:
            raise ValueError(f"weights.sha256 names {', '.join(pickles)}: only safetensors are read, and no code")
        return self


class EndpointMerge(LanguageMerge):
    """Merge by any server that speaks OpenAI's chat completions."""

    kind: Literal["endpoint"]
    base_url: str = value("address up to and with /v1; https, or http on this machine")
    model: str = value("name of the model there; pin a dated one, for answers are recorded under it", min_length=1)
    key_variable: str | None = value("environment variable that holds the key; null for a server without one")
    timeout_seconds: float = value("longest wait for one answer", "s", gt=0, le=600)
    retries: int = value("further tries after 429, 5xx, a timeout or a broken connection", "tries", ge=0, le=10)
    backoff_seconds: float = value("wait before the first further try; it doubles", "s", ge=0, le=60)
    concurrency: int = value("requests under way at once", "requests", ge=1, le=64)
    on_error: Literal["fail", "generated"] = value(
        "without an answer: end the stage, or let the clip have its generated caption and say so"
    )

    @field_validator("base_url")
    @classmethod
    def _is_an_address_that_keeps_secrets(cls, address: str) -> str:
        try:  # messages do not repeat the value: it may hold a password
            parts = urlsplit(address)
        except ValueError:
            raise ValueError("expected an address such as https://host/v1") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected an address such as https://host/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "expected an address without user, password, query or fragment; the key goes by key_variable"
            )
        if parts.scheme == "http" and parts.hostname not in LOOPBACK:
            raise ValueError("expected https: http would show captions and key on the way (http is for this machine)")
        return address.rstrip("/")

    @field_validator("key_variable")
    @classmethod
    def _is_a_name_and_no_key(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Z][A-Z0-9_]{2,63}", name):
            raise ValueError(
                "expected the name of an environment variable, such as OPENAI_API_KEY, never the key itself"
            )
        return name


class Thresholds(Section):
    """The decision table's thresholds, all compared strictly, and what to do where neither caption fits."""

    rho1: float = value(
        "a generated or fused caption fits its audio above this CLAP cosine (Eq. 9)", "cosine", ge=-1, le=1
    )
    rho2: float = value("an original caption fits its audio above this CLAP cosine (Eq. 10)", "cosine", ge=-1, le=1)
    rho3: float = value(
        "original and generated caption say different things below this CLAP cosine (Eq. 11)", "cosine", ge=-1, le=1
    )
    neither_fits: Literal["keep", "unconditional"] = value(
        "when neither caption fits: keep the original (the paper), or train on the clip without text"
    )


class CaptionParams(Thresholds):
    """Thresholds of the decision table, and how two captions become one."""

    merge: Annotated[RuleMerge | Text2TextMerge | EndpointMerge, Field(discriminator="kind")]
    max_caption_bytes: int = value("longest fused caption", "bytes", ge=16)
    alarm_ratio: float = value(
        "filtered or fused shares this many times above or below the paper's are reported as a drift", "times", gt=1
    )
    batch_clips: int = value("clips embedded at once", "clips", ge=1)
