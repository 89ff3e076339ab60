"""Verification of a CTranslate2 copy against PyTorch: float32 must compute the same; int8 is used only where it costs
little."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

import torch

from seq2seq.data.tokenizer import Tokenizer
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.hypothesis import NOT_FINITE, Hypothesis, Tokens
from seq2seq.decoding.log_probabilities import label_log_probabilities
from seq2seq.decoding.options import GenerationOptions, Sampling, SearchOptions
from seq2seq.decoding.translation.engine import Engine
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.evaluation.metrics import bleu
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy
from seq2seq.interop.ctranslate2.engine import load
from seq2seq.interop.ctranslate2.generator import CTranslate2Generator
from seq2seq.interop.ctranslate2.loading import open_model, read_vocabularies
from seq2seq.model.gpt import Gpt

JUDGED = 1000  # sentences for BLEU, which over 200 varies by 0.5
_CHECKED = 200  # of them, compared token by token
_BATCH = 64
_MAX_SCORE_DIFFERENCE = 1e-3  # nats, of the same output, or of a token of running text
_MAX_DIFFERENT = 0.01  # fraction of sentences with another greedy translation: ties that rounding breaks
_MAX_BLEU_LOSS = 0.3  # of int8

_PASSAGES = 40  # of running text, a context each
_PROMPTS = 10  # of them, continued
_LONGEST = 256  # tokens of a passage
_MAX_PROMPTS_DIFFERENT = 0.1  # fraction continued otherwise, greedily: ties that rounding breaks
_MAX_NATS_LOSS = 0.01  # per token, of int8

_CPU = Numerics(torch.device("cpu"), None)


@dataclass(frozen=True)
class Verified:
    """A verified copy."""

    precision: str  # used by default
    bytes: dict[str, int]  # by precision

    @property
    def sizes(self) -> str:
        """The sizes, as text."""
        return ", ".join(f"{precision} {size / 2**20:.1f} MiB" for precision, size in self.bytes.items())


@dataclass(frozen=True)
class VerifiedTranslator(Verified):
    """How the copy of a translator was verified."""

    sentences: int
    same_greedy: int  # of float32, token for token as with PyTorch; decides
    same: int  # the same with the recipe's beam, where the two searches stop by different rules; does not decide
    score_difference: float  # of float32, the largest over PyTorch's outputs, in nats
    judged: int  # sentences for BLEU
    bleu: dict[str, float]  # by precision

    def __str__(self) -> str:
        scores = ", ".join(f"{name} {value:.2f}" for name, value in self.bleu.items())
        return (
            f"CTranslate2 copy: {self.sizes}; in float32 {self.same} of {self.sentences} sentences are translated as "
            f"by PyTorch, token for token ({self.same_greedy} greedily); BLEU of {self.judged:,} {scores}; "
            f"{self.precision} serves by default"
        )


@dataclass(frozen=True)
class VerifiedGenerator(Verified):
    """How the copy of a language model was verified."""

    prompts: int
    same_greedy: int  # of float32, continued token for token as by PyTorch
    score_difference: float  # largest of a token in float32, in nats
    nats_per_token: dict[str, float]  # of some passages, by precision, and of PyTorch

    def __str__(self) -> str:
        nats = ", ".join(f"{name} {value:.4f}" for name, value in self.nats_per_token.items())
        return (
            f"CTranslate2 copy: {self.sizes}; in float32 {self.same_greedy} of {self.prompts} prompts are continued "
            f"as by PyTorch, token for token; nats per token {nats}; {self.precision} serves by default"
        )


def verify_translator(
    copy: Copy,
    path: Path,
    plain: Engine,
    tokenizers: Tokenizers,
    options: SearchOptions,
    sentences: Sequence[tuple[str, str]],
) -> VerifiedTranslator:
    """Compare the translations of the first sentences, given with their references, with those of `plain`: PyTorch's,
    in float32 on the CPU.

    Raises RunError where float32 is not the same but for rounding, or no sentence fits.
    """
    encoded = zip(tokenizers.encode_source([source for source, _ in sentences]), sentences)
    fitting = [(tokens, target) for tokens, (_, target) in encoded if 0 < len(tokens) < copy.settings.longest][:JUDGED]
    if not fitting:
        raise RunError(f"{path}: no sentence to check a CTranslate2 copy on; its test set is empty or too long")
    sources, references = [tokens for tokens, _ in fitting], [target for _, target in fitting]
    checked = sources[:_CHECKED]
    workers = torch.get_num_threads()
    engines = {precision: load(copy, precision, "cpu", workers) for precision in PRECISIONS}
    outputs = {name: _translations(engine, sources, options, workers) for name, engine in engines.items()}
    expected = _translations(plain, checked, options)
    difference = _largest_difference(engines["float32"], checked, expected, options.length_penalty)
    greedy = replace(options, beam_size=1)
    same_greedy = _same(_translations(plain, checked, greedy), _translations(engines["float32"], checked, greedy))
    if difference > _MAX_SCORE_DIFFERENCE or len(checked) - same_greedy > max(1, _MAX_DIFFERENT * len(checked)):
        raise RunError(
            f"{path} keeps the PyTorch engine: CTranslate2 translates {same_greedy} of {len(checked)} sentences "
            f"alike (greedily), and scores differ by up to {difference:.1e} nats"
        )
    scores = {
        precision: bleu(tokenizers.target.decode([output.tokens for output in group]), references, copy.settings.target)
        for precision, group in outputs.items()
    }
    default = "int8" if scores["int8"] >= scores["float32"] - _MAX_BLEU_LOSS else "float32"
    same = _same(expected, outputs["float32"][: len(checked)])
    return VerifiedTranslator(default, copy.sizes(), len(checked), same_greedy, same, difference, len(sources), scores)


def verify_generator(
    copy: Copy, path: Path, model: Gpt, tokenizer: Tokenizer, texts: Iterable[str]
) -> VerifiedGenerator:
    """Compare log-probabilities on the beginning of some texts, and greedy continuations, with PyTorch's, of the run's
    model in float32 on the CPU.

    Raises RunError where float32 is not the same but for rounding, or there is no text.
    """
    passages = _passages(texts, tokenizer, min(model.context, _LONGEST))
    if not passages:
        raise RunError(f"{path}: no text to check a CTranslate2 copy on; its test set is empty")
    expected = _expected(model, passages)
    if not all(map(math.isfinite, chain.from_iterable(expected))):
        raise RunError(f"{path}: {NOT_FINITE}")
    scores = {precision: _scores(copy, precision, passages) for precision in PRECISIONS}
    pairs = zip(chain.from_iterable(expected), chain.from_iterable(scores["float32"]), strict=True)
    difference = max(abs(one - other) for one, other in pairs)
    plain = TorchGenerator(model, tokenizer, _CPU, documents=copy.settings.documents)
    fast = CTranslate2Generator(copy, "float32", "cpu", tokenizer)
    prompts = tokenizer.decode([passage[: max(1, len(passage) // 2)] for passage in passages[:_PROMPTS]])
    # Past the context, so that the window moves.
    greedy = GenerationOptions(Sampling(temperature=0), max_tokens=len(passages[0]))
    same = sum(plain.generate(text, greedy)[0].tokens == fast.generate(text, greedy)[0].tokens for text in prompts)
    if difference > _MAX_SCORE_DIFFERENCE or len(prompts) - same > max(1, _MAX_PROMPTS_DIFFERENT * len(prompts)):
        raise RunError(
            f"{path} keeps the PyTorch engine: CTranslate2 continues {same} of {len(prompts)} prompts alike "
            f"(greedily), and log-probabilities of tokens differ by up to {difference:.1e} nats"
        )
    nats = {name: -sum(map(sum, rows)) / sum(map(len, rows)) for name, rows in {"PyTorch": expected, **scores}.items()}
    default = "int8" if nats["int8"] <= nats["float32"] + _MAX_NATS_LOSS else "float32"
    return VerifiedGenerator(default, copy.sizes(), len(prompts), same, difference, nats)


def _same(some: Sequence[Hypothesis], others: Sequence[Hypothesis]) -> int:
    return sum(one.tokens == other.tokens for one, other in zip(some, others, strict=True))


def _translations(
    engine: Engine, sources: Sequence[Tokens], options: SearchOptions, workers: int = 1
) -> list[Hypothesis]:
    def translated(batch: Sequence[int]) -> Sequence[Sequence[Hypothesis]]:
        return engine.translate([sources[number] for number in batch], options)

    best: dict[int, Hypothesis] = {}
    batches = _batches(sources)
    with ThreadPoolExecutor(workers) as pool:
        done = pool.map(translated, batches) if workers > 1 else map(translated, batches)
        for batch, groups in zip(batches, done, strict=True):
            if not all(groups):
                raise RunError(NOT_FINITE)
            best.update(zip(batch, (group[0] for group in groups), strict=True))
    return [best[number] for number in range(len(sources))]


def _largest_difference(
    engine: Engine, sources: Sequence[Tokens], outputs: Sequence[Hypothesis], alpha: float
) -> float:
    """The largest difference of the scores of outputs from those that an engine computes, in nats."""
    differences: list[float] = []
    for batch in _batches(sources):
        scored = engine.score([sources[n] for n in batch], [outputs[n].tokens for n in batch], alpha)
        differences += (abs(outputs[n].score - again.score) for n, again in zip(batch, scored, strict=True))
    return max(differences)


def _batches(sources: Sequence[Tokens]) -> list[list[int]]:
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    return [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]


def _passages(texts: Iterable[str], tokenizer: Tokenizer, length: int) -> list[list[int]]:
    """The first passages of texts, `length` tokens long but for the last of each text, none of one token."""
    passages: list[list[int]] = []
    for text in islice(texts, _PASSAGES):
        # Tokens seldom have more than a dozen characters, and fewer passages do no harm.
        (tokens,) = tokenizer.encode([text[: 12 * length * _PASSAGES]])
        passages += [tokens[start : start + length] for start in range(0, len(tokens) - 1, length)]
    return [passage for passage in passages[:_PASSAGES] if len(passage) > 1]


@torch.inference_mode()
def _expected(model: Gpt, passages: Sequence[Tokens]) -> list[list[float]]:
    """The log-probability of each token but the first of each passage, by PyTorch."""
    pairs = ((torch.tensor([passage[:-1]]), torch.tensor([passage[1:]])) for passage in passages)
    return [label_log_probabilities(model(tokens), labels)[0].tolist() for tokens, labels in pairs]


def _scores(copy: Copy, precision: str, passages: Sequence[Tokens]) -> list[list[float]]:
    """The log-probability of each token but the first of each passage, by CTranslate2."""
    vocabularies = read_vocabularies(copy, precision)
    scored = open_model(copy, precision, vocabularies, "cpu", 1).score_batch(
        [vocabularies[1].words(passage) for passage in passages], max_batch_size=8, max_input_length=0
    )
    return [list(result.log_probs) for result in scored]
