"""Which words of a source the words of its translation come from, by the attention of the model that translates.

Of a translator's many maps of attention some are alignments, and which ones differs from run to run. Nobody has aligned
the text of most, so the map is chosen that agrees best with what the words of the run's own test set say by how often
they occur together. That is done once, and kept in run.json.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from seq2seq.data.characters import has_letters
from seq2seq.data.cutting import cut
from seq2seq.decoding.alignment import Link, links_of, of_words, word_of_each, words
from seq2seq.decoding.translation.segments import Segmenter
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.evaluation import judge as judging
from seq2seq.evaluation.alignment import by_cooccurrence, error_rate
from seq2seq.model.recording import recorded
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks.attention import TranslatorReader

_READ, _COMPARED = 4000, 200  # pairs of the test set: to count words in, and to choose the map by
_BATCH = 2048  # padded tokens
_KEPT = "alignment"  # in run.json


class AlignmentHead(NamedTuple):
    """The map of attention that alignments are read off: a head of a layer, from 1; None for the mean of all."""

    layer: int | None = None
    head: int | None = None
    agreement: float | None = None  # with the links that cooccurrence gives, F1; None where there was no text

    def of(self, weights: Tensor) -> Tensor:
        """The map (B, T, S) of all weights (L, B, H, T, S)."""
        layer = weights.mean(0) if self.layer is None else weights[self.layer - 1]
        return layer.mean(1) if self.head is None else layer[:, self.head - 1]

    def __str__(self) -> str:
        layer = "all layers" if self.layer is None else f"layer {self.layer}"
        head = "mean of the heads" if self.head is None else f"head {self.head}"
        known = "" if self.agreement is None else f", which agrees best with word counts (F1 {self.agreement:.2f})"
        return f"{layer}, {head}{known}"


class Aligner:
    """A translator's alignments. `say` receives a message where a map has to be chosen first."""

    def __init__(
        self, run: Run, numerics: Numerics, sentences: str = "auto", say: Callable[[str], None] = lambda message: None
    ) -> None:
        self._reader = TranslatorReader(run, numerics)
        data = self._reader.recipe.data
        self._segmenter = Segmenter.of_run(run.path, run.record, data.source, data.target, sentences)
        self.chosen = self._kept(run) or self._choose(run, say)

    def align(self, pairs: Sequence[tuple[str, str]]) -> list[list[Link]]:
        """The links of lines with their translations. A line of several sentences is aligned sentence by sentence where
        its translation has as many; a line without letters to itself; none where a side is too long for the model."""
        parts = [self._segmenter.paired(*pair) for pair in pairs]
        found = self._aligned([part for each in parts for part in each])
        return [_shifted(each, [next(found) for _ in each]) for each in parts]

    def _aligned(self, pairs: Sequence[tuple[str, str]]) -> Iterator[list[Link]]:
        """The links of texts that are read as one."""
        usable = [number for number, (source, _) in enumerate(pairs) if has_letters(source)]
        maps = dict(zip(usable, self.maps([pairs[number] for number in usable], [self.chosen])))
        for number, (source, target) in enumerate(pairs):
            if number in maps:
                yield links_of(maps[number][0])
            else:
                same = source.split() == target.split()
                yield [(place, place) for place in range(len(words(target)))] if same else []

    def maps(
        self, pairs: Sequence[tuple[str, str]], candidates: Sequence[AlignmentHead]
    ) -> list[list[NDArray[np.float64]]]:
        """The weights of words (E, F) by each candidate, for each pair; empty where a side is too long or blank."""
        reader = self._reader
        tokens = [(reader.source(source), reader.target(target)) for source, target in pairs]
        found = [[np.zeros((0, 0)) for _ in candidates] for _ in pairs]
        fits = [number for number, each in enumerate(tokens) if all(map(reader.fits, each))]
        order = sorted(fits, key=lambda number: len(tokens[number][0]) + len(tokens[number][1]))
        lengths = np.array([len(tokens[number][0]) + len(tokens[number][1]) for number in order])
        for start, end in cut(lengths, _BATCH) if order else ():
            rows = order[start:end]
            weights = self._weights([tokens[number] for number in rows])
            by_candidate = [each.of(weights).double().cpu().numpy() for each in candidates]
            for row, number in enumerate(rows):
                (source, target), (text, translation) = tokens[number], pairs[number]
                sizes = len(words(text)), len(words(translation))
                own = word_of_each(reader.tokenizers.source, source, text)
                other = word_of_each(reader.tokenizers.target, target, translation)
                first = len(source) if reader.joined else 0  # the row that predicts the first token
                found[number] = [
                    of_words(each[row, first : first + len(target), : len(source)], own, other, sizes)
                    for each in by_candidate
                ]
        return found

    @torch.inference_mode()
    def _weights(self, tokens: Sequence[tuple[list[int], list[int]]]) -> Tensor:
        """What the states of targets give to sources, (L, B, H, T, S): of a decoder-only model, part of its attention
        to itself."""
        reader = self._reader
        batch = reader.architecture.layout.collate(*zip(*tokens)).to(reader.numerics.device)
        _, record = recorded(reader.model, *batch.inputs)
        kind = "decoder" if reader.joined else "cross"
        return torch.stack([each.weights for each in record if each.kind == kind])

    def _kept(self, run: Run) -> AlignmentHead | None:
        kept = run.record().get(_KEPT)
        if not isinstance(kept, dict) or kept.get("weights") != _weights_of(run):
            return None
        with suppress(KeyError, TypeError, ValueError):
            layer, head = (None if kept[key] is None else int(kept[key]) for key in ("layer", "head"))
            if AlignmentHead(layer, head) in candidates_of(self._reader.recipe):
                return AlignmentHead(layer, head, float(kept["agreement"]))
        return None

    def _choose(self, run: Run, say: Callable[[str], None]) -> AlignmentHead:
        """The map whose links of the test set agree best with those by cooccurrence, the first of equals; the mean of
        all where the run has no test set. Raises RunError where that is damaged."""
        there = judging.read_set(run)[:_READ] if (run.path / "test.jsonl").is_file() else []
        known = [(each.source, each.references[0]) for each in there]
        known = [(source, target) for source, target in known if has_letters(source) and has_letters(target)]
        if not known:
            return AlignmentHead()
        say("Choosing the attention that alignments are read off, once")
        counted = by_cooccurrence([(_folded(source), _folded(target)) for source, target in known])
        compared = known[:: max(1, len(known) // _COMPARED)][:_COMPARED]
        right = [links_of(counted[number]) for number in range(0, len(known), max(1, len(known) // _COMPARED))]
        candidates = candidates_of(self._reader.recipe)
        maps = self.maps(compared, candidates)
        both = [number for number, each in enumerate(maps) if each[0].size and right[number]]
        wanted = [right[number] for number in both]
        scores = [
            1 - error_rate([links_of(maps[number][place]) for number in both], wanted, wanted)
            for place in range(len(candidates))
        ]
        best = int(np.argmax(scores)) if both else 0
        chosen = candidates[best]._replace(agreement=round(scores[best], 4))
        with suppress(RunError):  # a folder that cannot be written to: chosen again the next time
            run.note(**{_KEPT: {**chosen._asdict(), "pairs": len(both), "weights": _weights_of(run)}})
        return chosen


def candidates_of(recipe: Recipe) -> list[AlignmentHead]:
    """The maps that alignments may be read off: the mean of all, and of each layer the mean of its heads and each."""
    layers, heads = range(1, recipe.model.decoder_layers + 1), range(1, recipe.model.n_heads + 1)
    return [AlignmentHead(), *(AlignmentHead(layer, head) for layer in layers for head in (None, *heads))]


def _shifted(parts: Sequence[tuple[str, str]], links: Sequence[list[Link]]) -> list[Link]:
    """The links of a line out of those of its parts."""
    found, source, target = [], 0, 0
    for (text, translation), own in zip(parts, links):
        found += [(source + one, target + other) for one, other in own]
        source, target = source + len(words(text)), target + len(words(translation))
    return found


def _folded(text: str) -> list[str]:
    """Words by which texts are compared: in small letters, without the punctuation around them."""
    return [re.sub(r"^\W+|\W+$", "", word.lower()) or word for word in words(text)]


def _weights_of(run: Run) -> Any:
    """What says that a run's weights are others: their checksum, or the step of older records."""
    record = run.record()
    return record.get("weights", {}).get("sha256") or record.get("finished")
