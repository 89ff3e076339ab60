"""Token batches to candidate translations as text. No torch here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from seq2seq.data.tokenizer import Tokenizer
from seq2seq.decoding.hypothesis import NOT_FINITE, Hypothesis, Tokens, penalty
from seq2seq.decoding.options import SampleNumber, SearchOptions
from seq2seq.decoding.translation.engine import Engine, Scorer
from seq2seq.decoding.translation.outputs import Output
from seq2seq.errors import RunError

_WIDENED = 4  # maximum multiple of the beam that is tried where too few different texts are found


class Candidates:
    """The outputs of an engine as texts of the target tokenizer. `scorer`, instead of the engine, computes the scores
    that the options ask for."""

    def __init__(self, engine: Engine, target: Tokenizer, scorer: Scorer | None) -> None:
        self._engine = engine
        self._target = target
        self._scorer = scorer

    def search(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber]
    ) -> list[list[Output]]:
        """The n best outputs of each source, best first. Raises RunError where the model computes none."""
        if self._scorer is None or not options.token_scores:
            groups = self._searched(sources, options, numbers)
        else:
            groups = self._searched(sources, replace(options, token_scores=False), numbers)
            unscored = [(source, [output.tokens for output in group]) for source, group in zip(sources, groups)]
            scored = self._scorer.score(unscored, options.length_penalty)
            groups = [sorted(group, key=lambda output: -output.score) for group in scored]
        outputs = iter(self._outputs([output for group in groups for output in group], options.length_penalty))
        return [[next(outputs) for _ in group] for group in groups]

    def score(self, sources: Sequence[Tokens], targets: Sequence[Tokens], alpha: float) -> list[Output]:
        """Given outputs, one of each source, with the scores that `search` reports for the same tokens."""
        scorer = self._scorer or Scorer(lambda: self._engine, together=True)
        scored = scorer.score([(source, [target]) for source, target in zip(sources, targets)], alpha)
        return self._outputs([output for (output,) in scored], alpha)

    def _searched(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber]
    ) -> list[list[Hypothesis]]:
        """The outputs of each source. Where some have the same text, so that fewer than n remain, longer lists and
        wider beams are tried."""
        groups = self._distinct(sources, options, numbers)
        if options.n_best == 1 or options.sampling is not None:
            return groups
        for place, (source, number) in enumerate(zip(sources, numbers)):
            for widened in range(1, _WIDENED + 1):
                beam = min(widened * options.beam_size, self._target.size)
                if len(groups[place]) < options.n_best:
                    wider = replace(options, beam_size=beam, n_best=beam)
                    (groups[place],) = self._distinct([source], wider, [number])
        return [group[: options.n_best] for group in groups]

    def _distinct(
        self, sources: Sequence[Tokens], options: SearchOptions, numbers: Sequence[SampleNumber]
    ) -> list[list[Hypothesis]]:
        """The engine's outputs of each source, the best one of each text."""
        groups = self._engine.translate(sources, options, numbers)
        if not all(groups):
            raise RunError(NOT_FINITE)
        return groups if options.n_best == 1 else list(map(self._best_of_each_text, groups))

    def _best_of_each_text(self, group: list[Hypothesis]) -> list[Hypothesis]:
        best: dict[str, Hypothesis] = {}
        for text, output in zip(self._target.decode([output.tokens for output in group]), group):
            best.setdefault(text, output)
        return list(best.values())

    def _outputs(self, hypotheses: Sequence[Hypothesis], alpha: float) -> list[Output]:
        texts = self._target.decode([hypothesis.tokens for hypothesis in hypotheses])
        return [
            Output(
                text.replace("\n", " "),  # a translation is one line, whatever bytes the model writes
                hypothesis.score,
                hypothesis.score * penalty(len(hypothesis.tokens) + 1, alpha),
                (*(self._target.piece(token) for token in hypothesis.tokens), "</s>"),
                hypothesis.token_scores,
            )
            for hypothesis, text in zip(hypotheses, texts)
        ]
