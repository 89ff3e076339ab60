"""The class head of a copy, which CTranslate2 does not compute: pooling and a product, in NumPy.

Shapes: B batch, S sequence, C model width, K classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

FILE = "head.safetensors"  # beside a model.bin

Array = NDArray[np.float32]


class CopiedClassHead(NamedTuple):
    """From the states of an encoder to probabilities."""

    weight: Array  # (K, C)
    bias: Array  # (K,)

    def save(self, folder: Path) -> None:
        """Write the head into the folder of a precision."""
        (folder / FILE).write_bytes(save(self._asdict()))

    @classmethod
    def read(cls, folder: Path, classes: int) -> CopiedClassHead:
        """The head in the folder of a precision. Raises ValueError where it is damaged, or of other classes."""
        try:
            (folder / FILE).open("rb").close()  # safetensors reports a file without permission as missing
            arrays = load_file(folder / FILE)
            head = cls(arrays["weight"], arrays["bias"])
        except (SafetensorError, KeyError) as error:
            raise ValueError(f"{FILE} is damaged ({error!r})") from error
        shapes = (head.weight.shape[:1], head.weight.ndim, head.bias.shape)
        if shapes != ((classes,), 2, (classes,)) or not head.weight.dtype == head.bias.dtype == np.float32:
            raise ValueError(f"{FILE} has {head.weight.dtype} {head.weight.shape}, where {classes} classes fit")
        return head

    def probabilities(self, pooled: Array) -> Array:
        """Pooled states (B, C) -> probabilities (B, K)."""
        logits = pooled @ self.weight.T + self.bias
        powers = np.exp(logits - logits.max(-1, keepdims=True))
        shares: Array = powers / powers.sum(-1, keepdims=True)
        return shares


def mean(states: Array, lengths: NDArray[np.int32]) -> Array:
    """The mean (B, C) of the first states, as many as `lengths` (B,) says, of each row of states (B, S, C)."""
    counted = np.arange(states.shape[1]) < lengths[:, None]
    weights = counted / lengths[:, None].astype(np.float32)  # (B, S)
    means: Array = (weights[:, None].astype(np.float32) @ states)[:, 0]
    return means
