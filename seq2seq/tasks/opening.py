"""Which engine opens a finished run, for every task. Torch is imported only where it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seq2seq import limits
from seq2seq.decoding.options import Sampling, SearchOptions
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.run import Run

if TYPE_CHECKING:
    from seq2seq.device import Choice


@dataclass(frozen=True)
class EngineChoice:
    """Which engine opens a run, and how it translates; None and "auto" take the run's defaults."""

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    beam_size: int | None = None
    length_penalty: float | None = None
    n_best: int = 1
    sampling: Sampling | None = None
    token_scores: bool = False
    sentences: str = "auto"  # rule of `Segmenter`

    def options(self, usual: SearchOptions) -> SearchOptions:
        """Search options; `usual` holds the recipe's defaults."""
        usual = replace(usual, sampling=self.sampling, token_scores=self.token_scores)
        return usual.with_beam(self.beam_size, self.length_penalty, self.n_best)


def copy_for(run: Run, choice: EngineChoice, reason: str) -> tuple[Copy | None, str]:
    """The CTranslate2 copy to use, or None for PyTorch and why there is no copy. `reason`: why CTranslate2 does not
    support the options, whatever the run; empty where it does."""
    if choice.engine == "torch":
        return None, ""
    copy = None if reason else copies.read(run.path)
    if copy is not None:
        if not copy.has(precision := copy.precision if choice.precision == "auto" else choice.precision):
            raise RunError(f"{run.path} is a pack with {copy.precision} alone: leave out --precision {precision}")
        return copy, ""
    if run.packed:
        run.must_have_weights()
    missing = "" if reason else _missing(run)
    if choice.engine == "ctranslate2" or choice.precision == "int8":
        run.must_be_unchanged(run.weights.name, "tokenizer")
        raise RunError(missing or f"{reason}; leave out --engine and --precision, or use --engine torch")
    return None, missing


def only_torch(choice: EngineChoice) -> str:
    """Why CTranslate2 cannot serve a choice, whatever the run; empty where it can."""
    if choice.device == "mps":
        return "CTranslate2 has no --device mps"
    if choice.precision == "bfloat16":
        return "CTranslate2 serves in float32 and int8, not --precision bfloat16"
    return ""


def _missing(run: Run) -> str:
    if refused := run.record().get("ctranslate2", {}).get("refused"):
        return str(refused)
    stale = (run.path / copies.FOLDER).exists()
    return (
        f"{run.path} has {'a CTranslate2 copy of other weights' if stale else 'no CTranslate2 copy'}: PyTorch "
        f"serves, which is slower; `seqx export --run {run.path}` makes one"
    )


def workers_on(device: str) -> int:
    """Sentences, or texts, that CTranslate2 computes at once on a device."""
    return limits.threads() if device == "cpu" else 1


def torch_device(choice: EngineChoice, usual: str) -> Choice:
    """The device of a choice for PyTorch; `usual`: the precision of "auto". Raises RunError for one that it has not."""
    from seq2seq import device

    if choice.precision == "int8":
        raise RunError("PyTorch serves in float32 and bfloat16, not --precision int8; leave out --engine torch")
    return device.choose(choice.device, usual if choice.precision == "auto" else choice.precision)
