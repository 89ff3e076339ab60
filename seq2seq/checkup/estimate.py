"""What a training run will take, measured on the device that it would run on: its text is prepared as training prepares
it, the beginning of it where there is much, and updates and validations are timed."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq import recipe, tasks
from seq2seq.checkup import memory, random_batches
from seq2seq.data.batches import Batch, Place
from seq2seq.data.corpus import Corpus
from seq2seq.data.documents import Documents
from seq2seq.data.unchanged import digest
from seq2seq.decoding.options import SearchOptions
from seq2seq.device import Choice, wait
from seq2seq.run import Run
from seq2seq.tasks import models, preparation, pytorch
from seq2seq.tasks.prediction import Prediction
from seq2seq.training import optimisers, schedule
from seq2seq.training.loop import train

if TYPE_CHECKING:
    from typing_extensions import TypeIs

SECONDS = 30.0  # for updates, and as long for a validation
_UPDATES = 12
_PAIRS = 100_000  # that are tokenised
_CHARACTERS = 2_000_000
_PARTS = (64, 16, 4, 1)  # that a batch is cut into, of which one is timed: larger ones as there is time
_DRAWN = 50  # batches whose sizes are looked at
_GROWTH = 4  # times as long that the next larger count of rows, or sentences, takes at most
_SENTENCES = (1, 8, 32)  # translated together, as there is time
_SAID_EVERY = 1_000_000  # pairs, or documents

Say = Callable[[str], None]


@dataclass(frozen=True)
class Estimate:
    """Sizes and measured figures, in seconds, tokens and bytes."""

    device: str
    parameters: int
    size: str  # of the training text
    target_tokens: int  # an epoch's
    memory: int  # at the largest batch that was timed; 0 where the system does not tell
    share: float  # of a batch that was timed: 1, or less where a whole one takes too long
    measured: int  # updates that were timed
    step_seconds: float
    tokens_per_second: float
    epochs: float  # of all steps
    preparing: float  # tokenizer and encoding, of all the text
    dev_loss: float  # of a pair of dev; of running text, of all that a validation looks at
    translation: float  # of a sentence of dev, greedily, by a model that has not learnt where to end
    sample: float  # of running text


def estimate(
    wanted: recipe.Recipe, corpus: Corpus[Any], choice: Choice, say: Say, seconds: float = SECONDS
) -> Estimate:
    """Prepare text and time updates, for about so many `seconds`; `say` is told what is being done.

    Raises what training would raise of this text.
    """
    sampled, size, share = _beginning(corpus, say)
    with tempfile.TemporaryDirectory(prefix="seqx-", ignore_cleanup_errors=True) as scratch:
        start = time.perf_counter()
        prepared = preparation.prepare(tasks.of(wanted), sampled, Run(Path(scratch) / "run"), choice, say)
        preparing = (time.perf_counter() - start) / share
        both, numerics = prepared.tokenizers, choice.numerics
        model = models.model(wanted, both.source.size, both.target.size).to(numerics.device)
        say("Timing updates")
        timed = _timed(wanted, model, prepared, choice, seconds)
        say("Timing a validation")
        dev_loss, translation, sample = _validation(wanted, model, prepared, choice, seconds)
    epoch = _epoch(prepared, timed) / share
    return Estimate(
        device=str(choice),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        size=size,
        target_tokens=int(epoch),
        memory=memory.peak(numerics.device),
        share=timed.share,
        measured=timed.updates,
        step_seconds=timed.seconds,
        tokens_per_second=timed.tokens / timed.seconds,
        epochs=wanted.training.steps * timed.tokens / epoch,
        preparing=preparing,
        dev_loss=dev_loss,
        translation=translation,
        sample=sample,
    )


def _beginning(corpus: Corpus[Any], say: Say) -> tuple[Corpus[Any], str, float]:
    """The text, or the beginning of each of its parts where it is long; how long it is; and what share that is. All of
    it is read, so that what cannot be is found."""
    say("Reading the text")
    if holds_documents(corpus):
        characters = sum(len(piece) for piece, _ in corpus.train[0].pieces())
        cut = replace(corpus, train=(_start(corpus.train[0]),), dev=_start(corpus.dev))
        return cut, f"{characters:,} characters", min(1.0, _CHARACTERS / max(1, characters))
    counts = []
    for text in corpus.train:
        counts.append(0)
        for _ in text.read():
            counts[-1] += 1
            if counts[-1] % _SAID_EVERY == 0:
                say(f"Read: {counts[-1]:,} pairs of {text.origin}")
    share = min(1.0, _PAIRS / max(1, sum(counts)))
    if share < 1:
        say(f"Of {sum(counts):,} pairs the first {_PAIRS:,} are tokenised")
        train_texts = tuple(text.first(math.ceil(share * count)) for text, count in zip(corpus.train, counts))
        corpus = replace(corpus, train=train_texts)
    return corpus, f"{sum(counts):,} pairs", share


def _start(text: Documents) -> Documents:
    """The first characters of a text; all of it where it is not long."""
    beginning, length = [], 0
    for piece, _ in text.pieces():
        beginning.append(piece)
        length += len(piece)
        if length > _CHARACTERS:
            break
    else:
        return text
    some = "".join(beginning)[:_CHARACTERS]
    return Documents(text.origin, lambda: iter([some]), lambda: digest([(some, "")]))


def holds_documents(corpus: Corpus[Any]) -> TypeIs[Corpus[Documents]]:
    """Whether a corpus consists of running text."""
    return corpus.records == Documents.records


@dataclass(frozen=True)
class _Timed:
    """An update of the recipe, from those that were timed."""

    seconds: float
    tokens: float  # that it predicts
    rows: float
    share: float
    updates: int


def _timed(
    wanted: recipe.Recipe, model: models.Model, prepared: preparation.Prepared[Any], choice: Choice, seconds: float
) -> _Timed:
    """Time updates on the task's own batches, or on parts of them that take no longer than there is time for."""
    training, numerics = wanted.training, choice.numerics
    given: list[Batch] = []

    def batches() -> Iterator[tuple[Place, Batch]]:
        while True:
            yield Place(), given.pop()

    updates = train(
        list(model.parameters()),
        optimisers.for_recipe(wanted, model),
        schedule.for_recipe(wanted),
        batches(),
        prepared.training.objective(model, numerics),
        numerics,
        clip_norm=training.clip_norm,
    )

    def update(batch: Batch) -> float:
        given.append(batch)
        begun = time.perf_counter()
        next(updates).loss.item()
        wait(numerics.device)
        return time.perf_counter() - begun

    drawn = [batch for _, batch in islice(prepared.training.source.stream(Place()), _DRAWN)]
    mean = training.accumulate / len(drawn)
    padded = mean * sum(batch.padded for batch in drawn)
    tokens, rows = mean * sum(batch.tokens for batch in drawn), mean * sum(len(batch.labels) for batch in drawn)
    end = time.perf_counter() + seconds
    points: list[tuple[int, float]] = []  # places, and the seconds that they take
    for parts in _PARTS:
        piece = drawn[0].pieces(parts)[0]
        if points and points[-1][1] * piece.padded / points[-1][0] > end - time.perf_counter():
            # As much again for each place more, on top of what an update takes whatever its batch.
            (few, fast), (many, slow) = points[-2] if len(points) > 1 else (0, 0.0), points[-1]
            place = (slow - fast) / max(1, many - few)
            return _Timed(slow + place * (padded - many), tokens, rows, many / drawn[0].padded, len(points))
        if not points:
            update(piece)  # the first allocates
        points.append((piece.padded, update(piece)))
    vocabulary = min(prepared.tokenizers.source.size, prepared.tokenizers.target.size)
    update(random_batches.worst(wanted, training.batch_tokens, vocabulary))
    taken = []
    for batch in drawn[1 : 1 + _UPDATES]:
        taken.append((batch.padded, update(batch)))
        if time.perf_counter() > end:
            break
    each = sum(took for _, took in taken) / sum(places for places, _ in taken)
    return _Timed(each * padded, tokens, rows, 1.0, len(taken))


def _validation(
    wanted: recipe.Recipe, model: models.Model, prepared: preparation.Prepared[Any], choice: Choice, seconds: float
) -> tuple[float, float, float]:
    """Seconds of the dev loss, of a translation, of a sample, as `Estimate` has them."""
    task, numerics = prepared.training, choice.numerics
    assert isinstance(task, Prediction)
    batch = task.validation[len(task.validation) // 2]
    rows = len(batch.labels)

    def took(do: Callable[[], object]) -> float:
        begun = time.perf_counter()
        do()
        wait(numerics.device)
        return time.perf_counter() - begun

    def each(do: Callable[[int], object], counts: Sequence[int]) -> float:
        """Seconds of one among as many together as there is time for: more together take less."""
        count, taken = counts[0], took(partial(do, counts[0]))
        for more in counts[1:]:
            if _GROWTH * taken < seconds:
                count, taken = more, took(partial(do, more))
        return taken / count

    loss = each(
        lambda count: task.objective(model, numerics).evaluate([batch.pieces(-(-rows // count))[0]]),
        [-(-rows // parts) for parts in _PARTS],
    )
    if holds_documents(prepared.corpus):
        every = sum(len(each.labels) for each in task.validation)
        return loss * every, 0.0, took(lambda: task.try_out(model, numerics))
    sources = [source for source, _ in islice(prepared.corpus.dev.read(), _SENTENCES[-1])]
    options = SearchOptions(beam_size=1, max_extra=wanted.decoding.max_extra)
    translator = pytorch.translating(
        models.architecture(wanted).engine(model, numerics),
        numerics.device,
        prepared.tokenizers,
        options,
        models.longest_source(wanted),
    )
    counts = [min(count, len(sources)) for count in _SENTENCES]
    return loss, each(lambda count: translator.translate(sources[:count]), counts), 0.0


def _epoch(prepared: preparation.Prepared[Any], timed: _Timed) -> float:
    """Target tokens of the text that was prepared."""
    if "text" in prepared.report:
        return float(prepared.report["text"]["tokens"])
    return float(prepared.report["pairs"]["kept"]) * timed.tokens / timed.rows
