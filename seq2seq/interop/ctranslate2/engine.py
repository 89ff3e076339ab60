"""Engines on CTranslate2: the fastest on a CPU, for search and for scoring; no torch here.

CTranslate2's beam search takes the same steps as ours, but stops at a number of finished outputs, and ranks them by
their log-probability over a power of their length. So it is asked for more outputs than needed (`_PATIENCE`), which
are ranked here by GNMT's penalty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import floor
from typing import Any

from seq2seq.data.tokenizer import BOS, EOS, PAD
from seq2seq.decoding.hypothesis import Hypothesis, Tokens, hypothesis, penalty
from seq2seq.decoding.options import SampleNumber, SearchOptions
from seq2seq.decoding.translation.engine import Engine, by_length
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.loading import Vocabulary, open_model, read_vocabularies, run_errors

# Finished outputs, in beams, at which CTranslate2 stops. With 1 it misses the output of our search for one sentence in
# forty, and 0.2 to 0.3 BLEU; with 1.25 for one in two hundred, and less than 0.1; 1.5 takes a sixteenth longer.
_PATIENCE = 1.25
_WIDEST = 32  # maximum beam that is tried where smaller ones find too few outputs
_NEVER = frozenset((PAD, BOS))  # not allowed in outputs

# The outputs of a source, as strings of tokens, and their scores; then as tokens, EOS included where they end with it,
# each with the natural-log probability of all.
_Found = tuple[Sequence[Sequence[str]], Sequence[float]]
_Outputs = list[tuple[tuple[int, ...], float]]


class CTranslate2Engine:
    """Search with the opened copy of an encoder-decoder, whose sequences have at most `positions` tokens."""

    def __init__(self, model: Any, source: Vocabulary, target: Vocabulary, positions: int) -> None:
        self._model = model
        self._source = source
        self._target = target
        self._positions = positions

    def translate(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber] | None = None
    ) -> list[list[Hypothesis]]:
        """See `Engine`.

        Trained models never output PAD or BOS, and forbidding them at every step takes a tenth of the time: only
        sources for which a model does are searched again with them forbidden.
        """
        settings = _settings(options)
        limits = [self._limit(source, options.max_extra) for source in sources]
        outputs: dict[int, _Outputs] = {}
        for places in self._groups(sources):
            outputs |= self._searched(places, sources, limits, settings, options.n_best)
            odd = [place for place in places if not all(_NEVER.isdisjoint(tokens) for tokens, _ in outputs[place])]
            if odd:
                suppressed = [self._target.words([token]) for token in sorted(_NEVER)]
                forbidding = {**settings, "suppress_sequences": suppressed}
                outputs |= self._searched(odd, sources, limits, forbidding, options.n_best)
        ranked = [self._ranked(source, limits[place], outputs[place], options) for place, source in enumerate(sources)]
        if not options.token_scores:
            return ranked
        repeated = [source for source, group in zip(sources, ranked) for _ in group]
        targets = [output.tokens for group in ranked for output in group]
        scored = iter(self.score(repeated, targets, options.length_penalty))
        return [_best([next(scored) for _ in group]) for group in ranked]

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Hypothesis]:
        """See `Engine`."""
        with run_errors():
            results = self._scored(sources, targets)
        return [
            hypothesis(target, result.log_probs[-len(target) - 1 :], alpha) for target, result in zip(targets, results)
        ]

    def _groups(self, sources: Sequence[Tokens]) -> list[list[int]]:
        """The places of the sources of each call to CTranslate2."""
        return [list(range(len(sources)))]

    def _limit(self, source: Tokens, max_extra: int) -> int:
        """The maximum output tokens of a source."""
        return min(len(source) + max_extra, self._positions - 1)

    def _outputs(self, sources: Sequence[Tokens], longest: int, settings: dict[str, Any]) -> list[_Found]:
        """CTranslate2's outputs of each source."""
        results = self._model.translate_batch(
            [self._source.words(source) for source in sources],
            max_input_length=0,
            max_decoding_length=longest,
            min_decoding_length=0,
            **settings,
        )
        return [(result.hypotheses, result.scores) for result in results]

    def _scored(self, sources: Sequence[Tokens], targets: Sequence[Tokens]) -> list[Any]:
        """CTranslate2's scores of given outputs."""
        words = [self._source.words(source) for source in sources], [self._target.words(target) for target in targets]
        return list(self._model.score_batch(*words, max_input_length=0))

    def _searched(
        self,
        places: Sequence[int],
        sources: Sequence[Tokens],
        limits: Sequence[int],
        settings: dict[str, Any],
        n_best: int,
    ) -> dict[int, _Outputs]:
        """The outputs of the sources at some places. A call has one limit, the longest: sources of which fewer than
        n best end within their own are searched again with that, since what a beam keeps later is not what it kept
        there."""
        longest = max(limits[place] for place in places)
        with run_errors():
            groups = self._outputs([sources[place] for place in places], longest + 1, settings)
        outputs: dict[int, _Outputs] = {}
        late: dict[int, list[int]] = {}  # places, by their limit
        for place, (words, means) in zip(places, groups, strict=True):
            tokens = map(self._target.numbers, words)
            outputs[place] = [(output, mean * len(output)) for output, mean in zip(tokens, means)]
            if limits[place] < longest and sum(_ends(each, limits[place]) for each, _ in outputs[place]) < n_best:
                late.setdefault(limits[place], []).append(place)
        for again in late.values():
            outputs |= self._searched(again, sources, limits, settings, n_best)
        return outputs

    def _ranked(self, source: Tokens, limit: int, outputs: _Outputs, options: SearchOptions) -> list[Hypothesis]:
        """The n best outputs of a source by GNMT's penalty. Where too few end within its limit, the others are cut
        there and ended, as our search does."""
        alpha, n_best = options.length_penalty, options.n_best
        group, cut = [], []
        for tokens, total in outputs:
            if _ends(tokens, limit):
                group.append(Hypothesis(tokens[:-1], (), total / penalty(len(tokens), alpha)))
            else:
                cut.append(tokens[:limit])
        if len(group) < n_best and cut:
            cut = list(dict.fromkeys(cut))
            group += self.score([source] * len(cut), cut, alpha)
        best = _best(group)[:n_best]
        if len(best) < n_best and options.beam_size < _WIDEST:
            # Outputs that differed only after the limit are now equal: a wider search finds others.
            (best,) = self.translate([source], replace(options, beam_size=2 * options.beam_size, token_scores=False))
        return best


class CTranslate2DecoderOnlyEngine(CTranslate2Engine):
    """Search with the copy of a decoder-only translator, which reads `source BOS target EOS`. Both sides together are
    limited to the model's context, past which the PyTorch engine drops the start of the source."""

    def _groups(self, sources: Sequence[Tokens]) -> list[list[int]]:
        return by_length(sources)

    def _limit(self, source: Tokens, max_extra: int) -> int:
        return min(len(source) + max_extra, self._positions - len(source) - 1)

    def _outputs(self, sources: Sequence[Tokens], longest: int, settings: dict[str, Any]) -> list[_Found]:
        results = self._model.generate_batch(
            [self._target.words([*source, BOS]) for source in sources],
            include_prompt_in_result=False,
            max_length=longest,
            min_length=0,
            **settings,
        )
        return [(result.sequences, result.scores) for result in results]

    def _scored(self, sources: Sequence[Tokens], targets: Sequence[Tokens]) -> list[Any]:
        words = [self._target.words([*source, BOS, *target, EOS]) for source, target in zip(sources, targets)]
        return list(self._model.score_batch(words, max_input_length=0))


def load(copy: Copy, precision: str, device: str, workers: int) -> Engine:
    """The engine of a copy, which takes `workers` batches at a time, from as many threads. Raises as `open_model`."""
    vocabularies = read_vocabularies(copy, precision)
    model = open_model(copy, precision, vocabularies, device, workers)
    engine = CTranslate2DecoderOnlyEngine if copy.settings.decoder_only else CTranslate2Engine
    return engine(model, *vocabularies, copy.settings.positions)


def _settings(options: SearchOptions) -> dict[str, Any]:
    """Arguments of CTranslate2's search. With a length penalty of 1 a score is the mean of the tokens' scores, and the
    search does not stop at the first output."""
    if options.sampling is not None:
        raise RunError("CTranslate2 cannot sample with the seeds of seqx: use --engine torch")
    beam = options.beam_size
    return {
        "beam_size": beam,
        "patience": _PATIENCE if beam > 1 else 1,
        "num_hypotheses": floor(_PATIENCE * beam + 0.5) if beam > 1 else 1,
        "length_penalty": 1,
        "return_scores": True,
        "return_end_token": True,
        "disable_unk": True,
    }


def _ends(tokens: Tokens, limit: int) -> bool:
    """Whether an output ends within a limit, EOS not counted."""
    return tokens[-1:] == (EOS,) and len(tokens) <= limit + 1


def _best(group: Sequence[Hypothesis]) -> list[Hypothesis]:
    return sorted(group, key=lambda output: -output.score)
