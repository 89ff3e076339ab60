"""Verification of a classifier's CTranslate2 copy against PyTorch: float32 must compute the same; int8 is used only
where it seldom gives another class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seq2seq.data.labelled_rows import Rows
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.classification.classify import Engine, TextClassifier
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2.classifier import load
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy
from seq2seq.interop.ctranslate2.verify import Verified

CHECKED = 1000  # texts
_BATCH = 1024  # tokens
_MAX_DIFFERENCE = 1e-4  # of a probability in float32
_MIN_SAME = 0.99  # fraction of texts that int8 gives the same class


@dataclass(frozen=True)
class VerifiedClassifier(Verified):
    """How the copy of a classifier was verified."""

    texts: int
    difference: float  # largest of a probability in float32
    same: dict[str, int]  # by precision: texts with the same class as by PyTorch

    def __str__(self) -> str:
        same = ", ".join(f"{count:,} in {precision}" for precision, count in self.same.items())
        return (
            f"CTranslate2 copy: {self.sizes}; of {self.texts:,} texts, these have the class that PyTorch gives them: "
            f"{same}; {self.precision} serves by default"
        )


def verify_classifier(
    copy: Copy,
    path: Path,
    plain: Engine,
    classes: Sequence[str],
    tokenizers: Tokenizers,
    rows: Rows,
    texts: Sequence[tuple[str, ...]],
) -> VerifiedClassifier:
    """Compare the probabilities of the first texts with those of `plain`: PyTorch's, in float32 on the CPU.

    Raises RunError where float32 is not the same but for rounding, or there is no text.
    """
    engines = {
        precision: load(copy, precision, "cpu", 1, tokens=tokenizers.source.size, classes=len(classes))
        for precision in PRECISIONS
    }
    computed = {
        name: TextClassifier(engine, classes, tokenizers, rows, batch_tokens=_BATCH).probabilities(texts[:CHECKED])[0]
        for name, engine in {"PyTorch": plain, **engines}.items()
    }
    judged = ~np.isnan(computed["PyTorch"][:, 0])  # the others are blank
    expected = computed.pop("PyTorch")[judged]
    if not len(expected):
        raise RunError(f"{path}: no text to check a CTranslate2 copy on; its test set is empty")
    given = expected.argmax(1)
    same = {name: int((found[judged].argmax(1) == given).sum()) for name, found in computed.items()}
    difference = float(np.abs(computed["float32"][judged] - expected).max())
    if difference > _MAX_DIFFERENCE:
        raise RunError(
            f"{path} keeps the PyTorch engine: CTranslate2 gives {same['float32']:,} of {len(given):,} texts the same "
            f"class, and probabilities differ by up to {difference:.1e}"
        )
    default = "int8" if same["int8"] >= _MIN_SAME * len(given) else "float32"
    return VerifiedClassifier(default, copy.sizes(), len(given), difference, same)
