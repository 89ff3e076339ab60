"""Classes of texts by the CTranslate2 copy of an encoder; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ctranslate2
import numpy as np
from numpy.typing import NDArray

from seq2seq.data.tokenizer import EOS
from seq2seq.interop.ctranslate2 import class_head
from seq2seq.interop.ctranslate2.class_head import CopiedClassHead
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.loading import damage_reported, open_model, read_vocabularies, run_errors


class CTranslate2ClassEngine:
    """The opened copy of an encoder, with its class head."""

    def __init__(self, model: Any, head: CopiedClassHead, *, first: bool) -> None:
        self._model = model
        self._head = head
        self._first = first

    def probabilities(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """See `seq2seq.decoding.classification.classify.Engine`. Raises RunError where CTranslate2 cannot compute the
        model."""
        lengths = np.array([len(row) + 1 for row in rows], np.int32)
        tokens = np.full((len(rows), int(lengths.max())), EOS, np.int32)  # what follows a row's EOS is not read
        for place, row in zip(tokens, rows):
            place[: len(row)] = row
        with run_errors():
            views = (ctranslate2.StorageView.from_array(array) for array in (tokens, lengths))
            found = self._model.forward_batch(*views).last_hidden_state
            states = np.asarray(found.to_device(ctranslate2.Device.cpu))  # (B, S, C)
            return self._head.probabilities(states[:, 0] if self._first else class_head.mean(states, lengths))


def load(copy: Copy, precision: str, device: str, workers: int, *, tokens: int, classes: int) -> CTranslate2ClassEngine:
    """The engine of a classifier's copy, with a tokenizer of `tokens` and a number of classes; it takes `workers`
    batches at a time, from as many threads. Raises as `open_model`."""
    vocabularies = read_vocabularies(copy, precision)
    with damage_reported(copy, precision):
        if len(vocabularies[0].all_words) != tokens:
            raise ValueError(f"its vocabulary has {len(vocabularies[0].all_words)} tokens, the tokenizer {tokens}")
        head = CopiedClassHead.read(copy.model(precision), classes)
    model = open_model(copy, precision, vocabularies, device, workers)
    return CTranslate2ClassEngine(model, head, first=copy.settings.pooling == "first")
