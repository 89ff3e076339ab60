"""What --device auto goes by: a step of the recipe itself, timed where auto has to choose."""

from __future__ import annotations

from math import inf

import torch

from seq2seq import device, recipe
from seq2seq.checkup import agreement, random_batches
from seq2seq.checkup.bench import Bench
from seq2seq.checkup.timing import Stopwatch
from seq2seq.device import Attempt, Trial
from seq2seq.errors import DeviceError
from seq2seq.tasks import models

_CHEAP = 5e11  # floating-point operations of a step that may be tried before training
_STOPWATCH = Stopwatch(1.0, most=10)


def attempt(wanted: recipe.Recipe) -> Attempt:
    """What `device.choose` tries on a device: a training step of this recipe, and on a GPU whether it computes as the
    CPU does. A recipe whose step is not cheap is stood in for by a stack of layers."""

    def tried(where: torch.device) -> Trial:
        if 6 * parameters(wanted) * wanted.training.batch_tokens > _CHEAP:
            return Trial(device.stack_seconds(where))
        try:
            with device.random_kept(where):
                bench = Bench(wanted, device.numerics(where, wanted.training.precision))
                seconds = bench.training(wanted.training.batch_tokens, _STOPWATCH).timing.median
                return Trial(seconds, "" if where.type == "cpu" else agreement.compare(wanted, where).fault)
        except (RuntimeError, DeviceError) as error:
            return Trial(inf, first_line(error))

    return tried


def parameters(wanted: recipe.Recipe) -> int:
    """About how many weights a recipe's model has."""
    tokens = random_batches.vocabulary(wanted.tokenizer)
    with torch.device("meta"):
        return sum(weight.numel() for weight in models.model(wanted, tokens, tokens).parameters())


def first_line(error: Exception) -> str:
    """What an error says, without what torch adds to it."""
    return str(error).strip().split("\n")[0]
