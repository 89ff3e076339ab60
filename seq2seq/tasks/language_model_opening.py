"""Opens a finished language model, as `translation_opening` does a translator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.data.tokenizer import Tokenizer
from seq2seq.data.tokenizers import read_both
from seq2seq.decoding.options import GenerationOptions
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.run import Run
from seq2seq.tasks import must_offer
from seq2seq.tasks.opening import EngineChoice, copy_for, only_torch, torch_device, workers_on

if TYPE_CHECKING:
    from seq2seq.decoding.generation.generator import TextGenerator


@dataclass(frozen=True)
class OpenedGenerator:
    """A generator with its tokenizer and engine."""

    generator: TextGenerator
    tokenizer: Tokenizer
    engine: str  # with its precision and device
    missing: str = ""  # why the fast engine of a run does not serve, and how to get it


def open_generator(run: Run, choice: EngineChoice, options: GenerationOptions) -> OpenedGenerator:
    """Open a run for generating with some options. Chooses the engine, and raises, as `open_translator`."""
    from seq2seq.interop.ctranslate2.generator import inexpressible

    must_offer(run, "generate")
    copy, missing = copy_for(run, choice, only_torch(choice) or inexpressible(options))
    return _generator_of_run(run, choice, missing) if copy is None else _generator_of_copy(run, copy, choice)


def _generator_of_copy(run: Run, copy: Copy, choice: EngineChoice) -> OpenedGenerator:
    from seq2seq.interop.ctranslate2.generator import CTranslate2Generator
    from seq2seq.interop.ctranslate2.loading import choose_device

    device = choose_device(choice.device)
    precision = copy.precision if choice.precision == "auto" else choice.precision
    tokenizer = read_both(run.path, joint=True).target
    generator = CTranslate2Generator(copy, precision, device, tokenizer, workers=workers_on(device))
    return OpenedGenerator(generator, tokenizer, f"CTranslate2, {precision}, {device}")


def _generator_of_run(run: Run, choice: EngineChoice, missing: str) -> OpenedGenerator:
    from seq2seq.decoding.generation.torch import TorchGenerator
    from seq2seq.tasks import models

    # Decoding token by token is bound by reading the weights: converting them to bfloat16 costs more than it saves.
    device = torch_device(choice, "float32")
    gpt, tokenizers = models.trained_gpt(run, device.numerics.device)
    several = run.record().get("text", {}).get("documents", 1) > 1
    generator = TorchGenerator(gpt, tokenizers.target, device.numerics, documents=several)
    return OpenedGenerator(generator, tokenizers.target, f"PyTorch, {device}", missing)
