from __future__ import annotations

import json
from collections import Counter

import pytest

from seq2seq import recipe
from seq2seq.data.audit import Audit, Longest, audit
from seq2seq.data.corpus import Corpus
from seq2seq.data.findings import Finding, Place, RecordExample
from seq2seq.data.pairs import Pair, PairKind
from tests.support.corpora import held_out
from tests.support.samples import pairs, text

PAIRS = PairKind(recipe.Data())


def _audit(
    train: list[Pair], dev: list[Pair] | None = None, test: list[Pair] | None = None, more: list[Pair] | None = None
) -> Audit:
    parts = (text(train, "train"), *([text(more, "more")] if more else []))
    return audit(
        Corpus("tiny", "files", parts, text(dev or [("d", "d2")], "dev"), text(test or [("t", "t2")], "test")), PAIRS
    )


def _lines(finding: Finding) -> list[int]:
    return [example.place.line for example in finding.examples]


def test_a_sound_corpus_shows_nothing() -> None:
    found = _audit(list(pairs(500)), list(pairs(40, seed=2)), list(pairs(30, seed=3)))
    assert [(split.name, split.records, split.origins) for split in found.splits] == [
        ("train", 500, ("train",)),
        ("dev", 40, ("dev",)),
        ("test", 30, ("test",)),
    ]
    for split in found.splits:
        assert {split.blank, split.duplicates, split.findings["copied"], split.findings["odd ratio"]} == {Finding()}
        assert split.characters == ()
    assert {
        finding for overlap in found.overlaps for finding in (overlap.fields["source"], overlap.fields["target"])
    } == {Finding()}


def test_words_and_the_longest_side_of_each() -> None:
    train = _audit([("un deux", "one"), ("trois  quatre cinq", "x" * 40), ("six", "y" * 40)]).splits[0]
    assert tuple(train.words.values()) == (6, 3)
    assert train.longest["source"] == Longest(18, Place("train", 2))
    assert train.longest["target"] == Longest(40, Place("train", 2))


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
    ).splits[0]
    assert (train.blank.count, _lines(train.blank)) == (4, [2, 3, 4])
    assert (train.findings["copied"].count, _lines(train.findings["copied"])) == (1, [5])
    assert (train.findings["odd ratio"].count, _lines(train.findings["odd ratio"])) == (2, [8, 9])
    assert train.findings["odd ratio"].examples[0] == RecordExample(Place("train", 8), ("abcd", "a" * 17))


def test_duplicates_are_counted_over_all_training_text_with_what_they_repeat() -> None:
    once = list(pairs(50))
    found = _audit([*once, once[4], ("a", "b")], more=[("a", "b"), once[4], ("a", "c"), ("A", "b"), ("a", "b")])
    duplicates = found.splits[0].duplicates
    assert duplicates.count == 4
    assert [(example.place, example.other) for example in duplicates.examples] == [
        (Place("train", 51), Place("train", 5)),
        (Place("more", 1), Place("train", 52)),
        (Place("more", 2), Place("train", 5)),
    ]
    assert duplicates.examples[1].texts == ("a", "b")


def test_odd_characters_are_counted_by_code_point_with_their_first_line() -> None:
    train = _audit(
        [("l'été\u00a0!\u202f\u200b", "fine 😀"), ("a\x07\x07", "\ufffd"), ("\ue000", "a\x85\x07"), ("\u0378", "\t")]
    )
    assert [(each.code_point, each.count, each.first.line) for each in train.splits[0].characters] == [
        (0x07, 3, 2),
        (0x09, 1, 4),
        (0x85, 1, 3),
        (0x378, 1, 4),
        (0x200B, 1, 1),
        (0xE000, 1, 3),
        (0xFFFD, 1, 2),
    ]
    assert train.splits[0].characters[-1].name == "REPLACEMENT CHARACTER"


def test_length_ratios_are_target_over_source() -> None:
    ratio = _audit([("a" * 100, "b" * (50 + number)) for number in range(101)]).splits[0].figures["ratio"]
    assert ratio is not None
    assert [ratio.low, ratio.median, ratio.high] == pytest.approx([0.51, 1.0, 1.49], rel=0.015)
    assert _audit([("", "x")]).splits[0].figures["ratio"] is None


def test_held_out_sides_that_stand_in_train_are_found_in_any_form() -> None:
    dev = [("New.", "entirely"), ("bonjour le MONDE", "x"), ("?", "!"), ("y", "Hello, world")]
    found = _audit([("Bonjour, le monde !", "hello world"), ("?", "!")], dev, [("hello world", "bonjour le monde")])
    in_dev, in_test = found.overlaps
    assert (in_dev.name, in_test.name) == ("dev", "test")
    one, two = Place("train", 1), Place("train", 2)
    mark = RecordExample(Place("dev", 3), dev[2], other=two)
    assert in_dev.fields["source"] == Finding(2, (RecordExample(Place("dev", 2), dev[1], other=one), mark))
    assert in_dev.fields["target"] == Finding(2, (mark, RecordExample(Place("dev", 4), dev[3], other=one)))
    assert [finding.count for finding in in_test.fields.values()] == [0, 0]


def test_what_is_found_agrees_with_a_count_in_memory() -> None:
    train = [pair for index, pair in enumerate(pairs(400)) for _ in range(1 + (index % 7 == 0))]
    dev = [*list(pairs(400))[10:60], *pairs(20, seed=9)]
    found = _audit(train, dev)
    assert found.splits[0].duplicates.count == sum(count - 1 for count in Counter(train).values())
    assert (
        found.overlaps[0].fields["source"].count
        == sum(source in {each for each, _ in train} for source, _ in dev)
        == 50
    )


def test_an_audit_can_be_written_as_json() -> None:
    found = _audit(list(pairs(12_000)), list(pairs(5)), list(pairs(6, seed=2)))
    assert json.loads(json.dumps(found.as_dict()))["splits"][0]["pairs"] == 12_000


def test_an_empty_split_is_no_obstacle() -> None:
    found = audit(Corpus("tiny", "files", (text([]),), text([]), text([])), PAIRS)
    assert [(split.records, split.figures["ratio"], split.longest["source"]) for split in found.splits] == [
        (0, None, None)
    ] * 3


def test_what_is_held_out_keeps_the_lines_of_its_file() -> None:
    of = [*pairs(100), ("one", "word " * 20)]
    parts = held_out(text(of, "a.tsv"))
    found = audit(Corpus("tiny", "files", (parts["train"],), parts["dev"], parts["test"]), PAIRS)
    odd = [example.place.line for split in found.splits for example in split.findings["odd ratio"].examples]
    assert odd == [101]


def test_characters_of_no_width_are_odd_but_where_a_script_needs_them() -> None:
    soft, space, joiner, mark = "\u00ad", "\u200b", "\u200c", "\ufeff"
    persian, family = f"می{joiner}خواهم", "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    train = _audit([(f"bon{soft}jour{space}", f"a{joiner}b"), (persian, family), (f"x{mark}", "y")]).splits[0]
    assert [(chr(each.code_point), each.count, each.first.line) for each in train.characters] == [
        (soft, 1, 1),
        (space, 1, 1),
        (joiner, 1, 1),
        (mark, 1, 3),
    ]
    assert _audit([(space, "x"), (f"{soft} {mark}", "y"), ("z", "z2")]).splits[0].blank.count == 2
