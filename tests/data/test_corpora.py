"""Several corpora of pairs as one."""

from __future__ import annotations

from itertools import chain, islice
from pathlib import Path

import numpy as np
import pytest

from seq2seq import recipe
from seq2seq.data import corpora
from seq2seq.data.batches import Batches, Place
from seq2seq.data.corpora import shares
from seq2seq.data.encoded import encode
from seq2seq.data.noise import SourceNoise
from seq2seq.data.order import Mixed
from seq2seq.data.tokenizers import Bytes, Tokenizers
from seq2seq.errors import DataError, MissingCorpusError
from tests.support import tiny
from tests.support.samples import pairs, text

NAMED = recipe.NamedCorpus
BOTH = Tokenizers(*[Bytes()] * 2)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with `talk`, which has every split, and `news`, which has text to train on alone."""
    root = tmp_path / "mirror"
    for seed, split in enumerate(("train", "dev", "test")):
        (root / "talk").mkdir(parents=True, exist_ok=True)
        tiny.write_pairs(root / "talk", split, list(pairs(30, seed=seed)))
    (root / "news").mkdir()
    tiny.write_pairs(root / "news", "train", list(pairs(200, seed=9)))
    monkeypatch.setenv("SEQX_DATA", str(root))
    return root


def data(*named: recipe.NamedCorpus) -> recipe.Data:
    """A recipe's data of several corpora."""
    return recipe.Data(corpora=named)


def test_each_is_found_by_itself_and_a_missing_one_is_named(mirror: Path) -> None:
    mixed = corpora.find(data(NAMED(name="talk", share=0.3), NAMED(name="gone", share=0.5), NAMED(name="news")))
    assert mixed.name == "talk + news"
    assert [reason.startswith("corpus gone is not under $SEQX_DATA") for reason in mixed.missing] == [True]
    assert mixed.shares == (0.3, None)
    assert [name for name, _ in mixed.dev.by_kind()] == [name for name, _ in mixed.test.by_kind()] == ["talk", "news"]
    assert list(mixed.dev.by_kind()[0][1].read()) == list(pairs(30, seed=1))
    news = (mixed.train[1], mixed.dev.by_kind()[1][1], mixed.test.by_kind()[1][1])
    train, dev, test = (list(source.read()) for source in news)
    assert dev and test and sorted(train + dev + test) == sorted(pairs(200, seed=9))
    assert "missing" in mixed.record()


def test_what_is_not_judged_is_trained_on_whole_and_may_be_the_only_one_missing(mirror: Path) -> None:
    mixed = corpora.find(data(NAMED(name="talk"), NAMED(name="news", judged=False, pairs=150)))
    assert list(mixed.train[1].read()) == list(islice(pairs(200, seed=9), 150))
    assert not mixed.dev.kinds
    with pytest.raises(MissingCorpusError, match="corpus gone is not under"):
        corpora.find(data(NAMED(name="gone"), NAMED(name="news", judged=False)))


def test_files_are_a_corpus_and_unreadable_ones_are_an_error(mirror: Path, tmp_path: Path) -> None:
    source, target = tiny.write_pairs(tmp_path, "own", list(pairs(60, seed=4)))
    table = tmp_path / "own.tsv"
    table.write_text("".join(f"{one}\t{other}\n" for one, other in pairs(60, seed=5)), encoding="utf-8")
    sides, tables = NAMED(name="sides", files=(str(source), str(target))), NAMED(name="table", files=(str(table),))
    mixed = corpora.find(data(sides, tables))
    for index, seed in enumerate((4, 5)):
        parts = (mixed.train[index], mixed.dev.by_kind()[index][1], mixed.test.by_kind()[index][1])
        assert sorted(chain.from_iterable(part.read() for part in parts)) == sorted(pairs(60, seed=seed))
    with pytest.raises(DataError, match=r"absent\.tsv"):
        corpora.find(data(NAMED(name="talk"), NAMED(name="x", files=(str(tmp_path / "absent.tsv"),))))


def test_the_dev_text_of_one_is_not_trained_on_in_another(mirror: Path, tmp_path: Path) -> None:
    dev = list(pairs(30, seed=1))
    tiny.write_pairs(mirror / "news", "train", [*pairs(200, seed=9), (f"« {dev[3][0].upper()} »", "other")])
    mixed = corpora.find(data(NAMED(name="talk", tag="<talk>"), NAMED(name="news", tag="<news>")))
    encoded = encode(mixed.train, BOTH, tmp_path, max_length=999, max_ratio=99, held_out=(mixed.dev, mixed.test))
    assert encoded.report["sources"][1]["dropped"] == {"in dev or test": 1}
    assert sum(encoded.sizes) == len(encoded)
    first = BOTH.source.decode([encoded[0][0].tolist(), encoded[encoded.sizes[0]][0].tolist()])
    assert [line.split()[0] for line in first] == ["<talk>", "<news>"]


def test_first_is_of_each_kind(mirror: Path) -> None:
    mixed = corpora.find(data(NAMED(name="talk"), NAMED(name="news"))).judged_on(2)
    assert [len(list(source.read())) for _, source in mixed.dev.by_kind()] == [2, 2]
    assert len(list(mixed.dev.read())) == 4


def test_noisy_batches_of_a_mixture_begin_anywhere_as_if_they_had_not_stopped(tmp_path: Path) -> None:
    sources = [text(pairs(80, seed=1)), text(pairs(20, seed=2))]
    encoded = encode(sources, BOTH, tmp_path, max_length=400, max_ratio=99)

    def batches(noisy: bool = True) -> Batches:
        return Batches(
            encoded,
            BOTH,
            batch_tokens=1000,
            seed=1,
            max_length=400,
            order=Mixed(encoded.sizes, shares(encoded.sizes, [None, 0.5], 1.0), 1, chunk=30),
            noise=SourceNoise(recipe.Noise(upper_case=0.5)) if noisy else None,
        )

    whole = list(islice(batches().stream(Place()), 60))
    assert len({place.epoch for place, _ in whole}) > 1
    for start in range(0, 50, 7):
        place, batch = next(batches().stream(whole[start][0]))
        assert place == whole[start][0]
        for part, expected in zip(batch.inputs, whole[start][1].inputs, strict=True):
            assert (part is None) == (expected is None) and (part is None or part.equal(expected))
    sources_only = [
        "".join(BOTH.source.decode(batch.inputs[0].tolist())) for _, batch in islice(batches().stream(Place()), 20)
    ]
    capitals = np.mean([char.isupper() for char in "".join(sources_only) if char.isalpha()])
    assert 0.4 < capitals < 0.6
    targets = ["".join(BOTH.target.decode(batch.labels.tolist())) for _, batch in islice(batches().stream(Place()), 20)]
    assert not any(char.isupper() for char in "".join(targets))


def test_cleaning_is_of_all_corpora_of_one_or_of_none(mirror: Path, tmp_path: Path) -> None:
    rows = [*pairs(50, seed=5), *pairs(50, seed=5), ("12345", "12345"), ("un deux", "")]
    (tmp_path / "own.tsv").write_text("".join(f"{one}\t{other}\n" for one, other in rows), encoding="utf-8")
    own = NAMED(name="own", files=(str(tmp_path / "own.tsv"),), judged=False)
    talk = NAMED(name="talk")

    def kept(of: recipe.Data) -> list[dict[str, object]]:
        mixed = corpora.find(of)
        report = encode(mixed.train, BOTH, tmp_path / "cache", max_length=999, max_ratio=99).report
        return [{"read": part["read"], "kept": part["kept"], **part["dropped"]} for part in report["sources"]]

    plain = {"read": 102, "kept": 101, "blank": 1}
    clean = {"read": 102, "kept": 50, "blank": 1, "duplicates": 50, "min_letters": 1}
    assert kept(data(talk, own))[1] == plain
    assert kept(recipe.Data(corpora=(talk, own), cleaning=recipe.Cleaning()))[1] == clean
    off = own.model_copy(update={"cleaning": False})
    assert kept(recipe.Data(corpora=(talk, off), cleaning=recipe.Cleaning()))[1] == plain
    on = own.model_copy(update={"cleaning": recipe.Cleaning(duplicates=False, near_duplicates=False)})
    assert kept(data(talk, on))[1] == {"read": 102, "kept": 100, "blank": 1, "min_letters": 1}


def test_one_pair_that_is_not_judged_is_enough(mirror: Path, tmp_path: Path) -> None:
    (tmp_path / "one.tsv").write_text("un chat\tone cat\n")
    one = NAMED(name="one", files=(str(tmp_path / "one.tsv"),), judged=False)
    mixed = corpora.find(data(NAMED(name="talk"), one))
    assert list(mixed.train[1].read()) == [("un chat", "one cat")]
    with pytest.raises(DataError, match="no pair"):
        list(corpora.find(data(NAMED(name="talk"), one.model_copy(update={"judged": True}))).train[1].read())
