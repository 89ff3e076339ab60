"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from seq2seq.data.corpus import Corpus
from seq2seq.data.pairs import file_pair
from tests.support import tiny


@pytest.fixture(scope="module", autouse=True)
def _own_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads the runs of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(tmp_path_factory.mktemp("runs")))
        yield


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Sentence pairs in files; tests must not change them."""
    folder = tmp_path_factory.mktemp("corpus")
    texts = [
        file_pair(*tiny.write_pairs(folder, name, tiny.pairs(count, seed)))
        for name, count, seed in (("train", 200, 1), ("dev", 12, 2), ("test", 12, 3))
    ]
    return Corpus("tiny", "files", (texts[0],), texts[1], texts[2])
