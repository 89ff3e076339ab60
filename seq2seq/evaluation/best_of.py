"""Best-of-n: of n completions of a prompt, the one with the highest reward. Its divergence from the model that drew
them is known, ln n - (n - 1) / n nats (Stiennon et al., 2020, appendix G.3), which makes it the baseline of any policy.

Shapes: P prompts, N completions of each.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def divergence(n: int) -> float:
    """The KL divergence of best-of-n from the model, in nats; a bound where two rewards can be equal."""
    return math.log(n) - (n - 1) / n


def best_of(rewards: Tensor, gold: Tensor | None) -> list[dict[str, Any]]:
    """Rewards and gold (P, N) -> for n = 1, 2, 4, ... up to N: `n`, `kl`, and the expected `reward` and `gold` of the
    best by reward among n that are drawn from the N without replacement, so that all of them count for every n."""
    count = rewards.size(1)
    ranked, order = rewards.double().sort(dim=1)
    by_rank = None if gold is None else gold.double().gather(1, order).mean(0)
    rows = []
    for n in sorted({*(2**power for power in range(count.bit_length())), count}):
        if n > count:
            continue
        # The chance that the completion of a rank is the best of n: the others are all among those below it.
        chances = torch.tensor([math.comb(rank, n - 1) / math.comb(count, n) for rank in range(count)]).double()
        row = {"n": n, "kl": divergence(n), "reward": float(ranked.mean(0) @ chances)}
        rows.append(row | ({} if by_rank is None else {"gold": float(by_rank @ chances)}))
    return rows
