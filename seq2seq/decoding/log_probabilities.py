"""Log-probabilities of given tokens. Shapes: B sequences, T tokens, V vocabulary."""

from __future__ import annotations

from torch import Tensor


def label_log_probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Logits (B, T, V) and labels (B, T) -> the natural-log probability of each label, (B, T), in float32."""
    return logits.float().log_softmax(-1).gather(-1, labels[..., None]).squeeze(-1)
