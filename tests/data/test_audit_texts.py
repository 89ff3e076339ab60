"""An audit of running text: what is found, how often, and where."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

import pytest

from seq2seq.data import pieces
from seq2seq.data.audit_texts import audit_texts
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import Documents
from seq2seq.data.findings import JsonObject

LONG = "this line is long enough to be told from others"
OTHER = "so is this one, of which there is no other copy"


def made(of: Sequence[str], origin: str) -> Documents:
    return Documents(origin, lambda: iter(of), lambda: repr(of))


def _audit(train: Sequence[str], dev: Sequence[str] = ("dev\n",), test: Sequence[str] = ("test\n",)) -> JsonObject:
    corpus = Corpus("tiny", "files", (made(train, "a.txt"),), made(dev, "b.txt"), made(test, "c.txt"))
    return audit_texts(corpus).report


def _spot(document: int, line: int) -> JsonObject:
    return {"document": document, "line": line}


def _lines(*examples: tuple[JsonObject, str, JsonObject | None]) -> JsonObject:
    """A finding of these lines alone."""
    shown = [{"spot": spot, "text": text, "other": other} for spot, text, other in examples]
    return {"count": len(shown), "examples": shown}


@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_counts_are_those_of_the_text(monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(pieces, "PIECE", piece)
    of = ["été\n\nno end", "", "A bb ccc\n" * 3, " \n"]
    train = _audit(of)["splits"][0]
    assert (train["name"], train["origin"]) == ("train", "a.txt")
    assert (train["documents"], train["blank_documents"], train["lines"]) == (4, 2, 3 + 0 + 3 + 1)
    assert (train["characters"], train["bytes"]) == (len("".join(of)), len("".join(of).encode()))
    assert (train["distinct"], train["longest_line"]) == (len(set("".join(of))), 8)
    counts = Counter("".join(of))
    assert [(chr(each["code_point"]), each["count"]) for each in train["rarest"]] == [
        (character, counts[character]) for character in sorted(counts, key=lambda each: (counts[each], each))[:8]
    ]
    assert {chr(each["code_point"]): each["first"] for each in train["rarest"] if chr(each["code_point"]) in "tdA"} == {
        "t": _spot(1, 1),
        "d": _spot(1, 3),
        "A": _spot(3, 1),
    }


def test_a_sound_text_shows_nothing() -> None:
    train = ["".join(f"line {number}, which says something of its own\n" for number in range(50))]
    found = _audit(
        train, ["nothing that stands in the other text, number 1\n"], ["nor does what is written here: say 2\n"]
    )
    for split in found["splits"]:
        assert (split["blank_documents"], split["repeated_documents"], split["odd"]) == (0, 0, [])
        assert [split["repeated_lines"], split["very_long_lines"]] == [_lines(), _lines()]
    assert [overlap["in_train"] for overlap in found["overlaps"]] == [_lines(), _lines()]


@pytest.mark.parametrize("piece", [1, 1 << 20])
def test_repeated_lines_and_documents_are_counted_with_their_places(
    monkeypatch: pytest.MonkeyPatch, piece: int
) -> None:
    monkeypatch.setattr(pieces, "PIECE", piece)
    of = [f"HAL:\n{LONG}\n{OTHER}\n", f"HAL:\n  {LONG} \nshort\nshort\n", "again\n", f"{LONG}", "again\n"]
    train = _audit(of)["splits"][0]
    assert train["repeated_lines"] == _lines((_spot(2, 2), LONG, _spot(1, 2)), (_spot(4, 1), LONG, _spot(1, 2)))
    assert train["repeated_documents"] == 1


def test_very_long_lines_are_shown_by_their_beginning() -> None:
    train = _audit(["short\n" + "x" * 10_001 + "\n" + "y" * 10_000])["splits"][0]
    assert train["very_long_lines"] == _lines((_spot(1, 2), "x" * 200, None))
    assert train["longest_line"] == 10_001


def test_odd_characters_are_counted_by_code_point_with_their_first_place() -> None:
    train = _audit(["tab\tand\u00a0blank 😀\n", "a\x07\n\x07b\r\n", "\ufffd\ue000\n"])["splits"][0]
    assert [(each["code_point"], each["count"], each["first"]) for each in train["odd"]] == [
        (0x07, 2, _spot(2, 1)),
        (0x0D, 1, _spot(2, 2)),
        (0xE000, 1, _spot(3, 1)),
        (0xFFFD, 1, _spot(3, 1)),
    ]
    assert train["odd"][-1]["name"] == "REPLACEMENT CHARACTER"


def test_what_dev_and_test_share_with_train_is_found_in_any_form() -> None:
    dev = [f"new\n{LONG.upper()}!\n", "-" * 40 + "\nŽ\n"]
    in_dev, in_test = _audit([f"{OTHER}\n{LONG}\n" + "=" * 40], dev, [f"{OTHER}\n"] * 2)["overlaps"]
    assert (in_dev["name"], in_test["name"]) == ("dev", "test")
    assert in_dev["in_train"] == _lines((_spot(1, 2), f"{LONG.upper()}!", _spot(1, 2)))
    assert (in_dev["long_lines"], in_test["long_lines"], in_test["in_train"]["count"]) == (2, 2, 2)
    new = {chr(each["code_point"]): each["first"] for each in in_dev["new_characters"]}
    assert new["Ž"] == _spot(2, 2)
    assert set(new) == set("".join(dev)) - set(f"{OTHER}\n{LONG}\n=")
    assert in_test["new_characters"] == []


def test_an_audit_can_be_written_as_json_and_an_empty_split_is_no_obstacle() -> None:
    found = json.loads(json.dumps(_audit([])))
    assert [split["documents"] for split in found["splits"]] == [0, 1, 1]
    assert found["splits"][0]["repeated_lines"] == {"count": 0, "examples": []}
