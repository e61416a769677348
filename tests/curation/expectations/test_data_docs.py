import html

import numpy as np
import pandas as pd

from padstal.curation.expectations.data_docs import NOT_KEPT, harmless, settle, settled

PAGE = """<img src="https://great-expectations-web-assets.s3.us-east-2.amazonaws.com/logo-long.png?d=20261121T031124.161228Z">
<a href="#body-129edb28-7e2d-4c7e-a80c-b8f2744e9761"><div id=body-129edb28-7e2d-4c7e-a80c-b8f2744e9761>
<a href="#body-da98cb9a-043d-4c48-86c2-403b5da56577">2000-01-01T00:00:00Z</a> 'run_time': '1999-12-31 16:00:00 PST'
<a href="validations/clips/run/20000101T000000.000000Z/clips.html">20261121T031123.778375Z</a>"""


def test_times_random_ids_and_foreign_images_leave_a_page_and_links_still_match():
    page = settled(PAGE)
    assert "<img" not in page
    assert page.count("body-box-0") == 2
    assert page.count("body-box-1") == 1
    assert f">{NOT_KEPT}</a> 'run_time': '{NOT_KEPT}'" in page
    assert '<a href="validations/clips/run/run/clips.html">run</a>' in page


def test_text_is_escaped_and_comes_back_and_what_is_no_text_stays():
    table = pd.DataFrame({"id": ["<b>&amp;", ""], "x": [1.5, np.nan], "mixed": [3, "<i>"]})
    shown = harmless(table)
    assert shown["id"].tolist() == ["&lt;b&gt;&amp;amp;", ""]
    assert [html.unescape(text) for text in shown["id"]] == table["id"].tolist()
    assert shown["mixed"].tolist() == [3, "&lt;i&gt;"]
    pd.testing.assert_series_equal(shown["x"], table["x"])
    assert table["id"][0] == "<b>&amp;"


def test_two_pages_that_differ_in_time_and_ids_become_one():
    other = (
        PAGE.replace("20261121T0311", "20270102T1015")
        .replace("129edb28", "00000000")
        .replace("16:00:00 PST", "15:00:00 -09")
    )
    assert settled(other) == settled(PAGE)


def test_whatever_is_elsewhere_leaves_a_page_and_a_policy_comes_in():
    page = settled(
        '<html><head><link rel="stylesheet" href="https://far/x.css"><style>a { background: url("far.png") }</style>'
        '<script src="https://far/x.js"></script></head><body onload="x"><b onclick="go()">kept</b>'
        "<SCRIPT>go(</SCRIPT ><footer><a href='https://far'>news</a></footer></body></html>"
    )
    assert "far" not in page
    assert "<script" not in page.lower()
    assert page.endswith('</head><body onload="x"><b>kept</b></body></html>')
    assert "default-src 'none'" in page


def test_folders_named_by_a_time_are_renamed_as_their_links_are_and_the_first_page_leads_there(tmp_path):
    folder = tmp_path / "validations" / "clips" / "run" / "20000101T000000.000000Z"
    folder.mkdir(parents=True)
    (folder / "clips.html").write_text(PAGE, encoding="utf-8")
    (tmp_path / "static").mkdir()
    settle(tmp_path, {"clips": (2, 3)})
    assert (tmp_path / "validations" / "clips" / "run" / "run" / "clips.html").is_file()
    assert not (tmp_path / "static").exists()
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'href="validations/clips/run/run/clips.html"' in index
    assert "1 of 3 broken" in index
