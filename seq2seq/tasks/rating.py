"""What a person is asked to compare: two answers to a prompt, of one run or of two, in a random order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from seq2seq import tasks
from seq2seq.data.conversations import Turn
from seq2seq.device import Choice
from seq2seq.errors import DataError, RunError
from seq2seq.run import Run
from seq2seq.tasks import models

_TOGETHER = 8  # prompts that are answered at once: a person reads more slowly


class Question(NamedTuple):
    """A prompt and two answers that differ; `writers` has the number of the run that wrote each."""

    prompt: tuple[Turn, ...]
    answers: tuple[str, str]
    writers: tuple[int, int]


class Writer:
    """A finished run as a writer of answers, drawn at a temperature."""

    def __init__(self, run: Run, device: Choice, *, temperature: float, max_tokens: int) -> None:
        recipe = run.recipe()
        task = tasks.of(recipe).served()
        self.recipe = task.recipe
        self._tokenizers = models.read_tokenizers(recipe, run.path)
        model: Any = task.trained(run, device.numerics.device)
        self._sampler = models.architecture(recipe).sampler(model, device.numerics)
        # As in a chat, an answer may be shorter than asked for where the context has no place for more.
        needed = min(max_tokens, max(1, recipe.model.max_length // 4))
        self._longest = models.longest_prompt(self.recipe, needed)
        self._temperature, self._max_tokens = temperature, max_tokens

    def fits(self, prompt: Sequence[Turn]) -> bool:
        """Whether a prompt leaves place for an answer."""
        (tokens,) = models.encode_prompts(self.recipe, self._tokenizers, [prompt])
        return 0 < len(tokens) <= self._longest

    def answers(self, prompts: Sequence[Sequence[Turn]], seed: int, numbers: Sequence[int]) -> list[str]:
        """An answer to each prompt, which follows from the seed and its number."""
        rollouts = self._sampler.sample(
            models.encode_prompts(self.recipe, self._tokenizers, prompts),
            max_tokens=self._max_tokens,
            seed=seed,
            temperature=self._temperature,
            numbers=numbers,
        )
        texts = self._tokenizers.target.decode([rollout.tokens for rollout in rollouts])
        return [text.strip() for text in texts]


def questions(writers: Sequence[Writer], prompts: Iterable[tuple[Turn, ...]], seed: int) -> Iterator[Question]:
    """Two answers to each prompt, by both of two writers or by one; prompts that are too long, and equal or empty
    answers, are left out."""
    usable = (prompt for prompt in prompts if all(writer.fits(prompt) for writer in writers))
    first = 0
    while some := list(islice(usable, _TOGETHER)):
        sides = [
            writer.answers(some, seed, range(first + side, first + side + 2 * len(some), 2))
            for side, writer in enumerate((writers[0], writers[-1]))
        ]
        for place, (prompt, *answers) in enumerate(zip(some, *sides)):
            if all(answers) and answers[0] != answers[1]:
                one = int(np.random.default_rng((seed, first + 2 * place)).integers(2))
                numbers = (one, 1 - one) if len(writers) == 2 else (0, 0)
                yield Question(prompt, (answers[one], answers[1 - one]), numbers)
        first += 2 * len(some)


def training_prompts(run: Run, seed: int) -> list[tuple[Turn, ...]]:
    """The different prompts of a run's training text, shuffled: those of dev and test must not be learnt from. Raises
    DataError where the text is not available."""
    task = tasks.of(run.recipe()).served()
    try:
        corpus = task.find({})
    except DataError as error:
        raise DataError(f"the prompts of {run.path} are not available ({error}); give --input FILE") from error
    found: dict[tuple[Turn, ...], None] = {}
    for source in corpus.train:
        if task.prompts_itself:
            found |= {record.prompt: None for record in task.prompts(source)}
        else:
            found |= {record.turns[:-1]: None for record in source.read()}
    prompts = list(found)
    return [prompts[place] for place in np.random.default_rng(seed).permutation(len(prompts))]


def must_be_alike(runs: Sequence[Run]) -> None:
    """Raise RunError where two runs do not do the same."""
    does = [tasks.of(run.recipe()).does for run in runs]
    if len(set(does)) > 1:
        raise RunError(f"{runs[0].path} {does[0]}, {runs[1].path} {does[1]}: name two runs that do the same")
