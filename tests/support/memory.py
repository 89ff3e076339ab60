"""Encode N made-up pairs and go through their batches once; print the resident memory that each added, in MB."""

from __future__ import annotations

import resource
import sys
import tempfile
from itertools import takewhile
from pathlib import Path

from seq2seq import recipe
from seq2seq.data import tokenizers
from seq2seq.data.batches import Batches
from seq2seq.data.encoded import encode
from seq2seq.data.pairs import PairSource
from seq2seq.data.tokenizers import Tokenizers
from tests.support.samples import pairs


def measure(count: int) -> tuple[float, float]:
    """MB added by encoding, and by encoding and one epoch of batches."""
    few = [side for pair in pairs(3000) for side in pair]
    trained = tokenizers.train(recipe.Tokenizer(vocabulary_size=1000), few)
    both = Tokenizers(trained, trained)
    made = PairSource("made up", lambda: pairs(count), lambda: str(count))
    start = _peak()
    with tempfile.TemporaryDirectory() as folder:
        encoded = encode([made], both, Path(folder), max_length=128, max_ratio=4.0)
        after_encoding = _peak() - start
        seen = 0
        for _, batch in takewhile(
            lambda found: found[0].epoch == 0, Batches(encoded, both, batch_tokens=8192, seed=1).stream()
        ):
            seen += len(batch.labels)
        assert seen == encoded.report["kept"] > 0.99 * count
    return after_encoding, _peak() - start


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    sys.stdout.write(" ".join(f"{value:.0f}" for value in measure(int(sys.argv[1]))) + "\n")
