"""A cleaned source is the pairs that stay, in order, with their numbers; reading it again changes nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.data.cleaning import Cleaner
from seq2seq.data.pairs import Pair, PairSource, file_pair
from seq2seq.errors import DataError
from seq2seq.recipe import Cleaning
from tests.support.corpora import held_out
from tests.support.samples import pairs, text

WITHOUT_LANGUAGE = Cleaning(language=0)
SIDES = st.one_of(
    st.sampled_from(["", " ", "a", "A.", "b b", "Ã©tÃ©", "été", "\ufffd", "12 345", "a@b.fr", "\u2028", "x\ry"]),
    st.text("ab1 .%<>é\u00a0Ã©\r\u2028", max_size=12),
)
PAIRS = st.lists(st.tuples(SIDES, SIDES), max_size=40)


def source(of: list[Pair]) -> PairSource:
    return Cleaner(text(of), WITHOUT_LANGUAGE, "fr", "en").source()


@given(PAIRS)
def test_what_stays_and_what_is_dropped_is_the_whole(of: list[Pair]) -> None:
    cleaner = Cleaner(text(of), WITHOUT_LANGUAGE, "fr", "en")
    report = cleaner.report()
    kept = [*cleaner.source().numbered()]
    assert report.read == len(of)
    assert report.kept == len(kept) == len(of) - sum(finding.count for finding in report.dropped.values())
    numbers = [number for number, _ in kept]
    assert numbers == sorted({*numbers})
    changed = [number for number, pair in kept if pair != of[number - 1]]
    assert len(changed) == report.mended.count
    for finding in report.dropped.values():
        assert not {example["line"] for example in finding.report()["examples"]} & {*numbers}


@given(PAIRS)
def test_cleaning_again_changes_nothing(of: list[Pair]) -> None:
    once = [*source(of).read()]
    again = Cleaner(text(once), WITHOUT_LANGUAGE, "fr", "en")
    assert [*again.source().read()] == once
    assert again.report().mended.count == 0


@given(PAIRS)
def test_every_reading_is_the_same(of: list[Pair]) -> None:
    kept = source(of)
    reading = kept.read()
    begun = [*zip(range(2), reading)]
    whole = [*kept.read()]
    assert [*kept.read()] == whole == [pair for _, pair in kept.numbered()]
    assert [pair for _, pair in begun] == whole[:2]
    assert [*kept.first(3).read()] == whole[:3]


def test_the_report_has_examples_with_their_lines() -> None:
    of = [("un", "one"), (" ", "two"), ("Ã©tÃ©", "summer"), ("", ""), *[("\ufffd", "lost")] * 5]
    report = Cleaner(text(of, "mine"), Cleaning(), "fr", "en").report()
    assert (report.read, report.kept) == (9, 2)
    as_dict = report.as_dict()
    assert as_dict["dropped"]["damaged"]["count"] == 5 and len(as_dict["dropped"]["damaged"]["examples"]) == 3
    assert [(mend["line"], mend["after"]) for mend in as_dict["mended"]["examples"]] == [(3, ("été", "summer"))]
    assert as_dict["dropped"]["blank"] == {
        "count": 2,
        "examples": [{"line": 2, "source": " ", "target": "two"}, {"line": 4, "source": "", "target": ""}],
    }
    assert as_dict["mended"]["examples"][0]["before"] == ("Ã©tÃ©", "summer")


def test_mending_can_be_off() -> None:
    cleaner = Cleaner(text([("Ã©tÃ©", "summer")]), Cleaning(mend=False), "fr", "en")
    assert [*cleaner.source().read()] == [("Ã©tÃ©", "summer")]


def test_checksums_need_no_cleaning_and_are_of_the_text_and_the_values() -> None:
    read = 0

    def watched() -> PairSource:
        of = text(pairs(50))

        def reading():  # type: ignore[no-untyped-def]
            nonlocal read
            read += 1
            return of.read()

        return PairSource("watched", reading, of.checksum, files=lambda: "files")

    one = Cleaner(watched(), Cleaning(), "fr", "en").source()
    assert one.origin == "watched, cleaned"
    assert one.whole is not None and one.whole.origin == "watched"
    others = [
        Cleaner(watched(), Cleaning(max_ratio=3), "fr", "en").source(),
        Cleaner(watched(), Cleaning(), "en", "fr").source(),
        Cleaner(text(pairs(51)), Cleaning(), "fr", "en").source(),
    ]
    assert len({each.checksum() for each in (one, *others)}) == 4
    assert one.checksum() == Cleaner(watched(), Cleaning(), "fr", "en").source().checksum() != one.file_checksum()
    assert read == 0
    assert len([*one.read()]) == len([*one.read()]) > 0
    assert read == 3  # to decide, and for each reading


def test_line_ends_of_other_systems_do_not_shift_lines(tmp_path: Path) -> None:
    left, right = tmp_path / "a.fr", tmp_path / "a.en"
    left.write_bytes("\ufeffun\r\n\r\nune\u2028ligne\nquatre\rcinq\n\x0c\nfin".encode())
    right.write_bytes("one\n\na\u2028line\nfour\rfive\nx\nend\n".encode())
    kept = [*Cleaner(file_pair(left, right), Cleaning(), "fr", "en").source().numbered()]
    assert kept == [
        (1, ("un", "one")),
        (3, ("une\u2028ligne", "a\u2028line")),
        (4, ("quatre\rcinq", "four\rfive")),
        (6, ("fin", "end")),
    ]


@pytest.mark.parametrize("change", ["more\n", ""])
def test_a_text_that_changes_is_an_error(tmp_path: Path, change: str) -> None:
    left, right = tmp_path / "a.fr", tmp_path / "a.en"
    left.write_text("un\ndeux\n")
    right.write_text("one\ntwo\n")
    kept = Cleaner(file_pair(left, right), Cleaning(), "fr", "en").source()
    assert len([*kept.read()]) == 2
    for path in (left, right):
        path.write_text(path.read_text() + change if change else path.read_text()[:4])
    with pytest.raises(DataError, match="changed since this command first read it"):
        list(kept.read())


def test_a_cleaned_text_is_held_out_like_any_other() -> None:
    dirty = [pair for pair in pairs(300) for pair in (pair, pair, (" ", pair[1]))]
    kept = Cleaner(text(dirty), WITHOUT_LANGUAGE, "fr", "en").source()
    splits = held_out(kept)
    lines = sorted(number for split in splits.values() for number, _ in split.numbered())
    assert lines == [number for number, _ in kept.numbered()]
    assert len(lines) == 300
