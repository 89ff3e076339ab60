"""Where pairs are found, in which order, and what is held out of them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq import recipe
from seq2seq.data.corpus import SPLITS, Given, SplitName
from seq2seq.data.pairs import Pair, PairKind
from seq2seq.errors import DataError, MissingCorpusError
from tests.support.corpora import find_pairs, held_out
from tests.support.samples import pairs, text

DATA = recipe.Data(corpus="tiny")
MIRROR = os.environ.get("SEQX_DATA", "")


@pytest.fixture(autouse=True)
def _no_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SEQX_DATA", raising=False)


def _sides(folder: Path, stem: str, of: list[Pair]) -> Given:
    paths = folder / f"{stem}.fr", folder / f"{stem}.en"
    for side, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes("".join(f"{pair[side]}\n" for pair in of).encode())
    return Given(*paths)


def _hub(folder: Path) -> recipe.Hub:
    folder.mkdir(parents=True, exist_ok=True)
    for name, count in (("train", 30), ("validation", 4), ("test", 5)):
        rows = [{"fr": source, "en": f"{target}\nsecond line"} for source, target in pairs(count)]
        pyarrow.parquet.write_table(pyarrow.table({"translation": rows}), folder / f"{name}-00000-of-00001.parquet")
    return recipe.Hub(path=str(folder))


def test_files_come_before_the_mirror_and_the_mirror_before_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = recipe.Data(corpus="tiny", hub=_hub(tmp_path / "hub"))
    given = {split: _sides(tmp_path / "own", split, list(pairs(6, seed))) for seed, split in enumerate(SPLITS)}
    for split in SPLITS:
        _sides(tmp_path / "mirror" / "tiny", split, list(pairs(7)))
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "mirror"))
    found = [find_pairs(data, given), find_pairs(data)]
    monkeypatch.delenv("SEQX_DATA")
    found.append(find_pairs(data))
    assert [corpus.found for corpus in found] == ["files", "mirror", "hub"]
    with pytest.raises(MissingCorpusError, match=r"^corpus tiny is not under \$SEQX_DATA$"):
        find_pairs(recipe.Data(corpus="tiny"))
    counts = [len(list(corpus.train[0].read())) for corpus in found]
    assert counts == [6, 7, 30]


def test_a_mirror_without_the_corpus_leads_on_to_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    corpus = find_pairs(recipe.Data(corpus="tiny", hub=_hub(tmp_path / "hub")))
    assert corpus is not None
    assert corpus.found == "hub"


def test_hub_text_comes_from_nested_columns_on_one_line(tmp_path: Path) -> None:
    corpus = find_pairs(recipe.Data(corpus="tiny", hub=_hub(tmp_path / "hub")))
    assert corpus is not None
    expected = [(source, f"{target} second line") for source, target in pairs(4)]
    assert list(corpus.dev.read()) == list(corpus.dev.read()) == expected
    assert corpus.dev.checksum() == text(expected).checksum()
    assert [len(list(each.read())) for each in (corpus.train[0], corpus.test)] == [30, 5]


def test_a_hub_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    hub = _hub(tmp_path / "hub").model_copy(update={"source_column": "translation.de"})
    with pytest.raises(
        DataError, match=r"row 1: no column translation\.de; there are: translation\.fr, translation\.en"
    ):
        find_pairs(recipe.Data(corpus="tiny", hub=hub))


def test_what_the_hub_does_not_have_is_an_error_with_the_reason(tmp_path: Path) -> None:
    hub = _hub(tmp_path / "hub")
    (tmp_path / "empty").mkdir()
    for wrong, reason in (
        (hub.model_copy(update={"dev": "nosuch"}), "nosuch"),
        (hub.model_copy(update={"config": "de-en"}), "BuilderConfig 'de-en' not found"),
        (recipe.Hub(path=str(tmp_path / "empty")), "EmptyDataset"),
    ):
        with pytest.raises(MissingCorpusError, match=r"not under \$SEQX_DATA, and .* cannot be fetched .*" + reason):
            find_pairs(recipe.Data(corpus="tiny", hub=wrong))


def test_columns_of_the_hub_follow_the_direction(tmp_path: Path) -> None:
    hub = _hub(tmp_path / "hub")
    turned = find_pairs(recipe.Data(corpus="tiny", source="en", target="fr", hub=hub))
    assert list(turned.dev.read()) == [
        pair[::-1] for pair in find_pairs(recipe.Data(corpus="tiny", hub=hub)).dev.read()
    ]
    told = hub.model_copy(update={"source_column": "x.non_english", "target_column": "x.english"})
    for source, target, expected in (("fr", "en", "x.non_english"), ("en", "fr", "x.english")):
        assert PairKind(recipe.Data(source=source, target=target)).columns.on_hub(told)[0] == expected


def test_seqx_data_that_points_nowhere_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", str(tmp_path / "gone"))
    with pytest.raises(DataError, match=r"SEQX_DATA = .*gone is not a folder; set it to the one that holds tiny/"):
        find_pairs(DATA)


def test_of_a_mirrored_corpus_lacking_dev_and_test_they_are_held_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _sides(tmp_path / "tiny", "dev", list(pairs(5)))
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"tiny \(under SEQX_DATA\) lacks train\.fr and train\.en, or train\.jsonl"):
        find_pairs(DATA)
    _sides(tmp_path / "tiny", "train", list(pairs(60)))
    corpus = find_pairs(DATA)
    assert corpus is not None
    train, dev, test = (list(text.read()) for text in (corpus.train[0], corpus.dev, corpus.test))
    assert dev == list(pairs(5)) and test and sorted(train + test) == sorted(pairs(60))
    assert "held out" in corpus.train[0].origin


def test_the_mirror_may_hold_jsonl_and_more_references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _sides(tmp_path / "tiny", "train", list(pairs(5)))
    for split in ("dev", "test"):
        (tmp_path / "tiny" / f"{split}.jsonl").write_text('{"fr": "un", "en": "one"}\n', encoding="utf-8")
    rows = [{"fr": "un", "refs": ["one", "an"]}, {"en": "one", "refs": ["un"]}, {"fr": "un", "refs": ["a"]}]
    references = tmp_path / "tiny" / "test.refs.jsonl"
    references.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    monkeypatch.setenv("SEQX_DATA", str(tmp_path))
    corpus = find_pairs(DATA)
    assert corpus is not None
    assert list(corpus.test.read()) == [("un", "one")]
    assert (corpus.dev.references, corpus.test.references) == ({}, {"un": ["one", "an", "a"]})
    references.write_text('{"fr": "un", "refs": "one"}\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"test\.refs\.jsonl, line 1: write it as"):
        find_pairs(DATA)


def test_dev_and_test_are_held_out_where_they_are_not_given(tmp_path: Path) -> None:
    everything = list(pairs(1000))
    corpus = find_pairs(DATA, {"train": _sides(tmp_path, "train", everything)})
    assert corpus is not None
    parts = [list(part.read()) for part in (corpus.train[0], corpus.dev, corpus.test)]
    assert [len(part) for part in parts] == [960, 20, 20]
    assert sorted(pair for part in parts for pair in part) == sorted(everything)
    assert len({part.checksum() for part in (corpus.train[0], corpus.dev, corpus.test)}) == 3


@pytest.mark.parametrize("split", ["dev", "test"])
def test_only_what_is_missing_is_held_out(tmp_path: Path, split: str) -> None:
    everything, own = list(pairs(500)), list(pairs(7, seed=2))
    corpus = find_pairs(DATA, {"train": _sides(tmp_path, "train", everything), split: _sides(tmp_path, split, own)})  # type: ignore[dict-item]
    assert corpus is not None
    given, carved = (corpus.dev, corpus.test) if split == "dev" else (corpus.test, corpus.dev)
    assert list(given.read()) == own
    assert len(list(carved.read())) == 10
    assert sorted([*corpus.train[0].read(), *carved.read()]) == sorted(everything)


def test_given_dev_and_test_leave_training_text_whole(tmp_path: Path) -> None:
    given = {split: _sides(tmp_path, split, list(pairs(50, seed))) for seed, split in enumerate(SPLITS)}
    corpus = find_pairs(DATA, given)
    assert corpus is not None
    assert list(corpus.train[0].read()) == list(pairs(50, 0))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dev": ("s", "t", None)}, "files were given for dev, none to train on: give --source-file and --target-file"),
        ({"train": ("s", None, None)}, r"train: .*s is the source side alone; give the target file too"),
        (
            {"train": ("s", "t", None), "test": (None, "t", None)},
            r"test: .*t is the target side alone; give the source",
        ),
        ({"train": ("s", "t", "p.tsv")}, r"train: .*p\.tsv holds both sides; give it alone"),
        (
            {"train": (None, None, "p.tsv")},
            r"p\.tsv: no pair for train is left of 2 distinct pairs where dev and test are held out; give more text",
        ),
    ],
)
def test_files_that_do_not_add_up(tmp_path: Path, given: dict[SplitName, tuple[str | None, ...]], message: str) -> None:
    for name in ("s", "t"):
        (tmp_path / name).write_text("a\n" * 50, encoding="utf-8")
    (tmp_path / "p.tsv").write_text("a\tb\nc\td\n", encoding="utf-8")
    named: dict[SplitName, Given] = {}
    for split, (source, target, both) in given.items():
        sides = (tmp_path / name if name else None for name in (source, target))
        named[split] = Given(*sides, data=(tmp_path / both,) if both else ())
    with pytest.raises(DataError, match=message):
        find_pairs(DATA, named)


def test_broken_files_are_found_before_training(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_text("no tab here\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 1: no tab"):
        find_pairs(DATA, {"train": Given(data=(path,))})


def test_carving_does_not_depend_on_order_and_keeps_equal_pairs_together() -> None:
    everything = [*pairs(300), *pairs(200), ("", "blank"), ("blank", " ")]
    forward, backward = held_out(text(everything)), held_out(text(everything[::-1]))
    sets = {split: set(forward[split].read()) for split in SPLITS}
    assert sets == {split: set(backward[split].read()) for split in SPLITS}
    assert sum(map(len, sets.values())) == len(set.union(*sets.values())) == 302
    assert sum(len(list(part.read())) for part in forward.values()) == 502
    assert {("", "blank"), ("blank", " ")} <= sets["train"]


@pytest.mark.parametrize("times", [10, 50])
def test_repeated_pairs_hold_out_no_more(times: int) -> None:
    once = list(pairs(400))
    parts = {split: list(part.read()) for split, part in held_out(text(once * times)).items()}
    assert [len(set(parts[split])) for split in SPLITS] == [384, 8, 8]
    assert [len(parts[split]) for split in SPLITS] == [384 * times, 8 * times, 8 * times]
    assert {split: set(part.read()) for split, part in held_out(text(once)).items()} == {
        split: set(part) for split, part in parts.items()
    }


def test_too_few_distinct_pairs_are_an_error_that_says_so() -> None:
    with pytest.raises(DataError, match="sample: no pair for train is left of 2 distinct pairs where dev and test are"):
        list(held_out(text([("a", "b"), ("c", "d"), ("", "x")] * 1000))["dev"].read())


def test_the_checksums_of_a_split_change_where_the_split_does() -> None:
    """A run that was begun on the split of an earlier version must not be given another one."""

    def of_files(of: list[Pair], split: str) -> str | None:
        part = held_out(text(of))[split]  # type: ignore[index]
        return part.files() if part.files else None

    def earlier(of: list[Pair], split: str) -> str:
        described = f"{text(of).checksum()} {split} part, dev and test held out"
        return hashlib.sha256(described.encode()).hexdigest()

    once = list(pairs(400))
    same, other = [*once, once[0]], once * 2
    for split in SPLITS:
        assert of_files(once, split) == earlier(once, split)
        assert of_files(same, split) == earlier(same, split)
        assert of_files(other, split) != earlier(other, split)


def test_carving_takes_two_thousand_pairs_at_most() -> None:
    parts = held_out(text((str(number), str(number)) for number in range(101_000)))
    assert [len(list(parts[split].read())) for split in SPLITS] == [97_000, 2000, 2000]


def test_the_smallest_text_that_can_be_carved_has_three_pairs() -> None:
    parts = held_out(text([("a", "b"), ("c", "d"), ("e", "f")]))
    assert [len(list(parts[split].read())) for split in SPLITS] == [1, 1, 1]


def test_a_record_names_origins_and_checksums(tmp_path: Path) -> None:
    corpus = find_pairs(DATA, {"train": _sides(tmp_path, "train", list(pairs(60)))})
    assert corpus is not None
    record = json.loads(json.dumps(corpus.record()))
    assert (record["name"], record["found"]) == ("files", "files")
    assert {len(part["sha256"]) for part in (*record["train"], record["dev"], record["test"])} == {64}


def test_no_other_languages_are_bundled() -> None:
    with pytest.raises(DataError, match="bundled phrasebook is fr-en, not de-en: name files or another corpus"):
        find_pairs(recipe.Data(source="de"))


def test_the_phrasebook_is_found_by_name_and_reversed() -> None:
    corpus, reversed_corpus = find_pairs(recipe.Data()), find_pairs(recipe.Data(source="en", target="fr"))
    assert corpus is not None
    assert reversed_corpus is not None
    assert corpus.found == "bundled"
    dev = list(corpus.dev.read())
    assert dev
    assert [pair[::-1] for pair in reversed_corpus.dev.read()] == dev
    assert not set(dev) & set(corpus.test.read())


@pytest.mark.skipif(
    not Path(MIRROR, "tatoeba").is_dir() or not MIRROR, reason="SEQX_DATA names no folder with tatoeba/"
)
def test_tatoeba_is_found_in_the_mirror(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", MIRROR)
    corpus = find_pairs(recipe.Data(corpus="tatoeba"))
    assert corpus is not None
    assert corpus.found == "mirror"
    test = list(corpus.test.read())
    assert len(test) == 2000
    assert all(target in corpus.test.references[source] for source, target in test)
