"""A licence's one name: the SPDX or Creative Commons id behind the spellings and addresses that people write.

Reading is strict: every word must be understood. "Attribution 4.0, no training" is no CC-BY-4.0; what is not understood
keeps its own text, and `licence_policy` refuses it. Whence: the SPDX licence list 3.26 and Creative Commons' addresses.

A port (3.0 US, 2.0 UK: Scotland) has the id of its version: its terms are the same, and SPDX lists few ports.
"""

import html
import re
import unicodedata
from functools import lru_cache

UNKNOWN = "unknown"
"""The id where no licence is stated."""
ALL_RIGHTS_RESERVED = "All-Rights-Reserved"
PUBLIC_DOMAIN = "Public-Domain"
LONGEST = 200
"""Characters read; no licence's name or address is as long."""

_CUT = " [cut]"  # words that no licence has, so that what was cut is not taken for one

_NOTHING_STATED = frozenset(
    {"", "?", "n/a", "na", "nan", "no licence", "no license", "none", "not stated", "null", "undefined", "unknown"}
)
_VERSIONS = frozenset({"1.0", "2.0", "2.1", "2.5", "3.0", "4.0"})
_TERMS = ("BY", "NC", "ND", "SA")
"""Elements of a Creative Commons licence, in the order of its id."""

_PORTS = (
    "ar|am|at|au|az|be|bg|br|ca|ch|cl|cn|co|cr|cz|de|dk|ec|ee|eg|es|fi|fr|ge|gr|gt|hk|hr|hu|ie|igo|il|in|it|jp|kr|lu|"
    "mk|mt|mx|my|nl|no|nz|pe|ph|pl|pr|pt|ro|rs|scotland|se|sg|si|th|tw|ug|uk|us|ve|vn|za"
)
_PLACES = (
    "argentina|armenia|australia|austria|azerbaijan|belgium|brazil|bulgaria|canada|chile|china(?: mainland)?|colombia|"
    "costa rica|croatia|czech republic|denmark|ecuador|egypt|estonia|finland|france|georgia|germany|greece|guatemala|"
    "hong kong|hungary|india|intergovernmental organi[sz]ations?|ireland|israel|italy|japan|(?:south )?korea|"
    "luxembourg|macedonia|malaysia|malta|mexico|netherlands|new zealand|norway|peru|philippines|poland|portugal|"
    "puerto rico|romania|serbia|singapore|slovenia|south africa|spain|sweden|switzerland|taiwan|thailand|uganda|"
    "(?:uk: ?)?england(?: (?:&|and) wales)?|(?:uk: ?)?scotland|united kingdom|united states(?: of america)?|usa|"
    "venezuela|vietnam"
)
_ELEMENTS = {
    "BY": r"attribution|by",
    "NC": r"non ?commercial?|nc",
    "ND": r"no ?deriv(?:s|atives|ative works|ative)?|nd",
    "SA": r"share ?alike|sa",
}
_ELEMENT = f"(?:{'|'.join(_ELEMENTS.values())})"
_LICENCE = r"(?: public)? licen[cs]e"

_CC_NAME = re.compile(
    rf"(?:(?:licen[cs]ed |available |released )?under )?(?:an? |the )?(?P<cc>creative commons |cc )?"
    rf"(?P<terms>{_ELEMENT}(?:[ ,/&+]+(?:and )?{_ELEMENT})*)(?: \(aka music sharing\))?(?:{_LICENCE})?"
    rf"(?:,? (?:v|version )?(?P<version>\d(?:\.\d)?),?"
    rf"(?: \(?(?:international|unported|generic|{_PLACES}|{_PORTS})\)?)?)?(?:{_LICENCE})?"
)
_HOST = r"(?:https?://)?(?:www\.)?creativecommons\.org"
_TAIL = rf"(?:/(?:{_PORTS}))?(?:/(?:deed|legalcode)(?:[.-][a-z_-]+)?)?/?(?:[?#]\S*)?"
_CC_ADDRESS = re.compile(rf"{_HOST}/licen[cs]es/(?P<terms>[a-z]{{2}}(?:-[a-z]{{2}})*)(?:/(?P<version>\d\.\d)){_TAIL}")
_MARKS = re.compile(r"\S*(?:creativecommons|artlibre)\.org\S*|\((?:cc|by)[ 0-][^()]*\)", re.IGNORECASE)
"""What often stands beside a licence's name and says the same again: its address, its short name in brackets."""

_OTHERS = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (rf"{_HOST}/publicdomain/zero/1\.0{_TAIL}", "CC0-1.0"),
        (rf"{_HOST}/publicdomain/mark/1\.0{_TAIL}", "CC-PDM-1.0"),
        (rf"{_HOST}/(?:licenses/publicdomain|publicdomain/certification/1\.0){_TAIL}", "CC-PDDC"),
        (rf"{_HOST}/licenses/sampling\+/1\.0{_TAIL}", "CC-Sampling-Plus-1.0"),
        (rf"{_HOST}/licenses/nc-sampling\+/1\.0{_TAIL}", "CC-NC-Sampling-Plus-1.0"),
        (
            r"(?:creative commons )?(?:cc ?0|cc zero|(?:creative commons|cc) (?:zero|0))(?: v?1\.0)?(?: universal)?"
            r"(?: public domain dedication)?" + f"(?:{_LICENCE})?",
            "CC0-1.0",
        ),
        (r"(?:creative commons )?public domain mark(?: 1\.0)?|(?:cc )?pdm(?: 1\.0)?", "CC-PDM-1.0"),
        (r"cc pddc", "CC-PDDC"),
        (r"(?:in the )?public domain(?: dedication)?|pd", PUBLIC_DOMAIN),
        (r"(?:creative commons |cc )?sampling ?(?:plus|\+)(?: 1\.0)?", "CC-Sampling-Plus-1.0"),
        (r"(?:creative commons |cc )?(?:noncommercial|nc) sampling ?(?:plus|\+)(?: 1\.0)?", "CC-NC-Sampling-Plus-1.0"),
        (r"music sharing", "CC-BY-NC-ND"),  # as the Free Music Archive calls it
        (r"(?:free art licen[cs]e|licence art libre|lal)(?: v?1\.3)", "LAL-1.3"),
        (r"(?:free art licen[cs]e|licence art libre|lal)(?: v?1\.2)", "LAL-1.2"),
        (r"free art licen[cs]e|licence art libre|lal|(?:https?://)?(?:www\.)?artlibre\.org/licen[cs]e\S*", "LAL"),
        (r"(?:odc )?pddl(?: v?1\.0)?|open data commons public domain dedication (?:and|&) licen[cs]e", "PDDL-1.0"),
        (r"odc by(?: v?1\.0)?|open data commons attribution licen[cs]e(?: v?1\.0)?", "ODC-By-1.0"),
        (r"odbl(?: v?1\.0)?|open database licen[cs]e(?: v?1\.0)?", "ODbL-1.0"),
        (r"fma limited(?:: download only)?|\S*//(?:www\.)?freemusicarchive\.org/fma[ _]license/?", "FMA-Limited"),
        (r"(?:.*\W)?all rights reserved\W*|©.*|(?:c\)|copyright)(?: .*)?|copyrighted|proprietary", ALL_RIGHTS_RESERVED),
    )
)


@lru_cache(maxsize=4096)
def normalise(licence: str) -> str:
    """The id of a licence: "cc by 4.0" and its address are both "CC-BY-4.0".

    Nothing stated gives `UNKNOWN`; a text that is no licence we know stays as it is, or is cut and says so. A Creative
    Commons licence without a version keeps none, and is then another licence than the one with a version. Where a name
    and an address both stand, they must agree.
    """
    text = " ".join(unicodedata.normalize("NFKC", html.unescape(licence)).split())
    if len(text) > LONGEST:
        return text[: LONGEST - len(_CUT)] + _CUT
    marks = [match.group() for match in _MARKS.finditer(text)]
    parts = [part for part in (_trimmed(piece) for piece in (_MARKS.sub(" ", text), *marks)) if part]
    if _plain(text) in _NOTHING_STATED or not parts:
        return UNKNOWN
    named = [_named(part) for part in parts]
    found = {name for name in named if name}
    versioned = {name for name in found if name != family(name)} or found
    if None in named or len({family(name) for name in found}) > 1 or len(versioned) > 1:
        return text
    return versioned.pop()


def family(licence: str) -> str:
    """An id without its version: "CC-BY-4.0" is of "CC-BY"."""
    return re.sub(r"-\d\.\d$", "", licence)


def address(licence: str) -> str:
    """Where a licence's text can be read; "" for one that is no Creative Commons licence with a version."""
    match licence:
        case "CC0-1.0":
            return "https://creativecommons.org/publicdomain/zero/1.0/"
        case "CC-PDM-1.0":
            return "https://creativecommons.org/publicdomain/mark/1.0/"
    found = re.fullmatch(r"CC-((?:BY|NC|ND|SA)(?:-(?:NC|ND|SA))*)-(\d\.\d)", licence)
    if not found:
        return ""
    terms = found.group(1).lower()
    return f"https://creativecommons.org/licenses/{_AS_ADDRESSED_IN_1.get(licence, terms)}/{found.group(2)}/"


_AS_ADDRESSED_IN_1 = {"CC-BY-NC-ND-1.0": "by-nd-nc", "CC-NC-ND-1.0": "nd-nc"}


def _named(part: str) -> str | None:
    """The id of one wording or address; `None` for one that is not understood."""
    lowered = part.casefold()
    found = _CC_ADDRESS.fullmatch(lowered)
    if found:
        return _cc({term.upper() for term in found["terms"].split("-")}, found["version"])
    for text in (lowered, _plain(part)):
        for pattern, name in _OTHERS:
            if pattern.fullmatch(text):
                return name
    found = _CC_NAME.fullmatch(_plain(part))
    if not found:
        return None
    written = re.findall(_ELEMENT, found["terms"])
    terms = {next(term for term, pattern in _ELEMENTS.items() if re.fullmatch(pattern, word)) for word in written}
    said_in_full = found["cc"] or "attribution" in written or len(terms) > 1
    return _cc(terms, found["version"] or "") if said_in_full and len(terms) == len(written) else None


def _cc(terms: set[str], version: str) -> str | None:
    version = f"{version}.0" if len(version) == 1 else version
    exists = terms <= set(_TERMS) and not {"ND", "SA"} <= terms and ("BY" in terms or version == "1.0")
    if not exists or (version and version not in _VERSIONS):
        return None
    return "-".join(("CC", *(term for term in _TERMS if term in terms), *([version] if version else [])))


def _trimmed(text: str) -> str:
    return text.strip(" ()<>[]\"'.,;:-_")


def _plain(text: str) -> str:
    """In small letters, with one space for any run of spaces, hyphens, dashes and underscores."""
    return " ".join(re.sub(r"[\s_\u2010-\u2015-]+", " ", text.casefold()).split())
