"""What a training text looks like, counted and remembered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq.data.style import Style, count, of_run

MIXED = ["Un chat.", "Il dort. Elle part.", "l'eau", "l’eau et l’air", "M. Dupont dort.", "IL EST PARTI HIER"]


def test_lines_of_several_sentences_and_apostrophes_are_counted() -> None:
    style = count(MIXED, "fr")
    assert style == Style(lines=6, several=1, plain=1, typographic=1, capitals=1)
    assert style + style == Style(12, 2, 2, 2, 2)


@pytest.mark.parametrize(("several", "single", "pairs"), [(0, True, False), (1, True, False), (5, True, True)])
def test_a_few_lines_of_two_sentences_leave_it_a_text_of_sentences(several: int, single: bool, pairs: bool) -> None:
    style = Style(lines=100, several=several)
    assert (style.single_sentences, style.some_pairs) == (single, pairs)
    assert not Style(lines=100, several=40).single_sentences


def test_plain_apostrophes_are_usual_unless_others_are() -> None:
    assert Style().plain_apostrophes and Style(9, plain=5, typographic=2).plain_apostrophes
    assert not Style(9, plain=1, typographic=2).plain_apostrophes


def test_capitals_are_few_up_to_one_line_in_twenty() -> None:
    assert Style(100, capitals=5).few_capitals and not Style(100, capitals=6).few_capitals


def test_a_run_says_what_it_was_trained_on_and_an_older_one_is_judged_by_its_test_set(tmp_path: Path) -> None:
    test_set = tmp_path / "test.jsonl"
    assert of_run({}, test_set, "fr") == Style()
    test_set.write_text("".join(json.dumps({"source": line, "references": [""]}) + "\n" for line in MIXED))
    assert of_run({}, test_set, "fr") == count(MIXED, "fr")
    known = {"lines": 7, "several": 6, "plain": 0, "typographic": 3}
    assert of_run({"source_style": known}, test_set, "fr") == Style(**known)
    assert of_run({"source_style": {**known, "capitals": 2}}, test_set, "fr") == Style(**known, capitals=2)
    for damaged in ([], {"lines": 7}, {**known, "lines": "many"}, {**known, "more": 1}):
        assert of_run({"source_style": damaged}, test_set, "fr") == count(MIXED, "fr")
    test_set.write_text('{"source": "Un. Deux."}\n[' + "[" * 100_000)
    assert of_run({}, test_set, "fr") == Style()
