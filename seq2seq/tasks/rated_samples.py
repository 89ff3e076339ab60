"""Comparisons made without people: two samples each of a start, on prompts whose right answers are known, of which a
simulated rater prefers one; some labels are flipped, as people disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from seq2seq import tasks
from seq2seq.data.cache import find_or_build, report_of, write_report
from seq2seq.data.comparisons import Comparison, ComparisonKind, ComparisonSource, of_row, row_of
from seq2seq.data.corpus import SPLITS, Corpus, Source, SplitName
from seq2seq.data.folding import fold
from seq2seq.data.prompts import Prompt, text_of
from seq2seq.data.rows import read_json_lines
from seq2seq.data.tokenizers import Tokenizers
from seq2seq.decoding.rollouts import RolloutSampler
from seq2seq.device import Choice
from seq2seq.errors import DataError
from seq2seq.evaluation.comparisons import flips
from seq2seq.evaluation.raters import Rater, rater
from seq2seq.recipe import Recipe
from seq2seq.recipe.preferences import Comparisons
from seq2seq.run import Run
from seq2seq.storage.checksums import checksum_of, described
from seq2seq.tasks import lineage, models
from seq2seq.tasks.preparation import cache_for, other_caches
from seq2seq.tasks.task import Say

_FORMAT = 1
_TOGETHER = 256  # prompts whose samples are drawn together
_ROUNDS = 8  # pairs of samples of a prompt, at most, where prompts are fewer than the comparisons wanted
_TOO_FEW = 8  # comparisons to train on


class Rated(NamedTuple):
    """A comparison, and how the rater judged its sides."""

    comparison: Comparison
    chosen: float
    rejected: float


def comparisons(
    recipe: Recipe,
    prompts: Callable[[Source[Any]], Iterable[Prompt]],
    corpus: Corpus[Any],
    tokenizers: Tokenizers,
    run: Run,
    device: Choice,
    say: Say,
) -> Corpus[ComparisonSource]:
    """The comparisons of a corpus that `prompts` reads, by the start of a run; `recipe` is that of a run of the
    start's task. They are made once for a start, a text and settings, and found again. Raises DataError where prompts
    have no references, or samples do not differ."""
    settings, start = recipe.comparisons, lineage.of(run)
    assert settings is not None and settings.rater is not None
    start.must_be_unchanged(start.weights.name, "tokenizer")
    record = start.record()
    key = {
        "format": _FORMAT,
        "settings": settings.model_dump(exclude={"centring", "likelihood"}),
        "weights": record["weights"]["sha256"],
        "recipe": recipe.model_dump(include={"model": True, "tokenizer": True, "data": {"max_length"}}),
        "tokenizers": [described(file)["sha256"] for file in sorted(start.path.glob("tokenizer*"))],
        "text": [source.checksum() for sources in corpus.splits().values() for source in sources],
    }

    def write(folder: Path) -> None:
        made = _made(recipe, settings, prompts, corpus, tokenizers, start, device, say)
        for split, rated in made.items():
            (folder / f"{split}.jsonl").write_bytes(b"".join(row_of(each.comparison) for each in rated))
        write_report(folder, {"made": {split: _report(rated) for split, rated in made.items()}})

    folder = find_or_build([checksum_of(key)], write, cache_for(run, corpus), also=other_caches(), say=say)
    report = report_of(folder)["made"] | {"flipped": settings.flipped, "caches": [folder.name]}
    origin = f"samples of {lineage.start_of(recipe).run}, compared by {settings.rater}"
    sources = {
        split: _source(recipe, folder / f"{split}.jsonl", f"{origin}, {split}", source[0], report)
        for split, source in corpus.splits().items()
    }
    say(
        f"Comparisons: {report['train']['comparisons']:,} to train on, {settings.flipped:.0%} of the labels "
        f"flipped; {report['dev']['comparisons']:,} and {report['test']['comparisons']:,} of held-out prompts"
    )
    return Corpus(corpus.name, corpus.found, (sources["train"],), sources["dev"], sources["test"])


def _source(
    recipe: Recipe, file: Path, origin: str, prompts: Source[Any], report: Mapping[str, Any]
) -> ComparisonSource:
    source = ComparisonKind(recipe.data).source(
        origin, lambda: (of_row(row, place) for place, row in read_json_lines(file))
    )
    return ComparisonSource(source.origin, source.read, source.checksum, of=prompts, made=report)


def _made(
    recipe: Recipe,
    settings: Comparisons,
    prompts: Callable[[Source[Any]], Iterable[Prompt]],
    corpus: Corpus[Any],
    tokenizers: Tokenizers,
    start: Run,
    device: Choice,
    say: Say,
) -> dict[SplitName, list[Rated]]:
    """The rated comparisons of each split; labels of the training split are flipped."""
    assert settings.rater is not None
    model = tasks.of(start.recipe()).trained(start, device.numerics.device)
    sampler = models.architecture(recipe).sampler(model, device.numerics)
    judge = rater(settings.rater)
    wanted = {"train": settings.pairs, "dev": settings.held_out, "test": settings.held_out}
    made: dict[SplitName, list[Rated]] = {}
    seen: set[str] = set()  # prompts of the splits before
    for number, split in enumerate(reversed(SPLITS)):  # those held out first
        read = [prompt for source in corpus.splits()[split] for prompt in prompts(source)]
        chosen = _chosen(recipe, settings, read, tokenizers, seen, 2 * wanted[split], number)
        if not chosen:
            raise DataError(
                f"{corpus.splits()[split][0].origin}: no prompt for {split} has a reference and is short enough; "
                f'comparisons.rater = "{settings.rater}" needs them'
            )
        say(f"Two samples of the start for each of {min(len(chosen), wanted[split]):,} prompts for {split}")
        rated = list(_rated(chosen, settings, sampler, tokenizers, judge, wanted[split], number))
        if len(rated) < (_TOO_FEW if split == "train" else 1):
            raise DataError(
                f"only {len(rated)} of the comparisons for {split} have sides that the rater tells apart: raise "
                "comparisons.temperature, or start from a run that errs more"
            )
        flipped = flips(len(rated), settings.flipped if split == "train" else 0.0, settings.seed)
        made[split] = [_flipped(each) if flip else each for each, flip in zip(rated, flipped)]
        seen |= {_key(prompt) for prompt, _ in chosen}
    return made


def _chosen(
    recipe: Recipe,
    settings: Comparisons,
    prompts: Sequence[Prompt],
    tokenizers: Tokenizers,
    seen: set[str],
    most: int,
    number: int,
) -> list[tuple[Prompt, list[int]]]:
    """Up to `most` different prompts that can be completed and rated, with their tokens, in a random order."""
    longest = models.longest_prompt(recipe, settings.max_tokens)
    known, found = set(seen), []
    for place in np.random.default_rng((settings.seed, number)).permutation(len(prompts)):
        prompt = prompts[place]
        if not prompt.reference or not fold(text_of(prompt)) or (key := _key(prompt)) in known:
            continue
        known.add(key)
        (tokens,) = models.encode_prompts(recipe, tokenizers, [prompt.prompt])
        if 0 < len(tokens) <= longest:
            found.append((prompt, tokens))
            if len(found) == most:
                break
    return found


def _rated(
    prompts: Sequence[tuple[Prompt, list[int]]],
    settings: Comparisons,
    sampler: RolloutSampler,
    tokenizers: Tokenizers,
    judge: Rater,
    wanted: int,
    number: int,
) -> Iterator[Rated]:
    """Up to `wanted` different comparisons: the prompts once each, and again while there are too few."""
    known: set[Comparison] = set()
    for round_ in range(_ROUNDS):
        for begin in range(0, len(prompts), _TOGETHER):
            some = prompts[begin : begin + _TOGETHER]
            first = 2 * (round_ * len(prompts) + begin)
            rollouts = sampler.sample(
                [tokens for _, tokens in some for _ in range(2)],
                max_tokens=settings.max_tokens,
                seed=settings.seed * len(SPLITS) + number,
                temperature=settings.temperature,
                numbers=range(first, first + 2 * len(some)),
            )
            texts = tokenizers.target.decode([rollout.tokens for rollout in rollouts])
            for (prompt, _), one, other in zip(some, texts[::2], texts[1::2]):
                rated = _compared(prompt, one.strip(), other.strip(), judge)
                if rated is not None and rated.comparison not in known:
                    known.add(rated.comparison)
                    yield rated
                    if len(known) == wanted:
                        return


def _compared(prompt: Prompt, one: str, other: str, judge: Rater) -> Rated | None:
    """Two samples compared; None where they cannot be, or the rater prefers neither."""
    if not one or not other or one == other:
        return None
    scores = [judge(text_of(prompt), prompt.reference, text) for text in (one, other)]
    if scores[0] == scores[1]:
        return None
    (high, chosen), (low, rejected) = sorted(zip(scores, (one, other)), reverse=True)
    return Rated(Comparison(prompt.prompt, chosen, rejected), high, low)


def _flipped(rated: Rated) -> Rated:
    prompt, chosen, rejected = rated.comparison
    return Rated(Comparison(prompt, rejected, chosen), rated.rejected, rated.chosen)


def _report(rated: Sequence[Rated]) -> dict[str, Any]:
    """Counts and means, for run.json."""
    longer = Counter(len(each.comparison.chosen) > len(each.comparison.rejected) for each in rated)
    return {
        "comparisons": len(rated),
        "prompts": len({each.comparison.prompt for each in rated}),
        "agreement": float(np.mean([each.chosen > each.rejected for each in rated])),  # of labels with the rater
        "chosen": float(np.mean([each.chosen for each in rated])),
        "rejected": float(np.mean([each.rejected for each in rated])),
        "chosen_longer": longer[True] / len(rated),
    }


def _key(prompt: Prompt) -> str:
    return "\n".join(fold(turn.content).decode("utf-8", "replace") for turn in prompt.prompt)
