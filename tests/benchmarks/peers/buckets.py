"""Batches of pairs of like length, as a user of a bare library writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator

import torch
from torch import Tensor

from tests.benchmarks.peers.setting import EOS, PAD, Pairs


def batches(pairs: Pairs, batch_tokens: int, seed: int = 1) -> Iterator[tuple[Tensor, Tensor]]:
    """Sources and targets, each ended and padded, (B, S) and (B, T), for ever: sentences x longest side is at most the
    budget; every epoch shuffles pairs before they are sorted by length, and batches after."""
    draw = random.Random(seed)
    while True:
        order = draw.sample(pairs, len(pairs))
        order.sort(key=lambda pair: (max(map(len, pair)), len(pair[0])))
        cut: list[Pairs] = [[]]
        for pair in order:
            if (len(cut[-1]) + 1) * (max(map(len, pair)) + 1) > batch_tokens:
                cut.append([])
            cut[-1].append(pair)
        draw.shuffle(cut)
        for group in cut:
            yield padded([source for source, _ in group]), padded([target for _, target in group])


def padded(rows: list[list[int]], end: int = EOS, fill: int = PAD) -> Tensor:
    longest = max(map(len, rows)) + 1
    return torch.tensor([[*row, end, *[fill] * (longest - len(row) - 1)] for row in rows])


def shifted(target: Tensor, start: int) -> Tensor:
    """What a decoder reads: `start`, then all but the last."""
    return torch.cat((torch.full_like(target[:, :1], start), target[:, :-1]), dim=1)
