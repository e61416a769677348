"""`report`: what the page shows."""

from padstal.core.section import Section, value


class ReportParams(Section):
    """How much the page carries."""

    title: str = value("title of the page", min_length=1)
    captions_shown: int = value("captions shown before and after", "clips", ge=1, le=200)
    prompts_shown: int = value("prompts whose samples can be played", "prompts", ge=1, le=50)
    reconstructions_shown: int = value("held-out clips whose reconstructions can be played", "clips", ge=1, le=50)
