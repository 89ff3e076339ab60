"""The copy of a model of running text, checked against PyTorch's going on and PyTorch's probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import torch

from seq2seq import build
from seq2seq.data.tokenizers import Tokenizer
from seq2seq.decoding import ctranslate2_engine
from seq2seq.decoding.ctranslate2_copy import PRECISIONS, Copy
from seq2seq.decoding.ctranslate2_engine import Vocabulary
from seq2seq.decoding.ctranslate2_generator import CTranslate2Generator
from seq2seq.decoding.engine import Sampling
from seq2seq.decoding.generate import Generator
from seq2seq.decoding.text import Options
from seq2seq.decoding.writer import NOT_FINITE
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.export.ctranslate2 import Checked, make_copy, sizes
from seq2seq.model.gpt import Gpt
from seq2seq.run import Run

_PASSAGES = 40  # passages, of a context each
_PROMPTS = 10  # of them, gone on with
_LONGEST = 256  # tokens of a passage
_MOST_DIFFERENT = 0.1  # of the prompts, gone on with greedily: ties that rounding breaks
_MOST_SCORE = 1e-3  # nats, of a token
_MOST_NATS = 0.01  # a token, that int8 may cost


@dataclass(frozen=True)
class MadeText(Checked):
    """How the copy of a model of running text was checked."""

    prompts: int
    same_greedy: int  # of float32, gone on with token for token as by PyTorch
    score_difference: float  # largest of a token in float32, in nats
    nats_per_token: dict[str, float]  # of some passages, by precision, and of PyTorch

    def __str__(self) -> str:
        nats = ", ".join(f"{name} {value:.4f}" for name, value in self.nats_per_token.items())
        return (
            f"CTranslate2 copy: {self.sizes}; in float32 {self.same_greedy} of {self.prompts} prompts are gone on with "
            f"as by PyTorch, token for token; nats a token {nats}; {self.precision} serves by default"
        )


def export_text(run: Run, texts: Iterable[str]) -> MadeText:
    """Make the copy of a finished run on running text, in float32 and int8, whole or not at all; check it on the
    beginning of some texts, and put what was found on record.

    Raises RunError where CTranslate2 cannot express the model, or does not go on as PyTorch does; the run then keeps
    the PyTorch engine, and its record says why.
    """
    return make_copy(run, lambda copy: _checked(copy, run, texts))


def _checked(copy: Copy, run: Run, texts: Iterable[str]) -> MadeText:
    """Compare the engines. Raises RunError where float32 is not the same but for rounding."""
    both = build.read_tokenizers(run.recipe(), run.path)
    tokenizer = both.target
    model = build.decoder_only(build.trained_model(run, both, torch.device("cpu"))).eval()
    passages = _passages(texts, tokenizer, min(model.context, _LONGEST))
    if not passages:
        raise RunError(f"{run.path}: no text to check a CTranslate2 copy on; its test set is empty")
    wanted = _scored(model, passages)
    if not all(map(math.isfinite, chain.from_iterable(wanted))):
        raise RunError(f"{run.path}: {NOT_FINITE}")
    found = {precision: _scores(copy, precision, passages) for precision in PRECISIONS}
    pairs = zip(chain.from_iterable(wanted), chain.from_iterable(found["float32"]), strict=True)
    difference = max(abs(one - other) for one, other in pairs)
    plain = Generator(model, tokenizer, Numerics(torch.device("cpu"), None))
    fast = CTranslate2Generator(
        lambda: ctranslate2_engine.opened(copy, "float32", "cpu", 1), _vocabulary(copy), tokenizer, model.context
    )
    prompts = tokenizer.decode([passage[: max(1, len(passage) // 2)] for passage in passages[:_PROMPTS]])
    # Past the context, so that the window moves.
    greedy = Options(Sampling(temperature=0), max_tokens=len(passages[0]))
    same = sum(plain.generate(text, greedy)[0].tokens == fast.generate(text, greedy)[0].tokens for text in prompts)
    if difference > _MOST_SCORE or len(prompts) - same > max(1, _MOST_DIFFERENT * len(prompts)):
        raise RunError(
            f"{run.path} keeps the PyTorch engine: CTranslate2 goes on alike with {same} of {len(prompts)} prompts "
            f"(greedily), and log-probabilities of tokens differ by up to {difference:.1e} nats"
        )
    nats = {name: -sum(map(sum, each)) / sum(map(len, each)) for name, each in {"PyTorch": wanted, **found}.items()}
    default = "int8" if nats["int8"] <= nats["float32"] + _MOST_NATS else "float32"
    return MadeText(default, sizes(copy), False, len(prompts), same, difference, nats)


def _passages(texts: Iterable[str], tokenizer: Tokenizer, length: int) -> list[list[int]]:
    """The first passages of texts, all but the last of each so many tokens long, none of one token."""
    found: list[list[int]] = []
    for text in islice(texts, _PASSAGES):
        # A token has seldom more than a dozen characters, and a passage too few does no harm.
        (tokens,) = tokenizer.encode([text[: 12 * length * _PASSAGES]])
        found += [tokens[start : start + length] for start in range(0, len(tokens) - 1, length)]
    return [passage for passage in found[:_PASSAGES] if len(passage) > 1]


@torch.inference_mode()
def _scored(model: Gpt, passages: Sequence[Sequence[int]]) -> list[list[float]]:
    """The log-probability of each token but the first of each passage."""
    found = []
    for passage in passages:
        scores = model(torch.tensor([passage[:-1]])).float().log_softmax(-1)
        found.append(scores[0].gather(1, torch.tensor(passage[1:])[:, None]).squeeze(1).tolist())
    return found


def _scores(copy: Copy, precision: str, passages: Sequence[Sequence[int]]) -> list[list[float]]:
    vocabulary = _vocabulary(copy)
    scored = ctranslate2_engine.opened(copy, precision, "cpu", 1).score_batch(
        [vocabulary.words(passage) for passage in passages], max_batch_size=8, max_input_length=0
    )
    return [list(each.log_probs) for each in scored]


def _vocabulary(copy: Copy) -> Vocabulary:
    return ctranslate2_engine.vocabularies(copy, "float32")[1]
