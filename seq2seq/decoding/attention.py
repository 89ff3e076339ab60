"""What a model attends to as it reads a text: tokens and arrays, layer by layer. No torch here.

Shapes: H heads, T queries, S keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from seq2seq.data.tokenizer import SPECIAL

if TYPE_CHECKING:
    from seq2seq.model.recording import AttentionKind

KINDS: dict[AttentionKind, str] = {
    "cross": "cross-attention",
    "decoder": "self-attention of the decoder",
    "encoder": "self-attention of the encoder",
}
_DIGITS = 7  # decimals of a record, as many as float32 has
_NAMES = {" ": "␣", "\n": "⏎", "\t": "⇥"}


@dataclass(frozen=True)
class AttentionMap:
    """One kind of attention in every layer."""

    kind: AttentionKind
    queries: tuple[str, ...]  # T tokens, as written in the vocabulary: each query's position has just read this one
    keys: tuple[str, ...]  # S tokens: what is attended to
    predicted: tuple[str, ...]  # T tokens: what each position predicts, "" where nothing; none where nothing is
    layers: tuple[NDArray[np.float32], ...]  # (H, T, S) each; rows sum to 1
    mask: NDArray[np.bool_]  # (T, S), True where a query may attend

    def weights(self, layer: int | None = None, head: int | None = None) -> NDArray[np.float32]:
        """The weights (T, S) of a head of a layer, both counted from 1; None takes the mean over all of them."""
        chosen = self.layers if layer is None else self.layers[layer - 1 : layer]
        heads = [each.mean(0) if head is None else each[head - 1] for each in chosen]
        return np.mean(heads, axis=0)  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Attention:
    """What a model attended to as it read a text, and what it then wrote."""

    text: str
    output: str  # a translation, a continuation, an answer, a class or a reward; "" where there is none
    cross: AttentionMap | None = None  # of the decoder to the encoder's states
    decoder: AttentionMap | None = None  # of a decoder, or of a decoder-only model, to itself: no key after its query
    encoder: AttentionMap | None = None  # of an encoder to itself

    @property
    def maps(self) -> tuple[AttentionMap, ...]:
        """All that there are: cross, decoder, encoder."""
        return tuple(each for each in (self.cross, self.decoder, self.encoder) if each is not None)

    def record(self) -> dict[str, Any]:
        """All of it as plain data, for JSON: `text`, `output`, and `maps`, each with `kind`, `queries`, `keys`,
        `predicted`, `mask` (T lists of S) and `layers` (one list for each layer, of H heads, of T lists of S weights).
        """
        return {"text": self.text, "output": self.output, "maps": [_record(each) for each in self.maps]}


def shown(pieces: Sequence[str]) -> list[str]:
    """Tokens as a reader sees them: words without the mark of the blank before them, the rest of a word after `…`, and
    characters that cannot be seen by a name."""
    letters = all(len(piece) <= 1 or piece.startswith("<") for piece in pieces)
    found, before = [], ""
    for piece in pieces:
        spelt = piece.replace("\u2581", " ")
        joined = not letters and spelt[:1].isalnum() and before[-1:].isalnum()
        found.append(("…" if joined else "") + _visible(spelt.strip(" ") or spelt))
        before = "" if piece in SPECIAL else spelt
    return found


def plain(text: str) -> str:
    """A text in which characters that cannot be seen are written as escapes; white space stays."""
    return "".join(each if each.isprintable() or each.isspace() else _escape(each) for each in text)


def _visible(text: str) -> str:
    return "".join(_NAMES.get(each) or (each if each.isprintable() else _escape(each)) for each in text or " ")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _record(found: AttentionMap) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "queries": list(found.queries),
        "keys": list(found.keys),
        "predicted": list(found.predicted),
        "mask": found.mask.tolist(),
        "layers": [[[_rounded(row) for row in head] for head in layer] for layer in found.layers],
    }


def _rounded(row: NDArray[np.float32]) -> list[float]:
    return [round(weight, _DIGITS) for weight in row.tolist()]
