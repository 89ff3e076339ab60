"""What the tests of training share."""

from __future__ import annotations

from pathlib import Path

import pytest

from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import file_pair
from tests.support import tiny


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Corpus:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path / "runs"))
    texts = [
        file_pair(*tiny.write_pairs(tmp_path, name, tiny.pairs(count, seed)))
        for name, count, seed in (("train", 200, 1), ("dev", 12, 2), ("test", 12, 3))
    ]
    return Corpus("tiny", "files", (texts[0],), texts[1], texts[2])
