"""The notes in the lecture's order, and how one is run. Imports no torch before that."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seq2seq.errors import ArgumentError

if TYPE_CHECKING:
    from seq2seq.learn.lesson import Lesson


class Note(NamedTuple):
    """A note of the lecture, and the function that shows it, which has its name."""

    name: str
    title: str
    module: str  # of seq2seq.learn, that the function is in
    opens: str  # the file of seqx to open next

    @property
    def function(self) -> str:
        """The name of its function."""
        return self.name.replace("-", "_")

    @property
    def code(self) -> Path:
        """The file of its function."""
        return Path(__file__).with_name(f"{self.module}.py")

    @property
    def following(self) -> Path:
        """The file of seqx to open next."""
        return Path(__file__).parents[1] / self.opens


NOTES = (
    Note("tokenizers", "codebook size against sequence length", "inputs", "data/tokenizers.py"),
    Note("time", "one row is many samples: its prefixes", "inputs", "data/stream.py"),
    Note("batch", "rows never talk; padding is hidden", "inputs", "data/batches.py"),
    Note("cross-entropy", "logits arranged as (B, C, T) or (B·T, C)", "inputs", "training/loss.py"),
    Note("first-loss", "ln V before training: for 65 tokens 4.174", "inputs", "training/loss.py"),
    Note("devices", "CPU, CUDA or MPS: which is faster, and why", "inputs", "device.py"),
    Note("averaging", "the past averaged by a triangular matrix", "attention", "model/attention.py"),
    Note("query-key-value", "a real head: what asks, what offers, what is said", "attention", "model/attention.py"),
    Note("graph", "attention on a directed graph of one's own", "attention", "model/attention.py"),
    Note("positions", "attention knows no order: what order is worth", "attention", "model/positions.py"),
    Note("scale", "why scores are divided by √D: softmax turns one-hot", "attention", "model/attention.py"),
    Note("heads", "several attentions side by side", "attention", "model/blocks.py"),
    Note("feed-forward", "attention looks, the feed-forward thinks: with and without", "layers", "model/components.py"),
    Note("residuals", "the gradient by depth, with and without", "layers", "model/blocks.py"),
    Note("zero-branches", "layers that begin as the identity, and come online", "layers", "model/components.py"),
    Note("norms", "batch norm and layer norm: columns or rows", "layers", "model/components.py"),
    Note("pre-norm", "the norm before a sub-layer or after the sum", "layers", "model/blocks.py"),
    Note("dropout", "an ensemble of sub-networks", "layers", "model/dropout.py"),
    Note("encoder", "without the triangle: an encoder hears the whole text", "architectures", "model/classifier.py"),
    Note(
        "cross-attention",
        "queries of the decoder, keys and values of the encoder",
        "architectures",
        "model/transformer.py",
    ),
    Note("demonstrations", "step 1: from completing documents to answering", "steps", "tasks/conversation.py"),
    Note("reward-model", "step 2: comparisons of answers, and a model of them", "steps", "training/preferences.py"),
    Note("policy", "step 3: a policy optimised against the reward model", "steps", "training/ppo.py"),
)


def named(name: str) -> Note:
    """The note of a name. Raises ArgumentError, which suggests the nearest one."""
    for note in NOTES:
        if note.name == name:
            return note
    close = difflib.get_close_matches(name, [note.name for note in NOTES], n=1, cutoff=0.5)
    near = f" (did you mean {close[0]}?)" if close else ""
    raise ArgumentError(f"no note {name!r:.60}{near}; `seqx learn` lists them")


def lesson(note: Note) -> Lesson:
    """Run a note: the same each time, on one thread. Raises EffectError where its effect does not show."""
    import torch

    from seq2seq.device import one_thread, random_kept
    from seq2seq.learn.pictures import style

    with style(), one_thread(), random_kept(torch.device("cpu")):
        torch.manual_seed(1)
        return _functions(note.module)[note.function]()


def _functions(module: str) -> Mapping[str, Callable[[], Lesson]]:
    match module:
        case "inputs":
            from seq2seq.learn import inputs as chosen
        case "attention":
            from seq2seq.learn import attention as chosen  # type: ignore[no-redef]
        case "layers":
            from seq2seq.learn import layers as chosen  # type: ignore[no-redef]
        case "architectures":
            from seq2seq.learn import architectures as chosen  # type: ignore[no-redef]
        case "steps":
            from seq2seq.learn import steps as chosen  # type: ignore[no-redef]
    return vars(chosen)
