"""Which answer of a language model may stand as a merged caption: it says what the two captions say, and nothing else.

Captions come from outside, so a caption can carry an instruction that the model obeys. The prompt asks for no more than
a merge, but only what comes back counts. A merged caption must

    1.  be one line of visible characters, at most `max_bytes` long,
    2.  hold no link, mail address, handle, markup or chat template's mark, and not speak of the model itself,
    3.  take its content words from the two captions: new ones are at most a share `max_new_words` of them,
        and no new word is a number or a name,
    4.  keep at least a share `min_kept_words` of the content words of either caption: obeying one caption is no merge.

And a caption that itself reads like an instruction is not shown to a model at all. Words are compared without case,
endings and little words ("with", "featuring"); texts in NFKC, so look-alike letters are no way around.
"""

import re
import unicodedata

from padstal.curation.captions.config import LanguageMerge
from padstal.curation.captions.merge import Refusal

INSTRUCTION = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|any|your|these|those)\b"
    r"|\b(?:system|developer|assistant|user|human)\s*(?:prompt|message|note|role)?\s*[:>\]]"
    r"|[\"'](?:role|content)[\"']\s*:"
    r"|\b(?:new|updated|real|actual|following)\s+(?:instructions?|task|rules?|prompt)\b"
    r"|\byou\s+(?:are\s+now|must|will\s+now|have\s+to)\b|\bpretend\b|\bjailbreak\b"
    r"|\bact\s+as\s+(?:an?\s+|the\s+)?(?:ai|assistant|system|model|administrator)\b"
    r"|\b(?:output|print|reply|respond|answer|return|repeat|say|write|reveal|translate|execute)\b[^,;.]{0,20}"
    r"(?:[:\"'“”]|\b(?:only|exactly|instead|your)\b|\bthe\s+following\b)"
    r"|\b(?:output|print|reply)\s+with\b"
    r"|\b(?:system\s+prompt|api[\s_-]*key|language\s+model|chatgpt)\b",
    re.IGNORECASE,
)
"""Speech to a machine; a description of music does not order anyone about."""
TEMPLATE = re.compile(
    r"<\|.*?\|>|</?s>|\[/?INST\]|<<\/?SYS>>|<\/?(?:system|user|assistant)\b|\{\{|\}\}|#{2,}|={4,}", re.IGNORECASE
)
ADDRESS = re.compile(
    r"[a-z][a-z0-9+.-]*://|\bwww\.|\b(?:mailto|javascript|data):|[\w.+-]+@[\w-]+|(?<!\w)@\w"
    r"|\b[\w-]+\.(?:com|net|org|io|co|ai|app|dev|info|biz|xyz|me|ru|cn|uk|de|example|invalid|test)\b",
    re.IGNORECASE,
)
MARKUP = re.compile(r"<[a-z!/?]|\]\s*\(|!\[|`|\*\*|__|^\s*(?:#|>|[-*]\s)|&(?:#\d+|[a-z]+);|\\u00", re.IGNORECASE)
DECLINED = re.compile(
    r"\b(?:I'?m|I|we)\b.{0,20}\b(?:sorry|cannot|can'?t|unable|won'?t|apologi[sz]e|merge|merged)\b|\bas\s+an?\s+(?:ai|language)\b"
    r"|\b(?:ai|language)\s+model\b|\b(?:sure|certainly|of\s+course|here\s+is|here'?s)\b.{0,30}[:!]|\bmerged\s+caption\b",
    re.IGNORECASE,
)
INVISIBLE = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
"""Unicode categories that a caption has no use for: control, format (bidi, zero width), private, unassigned."""
LITTLE = frozenset(
    re.findall(
        r"\w+",
        "a an the and or but nor of in on at by for from to into over under with within as is are was be "
        "being been has have having this that these those it its which who there while also both some along "
        "alongside together featuring feature features include includes including contain contains plus "
        "accompany accompanied backed made music musical song track piece tune recording caption tag tags "
        "style very more",
    )
)
"""Words that join others and say nothing of the music."""
WORD = re.compile(r"\w+(?:['’#♯♭]\w*)?")


def clean(caption: str) -> str:
    """`caption` in NFKC on one line: format characters are gone, other invisible ones are spaces, spaces are single."""
    normal = unicodedata.normalize("NFKC", caption)
    return " ".join("".join(_visible(letter) for letter in normal).split())


def instructs(caption: str) -> bool:
    """Whether `caption` reads like an instruction to a language model, or holds a chat template's marks."""
    text = clean(caption)
    return bool(INSTRUCTION.search(text) or TEMPLATE.search(text))


def objection(merged: str, original: str, generated: str, limits: LanguageMerge, max_bytes: int) -> Refusal | None:
    """Why `merged` may not stand for `original` and `generated`; `None` if it may."""
    if not merged.strip():
        return Refusal.EMPTY
    text = unicodedata.normalize("NFKC", merged)
    if any(unicodedata.category(letter) in INVISIBLE for letter in text):
        return Refusal.CHARACTERS
    if len(text.encode()) > max_bytes:
        return Refusal.TOO_LONG
    if ADDRESS.search(text):
        return Refusal.ADDRESS
    if MARKUP.search(text) or TEMPLATE.search(text):
        return Refusal.MARKUP
    if DECLINED.search(text) or INSTRUCTION.search(text):
        return Refusal.DECLINED
    said, of_original, of_generated = (content(part) for part in (text, clean(original), clean(generated)))
    known = of_original | of_generated
    if not said or len(said - known) > limits.max_new_words * len(said):
        return Refusal.IMAGINED
    if any(_is_number(word) for word in said - known) or {stem(word) for word in names(text)} - known:
        return Refusal.IMAGINED
    for words in (of_original, of_generated):
        if words and len(words & said) < limits.min_kept_words * len(words):
            return Refusal.INCOMPLETE
    return None


def content(caption: str) -> frozenset[str]:
    """Stems of the words of `caption` that say something of the music."""
    return frozenset(stem(word) for word in WORD.findall(caption) if word.casefold() not in LITTLE)


def stem(word: str) -> str:
    """A word without case and ending, so that "drums" and "drum", "relaxing" and "relaxed" are one."""
    bare = re.sub(r"['’]s?$", "", word.casefold())
    for ending in ("ing", "ed", "es", "s", "ly"):
        if bare.endswith(ending) and len(bare) - len(ending) >= 3:
            bare = bare.removesuffix(ending)
            break
    return bare.removesuffix("e") if len(bare) > 3 else bare


def names(caption: str) -> list[str]:
    """Words with a capital letter that does not begin a sentence."""
    found = WORD.finditer(caption)
    return [
        match.group()
        for match in found
        if match.group()[0].isupper() and not re.search(r"(?:^|[.!?:]\s*)$", caption[: match.start()])
    ]


def _visible(letter: str) -> str:
    category = unicodedata.category(letter)
    return "" if category == "Cf" else " " if category in INVISIBLE else letter


def _is_number(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
