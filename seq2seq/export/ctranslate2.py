"""A finished run as CTranslate2 reads it, checked against the PyTorch engine before it serves anyone."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from math import inf
from pathlib import Path
from typing import TypeVar

import torch

from seq2seq import build
from seq2seq.data.tokenizers import SPECIAL, Tokenizer, Tokenizers
from seq2seq.decoding import ctranslate2_copy as copies
from seq2seq.decoding.ctranslate2_copy import PRECISIONS, Copy, Settings
from seq2seq.decoding.ctranslate2_engine import load
from seq2seq.decoding.ctranslate2_file import SHORTLIST
from seq2seq.decoding.engine import Engine, Hypothesis, Options
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.evaluation.metrics import bleu
from seq2seq.export import shortlist as shortlists
from seq2seq.export.shortlist import Shortlist
from seq2seq.export.specification import inexpressible, specification
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.storage.atomic import sync_folder, sync_tree
from seq2seq.storage.tensors import weights_of

CHECKED = 200  # sentences, token by token
JUDGED = 1000  # by BLEU: of 200 it differs by 0.5 for nothing
_BATCH = 64
_MOST_DIFFERENT = 0.01  # of the sentences, translated greedily: ties that rounding breaks
_MOST_SCORE = 1e-3  # nats, of the score of one and the same output
_MOST_BLEU = 0.3
_SHORT = "int8 with a shortlist"


@dataclass(frozen=True)
class Checked:
    """A copy that was found right."""

    precision: str  # what serves by default
    bytes: dict[str, int]  # by precision
    shortlist: bool  # whether the int8 model has one

    @property
    def sizes(self) -> str:
        """The bytes, to be read."""
        return ", ".join(f"{precision} {size / 2**20:.1f} MiB" for precision, size in self.bytes.items())


Found = TypeVar("Found", bound=Checked)


@dataclass(frozen=True)
class Made(Checked):
    """How the copy of a translator was checked."""

    sentences: int
    same_greedy: int  # of float32, token for token the PyTorch engine's: decides
    same: int  # by the recipe's beam, whose searches stop by different rules: does not
    score_difference: float  # largest of float32, of the PyTorch engine's own outputs, in nats
    judged: int  # sentences that BLEU is of
    bleu: dict[str, float]  # by precision, and with a shortlist where there is one

    def __str__(self) -> str:
        scores = ", ".join(f"{name} {value:.2f}" for name, value in self.bleu.items())
        return (
            f"CTranslate2 copy: {self.sizes}; in float32 {self.same} of {self.sentences} sentences are translated as "
            f"by PyTorch, token for token ({self.same_greedy} greedily); BLEU of {self.judged:,} {scores}; "
            f"{self.precision} serves by default"
        )


def export(run: Run, sentences: Sequence[tuple[str, str]]) -> Made:
    """Make the copy of a finished run, in float32 and int8, whole or not at all; check it on the first 200 of some
    sentences, and their translations on the first 1,000, and put what was found on record.

    Raises RunError where CTranslate2 cannot express the model, or does not translate as PyTorch does; the run then
    keeps the PyTorch engine, and its record says why.
    """
    return make_copy(run, lambda copy: _checked(copy, run, sentences))


def make_copy(run: Run, check: Callable[[Copy], Found]) -> Found:
    """Make a copy, whole or not at all; put what `check` finds of it on record, or why there is none.

    Raises RunError where CTranslate2 cannot express the model, OSError where the copy cannot be written, and what
    `check` raises.
    """
    wanted = run.recipe()
    both = build.read_tokenizers(wanted, run.path)
    weights = weights_of(build.trained_model(run, both, torch.device("cpu")))
    # Before what a copy is refused for is put on record: a damaged one says nothing of the model.
    shortlist = shortlists.read(run.path, both.source.size, both.target.size)
    try:
        if reason := inexpressible(wanted.model):
            raise RunError(f"{run.path} keeps the PyTorch engine: {reason}")
        origin = copies.made_of(run.path)
        with tempfile.TemporaryDirectory(prefix=f".{copies.FOLDER}.", suffix=".partial", dir=run.path) as scratch:
            folder = Path(scratch) / copies.FOLDER
            copy = Copy(folder, _write(folder, run, wanted, weights, both, shortlist), "float32")
            made = check(copy)
            kept = copy.settings
            if not made.shortlist:
                kept = replace(kept, unlisted=None)
                (copy.model("int8") / SHORTLIST).unlink(missing_ok=True)
            copies.write(folder, kept, made.precision, origin)
            sync_tree(folder)
            _put(copy.folder, run.path / copies.FOLDER)
    except RunError as error:
        run.note(ctranslate2={"refused": str(error)})
        raise
    run.note(ctranslate2=asdict(made))
    return made


def settings(run: Run) -> Settings:
    """What translating, or generating, with a copy takes of its run."""
    wanted = run.recipe()
    decoding, data, model = wanted.decoding, wanted.data, wanted.model
    alone = model.architecture == "decoder-only"
    return Settings(
        data.source,
        data.target,
        wanted.tokenizer.joint,
        alone,
        build.longest_source(wanted),
        # A decoder-only model must not pass what it learnt; a decoder starts with BOS.
        model.max_length if alone else model.max_length + decoding.max_extra + 1,
        **{key: getattr(decoding, key) for key in ("beam_size", "length_penalty", "max_extra", "batch_tokens")},
        documents=run.record().get("text", {}).get("documents", 1) > 1,
    )


def sizes(copy: Copy) -> dict[str, int]:
    """Bytes of a copy by precision."""
    return {precision: sum(file.stat().st_size for file in copy.model(precision).iterdir()) for precision in PRECISIONS}


def vocabulary(tokenizer: Tokenizer) -> list[str]:
    """A tokenizer's pieces, every one another string."""
    words = dict.fromkeys(SPECIAL)
    for token in range(len(SPECIAL), tokenizer.size):
        word = tokenizer.piece(token)
        while word in words:
            word += f"#{token}"
        words[word] = None
    return list(words)


def _write(
    folder: Path,
    run: Run,
    wanted: Recipe,
    tensors: Mapping[str, torch.Tensor],
    both: Tokenizers,
    shortlist: Shortlist | None,
) -> Settings:
    """Write the models, and the shortlist where there is one that can be used; what translating with them takes."""
    found = settings(run)
    weights = {name: tensor.float().numpy() for name, tensor in tensors.items()}
    words = vocabulary(both.source), vocabulary(both.target)
    for precision in PRECISIONS:
        place = folder / precision
        made = specification(wanted.model, weights, *words, found.positions)
        made.optimize(precision)
        place.mkdir(parents=True)
        made.save(str(place))
    if shortlist is None or found.decoder_only or any(map(_spaced, chain(*words))):
        return found
    shortlist.write(folder / "int8", *words)
    return replace(found, unlisted=shortlist.unlisted(both.source.size))


def _spaced(word: str) -> bool:
    return any(map(str.isspace, word))


def _checked(copy: Copy, run: Run, sentences: Sequence[tuple[str, str]]) -> Made:
    """Compare the engines. Raises RunError where float32 is not the same but for rounding."""
    both = build.read_tokenizers(run.recipe(), run.path)
    longest = copy.settings.longest
    encoded = zip(both.encode_source([source for source, _ in sentences]), sentences)
    chosen = [(tokens, target) for tokens, (_, target) in encoded if 0 < len(tokens) < longest][:JUDGED]
    if not chosen:
        raise RunError(f"{run.path}: no sentence to check a CTranslate2 copy on; its test set is empty or too long")
    sources = [tokens for tokens, _ in chosen]
    checked = sources[:CHECKED]
    options = build.options(run.recipe())
    model = build.trained_model(run, both, torch.device("cpu"))
    plain = build.engine(model, Numerics(torch.device("cpu"), None))
    engines = {precision: load(copy, precision, "cpu", 1) for precision in PRECISIONS}
    outputs = {precision: _translations(each, sources, options) for precision, each in engines.items()}
    if copy.settings.unlisted is not None:
        outputs[_SHORT] = _translations(load(copy, "int8", "cpu", 1, shortlist=True), sources, options)
    wanted = _translations(plain, checked, options)
    again = _scores(engines["float32"], checked, wanted, options)
    difference = max(abs(one.score - other) for one, other in zip(wanted, again))
    greedy = replace(options, beam_size=1)
    same = _same(_translations(plain, checked, greedy), _translations(engines["float32"], checked, greedy))
    if difference > _MOST_SCORE or len(checked) - same > max(1, _MOST_DIFFERENT * len(checked)):
        raise RunError(
            f"{run.path} keeps the PyTorch engine: CTranslate2 translates {same} of {len(checked)} sentences alike "
            f"(greedily), and scores differ by up to {difference:.1e} nats"
        )
    references = [target for _, target in chosen]
    found = {
        name: bleu(both.target.decode([each.tokens for each in given]), references, copy.settings.target)
        for name, given in outputs.items()
    }
    least = found["float32"] - _MOST_BLEU
    default = "int8" if found["int8"] >= least else "float32"
    shortlist = found.get(_SHORT, -inf) >= least
    alike = _same(wanted, outputs["float32"][: len(checked)])
    return Made(default, sizes(copy), shortlist, len(checked), same, alike, difference, len(sources), found)


def _same(some: Sequence[Hypothesis], others: Sequence[Hypothesis]) -> int:
    return sum(one.tokens == other.tokens for one, other in zip(some, others, strict=True))


def _translations(engine: Engine, sources: Sequence[Sequence[int]], options: Options) -> list[Hypothesis]:
    found: dict[int, Hypothesis] = {}
    for batch in _batches(sources):
        groups = engine.translate([sources[number] for number in batch], options)
        if not all(groups):
            raise RunError("the model gives no finite probability: its weights are damaged, or training diverged")
        found.update(zip(batch, (group[0] for group in groups), strict=True))
    return [found[number] for number in range(len(sources))]


def _scores(
    engine: Engine, sources: Sequence[Sequence[int]], outputs: Sequence[Hypothesis], options: Options
) -> list[float]:
    found: dict[int, float] = {}
    for batch in _batches(sources):
        scored = engine.score(
            [sources[number] for number in batch], [outputs[number].tokens for number in batch], options.length_penalty
        )
        found.update(zip(batch, (each.score for each in scored), strict=True))
    return [found[number] for number in range(len(sources))]


def _batches(sources: Sequence[Sequence[int]]) -> list[list[int]]:
    order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
    return [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)]


def _put(made: Path, place: Path) -> None:
    """Move a folder to where it shall be; what was there goes to the scratch folder beside it."""
    if place.exists():
        place.rename(made.with_name("former"))
    made.rename(place)
    sync_folder(place.parent)
