"""What every peer is given: sizes, text and a trained model, as files that need nothing of seqx to be read."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PAD, UNKNOWN, BOS, EOS = range(4)

Done = Callable[[int], None]  # told after each update how many target tokens it had, ends counted, padding not
Translate = Callable[[Sequence[str]], list[str]]
Pairs = list[tuple[list[int], list[int]]]


@dataclass(frozen=True)
class Setting:
    """One measurement of one peer."""

    text: str  # folder made by `prepare`
    scratch: str  # folder of the peer's own
    run: str  # run folder whose model translates; "" where none is
    precision: str
    threads: int
    d_model: int = 256
    d_ff: int = 1024
    layers: int = 3
    heads: int = 4
    vocabulary: int = 8000
    dropout: float = 0.1
    label_smoothing: float = 0.1
    batch_tokens: int = 4096  # sentences x longest side, ends counted
    learning_rate: float = 5e-4
    beam_size: int = 5
    length_penalty: float = 1.0
    batch_sentences: int = 64  # translated at once, where a peer does not know better

    def pairs(self) -> Pairs:
        """Token ids of the training pairs, without BOS and EOS."""
        return [(source, target) for source, target in json.loads(self.file("pairs.json").read_bytes())]

    def file(self, name: str) -> Path:
        return Path(self.text) / name

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")


def read(path: Path) -> Setting:
    values: dict[str, Any] = json.loads(path.read_bytes())
    return Setting(**values)
