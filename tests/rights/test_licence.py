"""A licence has one name whatever people write, what is not understood is no licence, and terms follow the name."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from padstal.rights.licence import ALL_RIGHTS_RESERVED, LONGEST, UNKNOWN, address, normalise
from padstal.rights.terms import Terms, at_odds, joint, most_restrictive, restriction, terms_of

CC = "https://creativecommons.org/licenses"
SPELLINGS = {
    "CC-BY-4.0": (
        *(
            "CC BY 4.0",
            "cc-by-4.0",
            "CC_BY_4.0",
            "CC‑BY‑4.0",
            "ＣＣ　ＢＹ　４．０",
            "CC BY v4",
            "CC-BY 4.0 International License",
        ),
        *("Creative Commons Attribution 4.0", "Creative Commons Attribution 4.0 International (CC BY 4.0)"),
        *(f"{CC}/by/4.0/", f"{CC}/by/4.0/legalcode.de?ref=chooser-v1", "//creativecommons.org/licenses/by/4.0/"[2:]),
        *("www.creativecommons.org/licences/by/4.0/deed.fr", f"Attribution {CC}/by/4.0/", f"<{CC}/by/4.0/>"),
        *("Attribution 4.0 International", f"Licensed under CC BY 4.0 ({CC}/by/4.0)", "CC&#160;BY&#160;4.0"),
    ),
    "CC-BY-3.0": ("CC BY 3.0 US", "CC-BY-3.0-DE", "Attribution 3.0 Unported", f"{CC}/by/3.0/us/"),
    "CC-BY-2.0": ("Attribution 2.0 UK: England & Wales", f"{CC}/by/2.0/uk/deed.en"),
    "CC-BY": ("CC BY", "Attribution", "Creative Commons Attribution License", "the CC-BY licence"),
    "CC-BY-SA-3.0": ("CC BY-SA 3.0 IGO", "Attribution-ShareAlike 3.0 International", f"{CC}/by-sa/3.0/deed.en_US"),
    "CC-BY-SA-2.1": ("CC-BY-SA-2.1-JP", "Attribution-Share Alike 2.1 Japan"),
    "CC-BY-NC-2.5": ("Attribution NonCommercial 2.5", "Attribution-Noncommercial 2.5 Canada"),
    "CC-BY-NC": ("Attribution-NonCommercial", "CC Attribution-NC", "CC BY & NC"),
    "CC-BY-NC-SA-3.0": (
        *("CC BY-NC-SA 3.0 US", "Attribution-Noncommercial-Share Alike 3.0 United States", "by-nc-sa 3.0"),
        "Available under a Creative Commons Attribution-Noncommercial-ShareAlike license: "
        "http://creativecommons.org/licenses/by-nc-sa/3.0/",
    ),
    "CC-BY-NC-SA-2.5": (
        "Attribution-Noncommercia-Share Alike 2.5 Mexico",  # as the Free Music Archive has it
        "Attribution-Noncommercial-Share Alike 2.5 UK: Scotland",
    ),
    "CC-BY-NC-SA-1.0": ("CC BY-NC-SA 1.0", "http://creativecommons.org/licenses/by-nc-sa/1.0/"),
    "CC-BY-NC-ND-3.0": (
        "Attribution-NonCommercial-NoDerivatives (aka Music Sharing) 3.0 International",
        "Attribution-Noncommercial-No Derivative Works 3.0 Spain",
        "Attribution-NonCommercial-NoDerivs 3.0 (Italy)",
    ),
    "CC-BY-NC-ND-4.0": ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0", "CC-BY-ND-NC 4.0"),
    "CC-BY-NC-ND": ("Music Sharing",),
    "CC-BY-NC-ND-1.0": (f"{CC}/by-nd-nc/1.0/",),
    "CC-BY-ND-2.0": ("Attribution-NoDerivs 2.0 Generic", "CC BY-ND 2.0 (DE)"),
    "CC-SA-1.0": (f"{CC}/sa/1.0/",),
    "CC0-1.0": (
        *("CC0", "cc-0", "CC Zero", "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        *("Creative Commons Zero v1.0 Universal", "http://creativecommons.org/publicdomain/zero/1.0/"),
    ),
    "CC-PDM-1.0": ("Public Domain Mark 1.0", "PDM", "https://creativecommons.org/publicdomain/mark/1.0/"),
    "CC-PDDC": (f"{CC}/publicdomain/",),
    "Public-Domain": ("Public Domain", "public-domain", "in the public domain", "PD"),
    "CC-Sampling-Plus-1.0": ("Sampling+ 1.0", f"{CC}/sampling+/1.0/"),
    "CC-NC-Sampling-Plus-1.0": ("Noncommercial Sampling Plus", f"{CC}/nc-sampling+/1.0/"),
    "LAL": ("Licence Art Libre", "Free Art License", "http://artlibre.org/licence.php/lal.html"),
    "LAL-1.3": ("Free Art License 1.3", "LAL-1.3"),
    "PDDL-1.0": ("PDDL", "ODC-PDDL-1.0"),
    "ODC-By-1.0": ("ODC-BY 1.0",),
    "ODbL-1.0": ("ODbL", "Open Database License v1.0"),
    "FMA-Limited": ("FMA-Limited: Download Only", "http://freemusicarchive.org/FMA_License"),
    ALL_RIGHTS_RESERVED: (
        *(
            "All rights reserved",
            "ALL RIGHTS RESERVED.",
            "© 2019 Label",
            "Copyright 2020 Someone. All rights reserved.",
        ),
        *("(c) Someone", "copyrighted"),
    ),
    UNKNOWN: ("", " ", "unknown", "N/A", "none", "NaN", "null", "no license", "-"),
}
NO_LICENCE = (
    *("by", "CCBY", "CC", "Attribution required", "not CC BY 4.0", "Attribution 4.0, no training", "CC BY 4.0 or so"),
    *("CC BY 7.0", "CC BY-SA-ND 4.0", "CC BY BY 4.0", "CC NC 4.0", "CC-BY-4.0 OR CC0-1.0", "CC BY 3.0 Atlantis"),
    *("public domain in the US", "CopyrightPlus", "СС BY 4.0", "CC BY 4.0\u200b", "No Derivatives", "royalty free"),
    "https://evil.example/?u=creativecommons.org/licenses/by/4.0/",
    "http://creativecommons.org.evil.example/licenses/by/4.0/",
    "https://evilcreativecommons.org/licenses/by/4.0/",
    "https://creativecommons.org/licenses/by/4.0/../../by-nc/4.0/",
    f"All rights reserved (not {CC}/by/4.0/)",
    f"CC BY 3.0 {CC}/by/4.0/",
    f"CC BY-NC {CC}/by/4.0/",
    f"{CC}/by/4.0/ {CC}/by-nc/4.0/",
    f"{CC}/by/4.0/?{'x' * LONGEST}",
)
WRITTEN = [(written, name) for name, several in SPELLINGS.items() for written in several]


def test_the_table_is_long():
    assert len(WRITTEN) >= 80


def test_a_licence_has_one_name():
    for written, name in WRITTEN:
        assert (written, normalise(written)) == (written, name)
        assert (written, normalise(f"  {written.upper()}\n")) == (written, name)
        assert normalise(name) == name


def test_what_is_not_understood_whole_is_no_licence():
    for written in NO_LICENCE:
        name = normalise(written)
        assert terms_of(name) is None, written
        assert normalise(name) == name
        assert len(name) <= LONGEST


@given(st.text(max_size=80))
def test_a_name_is_its_own_name(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.sampled_from([written for written, _ in WRITTEN if written.strip()]), st.text("abcxyz ", min_size=3))
def test_words_around_a_licence_never_make_a_freer_one(written, words):
    found = terms_of(f"{words} {written}")
    assert found is None or terms_of(written).within(found)


def test_hostile_lengths_are_read_at_once():
    for text in ("cc by " * 100_000, "(" * 10**6, "http://" + "a" * 10**6 + "creativecommons.org", "©" * 10**6):
        assert terms_of(text) is None


@pytest.mark.parametrize(
    ("licence", "terms"),
    [
        ("CC0", Terms()),
        ("Public Domain", Terms()),
        ("CC BY 4.0", Terms(attribution=True)),
        ("CC BY-SA 4.0", Terms(attribution=True, share_alike=True)),
        ("LAL-1.3", Terms(attribution=True, share_alike=True)),
        ("CC BY-NC 4.0", Terms(attribution=True, non_commercial=True)),
        ("CC BY-ND 4.0", Terms(attribution=True, no_derivatives=True)),
        ("CC BY-NC-SA 4.0", Terms(attribution=True, non_commercial=True, share_alike=True)),
        ("CC BY-NC-ND 4.0", Terms(attribution=True, non_commercial=True, no_derivatives=True)),
        ("All rights reserved", Terms(reserved=True, attribution=True, non_commercial=True, no_derivatives=True)),
        ("FMA-Limited: Download Only", terms_of(ALL_RIGHTS_RESERVED)),
        ("CC SA 1.0", Terms(share_alike=True)),
        ("royalty free", None),
        ("", None),
    ],
)
def test_terms_follow_the_name(licence, terms):
    assert terms_of(licence) == terms


def test_the_order_respects_inclusion_of_terms():
    names = [name for name in SPELLINGS if terms_of(name)]
    for one, other in itertools.product(names, names):
        if terms_of(one) != terms_of(other) and terms_of(one).within(terms_of(other)):
            assert restriction(one) < restriction(other), (one, other)


@pytest.mark.parametrize(
    ("licences", "strictest"),
    [
        (["CC0-1.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["CC-BY-NC-4.0", "CC-BY-SA-4.0"], "CC-BY-NC-4.0"),
        (["CC-BY-NC-SA-4.0", "CC-BY-ND-4.0"], "CC-BY-ND-4.0"),
        (["cc by-nc-nd 4.0", "all rights reserved"], ALL_RIGHTS_RESERVED),
        (["all rights reserved", "royalty free"], "royalty free"),
        (["CC-BY-4.0", "CC-BY"], "CC-BY"),
        (["CC-BY-3.0", "CC-BY-4.0"], "CC-BY-4.0"),
        (["", "CC0-1.0", "royalty free"], UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_the_most_restrictive_licence_is_found_whatever_the_order(licences, strictest):
    assert {most_restrictive(order) for order in itertools.permutations(licences)} == {strictest}


def test_joint_terms_are_the_union_and_unknown_terms_stay_unknown():
    assert joint(["CC0", "CC BY-SA 4.0", "CC BY-NC 3.0"]) == Terms(
        attribution=True, share_alike=True, non_commercial=True
    )
    assert joint(["CC0", "royalty free"]) is None
    assert joint([]) == Terms()


def test_share_alike_is_at_odds_with_what_asks_for_something_else():
    assert at_odds(["CC BY-SA 4.0", "CC BY-SA 3.0", "CC BY 4.0", "CC0"]) == []
    assert at_odds(["CC BY-SA 4.0", "CC BY-NC 4.0"]) == [("CC-BY-SA", "CC-BY-NC")]
    assert at_odds(["CC BY-SA 4.0", "CC BY-NC-SA 3.0"]) == [("CC-BY-SA", "CC-BY-NC-SA")]


def test_an_address_leads_back_to_its_name():
    names = [name for name in SPELLINGS if address(name)]
    assert len(names) >= 16
    assert [normalise(address(name)) for name in names] == names


def test_only_licences_with_a_text_of_their_own_have_an_address():
    assert address("CC-BY-NC-SA-3.0") == f"{CC}/by-nc-sa/3.0/"
    assert address("CC-BY") == address(UNKNOWN) == address("javascript:alert(1)") == ""
