import json

import pytest

from padstal.curation.captions.answers import LONGEST_ANSWER, Answers, key_of
from padstal.curation.captions.prompt import Pair

ONE, TWO = Pair("jazz", "piano"), Pair("jazz", "drums")


def files(tmp_path):
    return tmp_path / "data/demo/merges.jsonl", tmp_path / ".state/demo/caption/merges.jsonl"


def test_answers_are_found_under_all_that_was_asked(tmp_path):
    answers = Answers(*files(tmp_path))
    answers.add(ONE, "model-1", "calm jazz, piano")
    assert answers.get(ONE, "model-1") == "calm jazz, piano"
    assert answers.get(ONE, "model-2") is None
    assert answers.get(TWO, "model-1") is None
    assert answers.get(Pair("piano", "jazz"), "model-1") is None
    assert key_of(Pair("a", "bc"), "m") != key_of(Pair("ab", "c"), "m")


def test_the_key_hangs_on_the_prompt(tmp_path, monkeypatch):
    before = key_of(ONE, "m")
    monkeypatch.setattr("padstal.curation.captions.answers.PAPER", "another prompt")
    assert key_of(ONE, "m") != before


def test_the_record_does_not_depend_on_the_order_and_the_journal_goes(tmp_path):
    contents = []
    for place, order in (("a", (ONE, TWO)), ("b", (TWO, ONE))):
        record, journal = files(tmp_path / place)
        answers = Answers(record, journal)
        for pair in order:
            answers.add(pair, "m", f"{pair.generated} jazz")
        assert journal.is_file()
        assert answers.save() == 2
        assert not journal.exists()
        contents.append(record.read_bytes())
        assert Answers(record, journal).save() == 0
        assert record.read_bytes() == contents[-1]
    assert contents[0] == contents[1]


def test_an_answer_once_given_stays_and_the_record_wins_over_the_journal(tmp_path):
    record, journal = files(tmp_path)
    first = Answers(record, journal)
    first.add(ONE, "m", "first")
    first.add(ONE, "m", "second")
    first.save()
    other = Answers(tmp_path / "other.jsonl", journal)
    other.add(ONE, "m", "another machine's")
    assert Answers(record, journal).get(ONE, "m") == "first"


def test_a_killed_run_loses_no_answer_and_a_torn_line_harms_no_other(tmp_path):
    record, journal = files(tmp_path)
    Answers(record, journal).add(ONE, "m", "whole")
    with journal.open("a") as file:
        file.write('\n{"key": "torn", "mod')
    again = Answers(record, journal)
    assert again.get(ONE, "m") == "whole"
    again.add(TWO, "m", "after")
    third = Answers(record, journal)
    assert (third.get(ONE, "m"), third.get(TWO, "m")) == ("whole", "after")
    assert third.save() == 2


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "null",
        "{}",
        '{"key": "x", "model": "m", "original": "jazz", "generated": "piano", "answer": "planted"}',
        '{"key": 1, "model": "m", "original": "jazz", "generated": "piano", "answer": "x"}',
        "\x00\xff",
    ],
)
def test_lines_that_are_no_answers_or_whose_key_is_not_theirs_are_not_believed(tmp_path, line):
    record, journal = files(tmp_path)
    record.parent.mkdir(parents=True)
    record.write_text(line + "\n", encoding="utf-8")
    assert Answers(record, journal).get(ONE, "m") is None


def test_an_answer_to_another_question_is_not_believed_under_this_ones_key(tmp_path):
    record, journal = files(tmp_path)
    answers = Answers(record, journal)
    answers.add(TWO, "m", "drums and jazz")
    answers.save()
    row = json.loads(record.read_text()) | {"key": key_of(ONE, "m")}
    record.write_text(json.dumps(row) + "\n")
    assert Answers(record, journal).get(ONE, "m") is None


def test_an_endless_answer_is_cut(tmp_path):
    record, journal = files(tmp_path)
    answers = Answers(record, journal)
    answers.add(ONE, "m", "x" * 100_000)
    answers.save()
    assert len(json.loads(record.read_text())["answer"]) == LONGEST_ANSWER
