"""An audit of sentence pairs: what is found, how often, and where."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from seq2seq import recipe
from seq2seq.data.audit_pairs import audit_pairs
from seq2seq.data.corpus import Corpus
from seq2seq.data.findings import JsonObject
from seq2seq.data.pairs import Pair, PairKind, PairSource
from tests.support.corpora import held_out
from tests.support.samples import pairs, text

PAIRS = PairKind(recipe.Data())
NOTHING = {"count": 0, "examples": []}


def _audit(
    train: list[Pair], dev: list[Pair] | None = None, test: list[Pair] | None = None, more: list[Pair] | None = None
) -> JsonObject:
    parts = (text(train, "train"), *([text(more, "more")] if more else []))
    return _report(
        Corpus("tiny", "files", parts, text(dev or [("d", "d2")], "dev"), text(test or [("t", "t2")], "test"))
    )


def _report(corpus: Corpus[PairSource]) -> JsonObject:
    return audit_pairs(corpus, PAIRS).report


def _place(origin: str, line: int) -> JsonObject:
    return {"origin": origin, "line": line}


def _example(place: JsonObject, pair: Pair, other: JsonObject | None = None) -> JsonObject:
    return {"place": place, "source": pair[0], "target": pair[1], "other": other}


def _lines(finding: JsonObject) -> list[int]:
    return [example["place"]["line"] for example in finding["examples"]]


def test_a_sound_corpus_shows_nothing() -> None:
    found = _audit(list(pairs(500)), list(pairs(40, seed=2)), list(pairs(30, seed=3)))
    assert [(split["name"], split["pairs"], split["origins"]) for split in found["splits"]] == [
        ("train", 500, ["train"]),
        ("dev", 40, ["dev"]),
        ("test", 30, ["test"]),
    ]
    for split in found["splits"]:
        assert all(split[name] == NOTHING for name in ("blank", "duplicates", "copied", "odd_ratio"))
        assert split["characters"] == []
    assert found["overlaps"] == [{"name": name, "source": NOTHING, "target": NOTHING} for name in ("dev", "test")]


def test_words_and_the_longest_side_of_each() -> None:
    train = _audit([("un deux", "one"), ("trois  quatre cinq", "x" * 40), ("six", "y" * 40)])["splits"][0]
    assert (train["source_words"], train["target_words"]) == (6, 3)
    assert train["longest_source"] == {"characters": 18, "place": _place("train", 2)}
    assert train["longest_target"] == {"characters": 40, "place": _place("train", 2)}


def test_blank_and_copied_sides_and_odd_ratios_have_their_lines() -> None:
    train = _audit(
        [
            ("fine", "bien"),
            ("", "x"),
            ("x", "\u3000 "),
            ("", ""),
            ("same", "same "),
            ("", "again"),
            ("abcd", "a" * 16),
            (("abcd", "a" * 17)),
            ("a" * 17, "abcd"),
        ]
    )["splits"][0]
    assert (train["blank"]["count"], _lines(train["blank"])) == (4, [2, 3, 4])
    assert (train["copied"]["count"], _lines(train["copied"])) == (1, [5])
    assert (train["odd_ratio"]["count"], _lines(train["odd_ratio"])) == (2, [8, 9])
    assert train["odd_ratio"]["examples"][0] == _example(_place("train", 8), ("abcd", "a" * 17))


def test_duplicates_are_counted_over_all_training_text_with_what_they_repeat() -> None:
    once = list(pairs(50))
    found = _audit([*once, once[4], ("a", "b")], more=[("a", "b"), once[4], ("a", "c"), ("A", "b"), ("a", "b")])
    duplicates = found["splits"][0]["duplicates"]
    assert duplicates["count"] == 4
    assert [(example["place"], example["other"]) for example in duplicates["examples"]] == [
        (_place("train", 51), _place("train", 5)),
        (_place("more", 1), _place("train", 52)),
        (_place("more", 2), _place("train", 5)),
    ]
    assert duplicates["examples"][1]["source"] == "a"


def test_odd_characters_are_counted_by_code_point_with_their_first_line() -> None:
    train = _audit(
        [("l'été\u00a0!\u202f\u200b", "fine 😀"), ("a\x07\x07", "\ufffd"), ("\ue000", "a\x85\x07"), ("\u0378", "\t")]
    )["splits"][0]
    assert [(each["code_point"], each["count"], each["first"]["line"]) for each in train["characters"]] == [
        (0x07, 3, 2),
        (0x09, 1, 4),
        (0x85, 1, 3),
        (0x378, 1, 4),
        (0x200B, 1, 1),
        (0xE000, 1, 3),
        (0xFFFD, 1, 2),
    ]
    assert train["characters"][-1]["name"] == "REPLACEMENT CHARACTER"


def test_length_ratios_are_target_over_source() -> None:
    ratio = _audit([("a" * 100, "b" * (50 + number)) for number in range(101)])["splits"][0]["ratio"]
    assert ratio is not None
    assert [ratio["low"], ratio["median"], ratio["high"]] == pytest.approx([0.51, 1.0, 1.49], rel=0.015)
    assert _audit([("", "x")])["splits"][0]["ratio"] is None


def test_held_out_sides_that_stand_in_train_are_found_in_any_form() -> None:
    dev = [("New.", "entirely"), ("bonjour le MONDE", "x"), ("?", "!"), ("y", "Hello, world")]
    found = _audit([("Bonjour, le monde !", "hello world"), ("?", "!")], dev, [("hello world", "bonjour le monde")])
    in_dev, in_test = found["overlaps"]
    assert (in_dev["name"], in_test["name"]) == ("dev", "test")
    one, two = _place("train", 1), _place("train", 2)
    mark = _example(_place("dev", 3), dev[2], two)
    assert in_dev["source"] == {"count": 2, "examples": [_example(_place("dev", 2), dev[1], one), mark]}
    assert in_dev["target"] == {"count": 2, "examples": [mark, _example(_place("dev", 4), dev[3], one)]}
    assert [in_test["source"], in_test["target"]] == [NOTHING, NOTHING]


def test_what_is_found_agrees_with_a_count_in_memory() -> None:
    train = [pair for index, pair in enumerate(pairs(400)) for _ in range(1 + (index % 7 == 0))]
    dev = [*list(pairs(400))[10:60], *pairs(20, seed=9)]
    found = _audit(train, dev)
    assert found["splits"][0]["duplicates"]["count"] == sum(count - 1 for count in Counter(train).values())
    assert (
        found["overlaps"][0]["source"]["count"] == sum(source in {each for each, _ in train} for source, _ in dev) == 50
    )


def test_an_audit_can_be_written_as_json() -> None:
    found = _audit(list(pairs(12_000)), list(pairs(5)), list(pairs(6, seed=2)))
    assert json.loads(json.dumps(found))["splits"][0]["pairs"] == 12_000


def test_an_empty_split_is_no_obstacle() -> None:
    found = _report(Corpus("tiny", "files", (text([]),), text([]), text([])))
    assert [(split["pairs"], split["ratio"], split["longest_source"]) for split in found["splits"]] == [
        (0, None, None)
    ] * 3


def test_what_is_held_out_keeps_the_lines_of_its_file() -> None:
    of = [*pairs(100), ("one", "word " * 20)]
    parts = held_out(text(of, "a.tsv"))
    found = _report(Corpus("tiny", "files", (parts["train"],), parts["dev"], parts["test"]))
    odd = [line for split in found["splits"] for line in _lines(split["odd_ratio"])]
    assert odd == [101]


def test_characters_of_no_width_are_odd_but_where_a_script_needs_them() -> None:
    soft, space, joiner, mark = "\u00ad", "\u200b", "\u200c", "\ufeff"
    persian, family = f"می{joiner}خواهم", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    train = _audit([(f"bon{soft}jour{space}", f"a{joiner}b"), (persian, family), (f"x{mark}", "y")])["splits"][0]
    assert [(chr(each["code_point"]), each["count"], each["first"]["line"]) for each in train["characters"]] == [
        (soft, 1, 1),
        (space, 1, 1),
        (joiner, 1, 1),
        (mark, 1, 3),
    ]
    assert _audit([(space, "x"), (f"{soft} {mark}", "y"), ("z", "z2")])["splits"][0]["blank"]["count"] == 2
