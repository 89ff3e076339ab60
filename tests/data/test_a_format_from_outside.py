"""A file format that the library does not have: TMX, which translators' tools write their memories in."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from seq2seq.data.corpus import Given
from seq2seq.data.lines import PLAIN, Reading, read_lines
from seq2seq.data.pairs import Pair, PairKind, PairSource
from seq2seq.data.sources import find
from seq2seq.data.tables import suffix_of
from seq2seq.errors import DataError
from seq2seq.recipe import Data
from seq2seq.storage.checksums import checksum

_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"


class TmxKind(PairKind):
    """Sentence pairs, from .tmx too."""

    suffixes = (*PairKind.suffixes, ".tmx")

    def file(self, path: Path, reading: Reading) -> PairSource:
        if suffix_of(path) != ".tmx":
            return super().file(path, reading)
        self.must_be_readable(path)
        return self.source(str(path), lambda: self._units(path, reading), lambda: checksum(path))

    def _units(self, path: Path, reading: Reading) -> Iterator[Pair]:
        parser = ElementTree.XMLPullParser(["end"])
        for line in read_lines(path, reading):
            parser.feed(line + "\n")
            for _, element in parser.read_events():
                if element.tag == "tu":  # a translation unit
                    texts = {variant.get(_LANGUAGE): variant.findtext("seg", "") for variant in element.iter("tuv")}
                    yield texts[self.data.source], texts[self.data.target]
                    element.clear()


PAIRS = [(f"le chat {number}", f"the cat {number}") for number in range(60)]
DATA = Data(corpus="memory")


def tmx(pairs: list[Pair]) -> bytes:
    units = (
        f'<tu><tuv xml:lang="en"><seg>{target}</seg></tuv>\n<tuv xml:lang="fr"><seg>{source}</seg></tuv></tu>\n'
        for source, target in pairs
    )
    return f'<?xml version="1.0"?>\n<tmx><body>{"".join(units)}</body></tmx>\n'.encode()


@pytest.mark.parametrize("name", ["pairs.tmx", "pairs.tmx.gz"])
def test_it_is_read_hashed_and_held_out_as_any_other(tmp_path: Path, name: str) -> None:
    path, table = tmp_path / name, tmp_path / "pairs.tsv"
    path.write_bytes(gzip.compress(tmx(PAIRS)) if name.endswith(".gz") else tmx(PAIRS))
    table.write_text("".join("\t".join(pair) + "\n" for pair in PAIRS), encoding="utf-8")
    source, same = (TmxKind(DATA).file(each, PLAIN) for each in (path, table))
    assert list(source.read()) == list(same.read()) == PAIRS
    assert source.checksum() == same.checksum()
    corpus = find(TmxKind(DATA), {"train": Given(data=(path,))})
    parts = [list(part.read()) for part in (corpus.train[0], corpus.dev, corpus.test)]
    assert all(parts) and sorted(pair for part in parts for pair in part) == sorted(PAIRS)


def test_a_kind_without_it_refuses_it(tmp_path: Path) -> None:
    path = tmp_path / "pairs.tmx"
    path.write_bytes(tmx(PAIRS))
    with pytest.raises(DataError, match="pairs are read from"):
        PairKind(DATA).file(path, PLAIN)
