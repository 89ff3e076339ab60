"""Greedy and beam search find what the plain loops of tests/reference.py find, over a table of random probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN
from seq2seq.decoding.hypothesis import Hypothesis, penalty
from seq2seq.decoding.search import beam_search, most_probable, roll_out, unroll
from seq2seq.model.state import State
from tests.support import reference
from tests.support.fakes import TableSteps

CPU = torch.device("cpu")
SEEDS = st.integers(0, 10_000)
LIMITS = st.lists(st.integers(0, 6), min_size=1, max_size=4)


def beam(
    steps: TableSteps, limits: Sequence[int], *, beam_size: int, alpha: float = 0.6, n_best: int = 1, first: int = 0
) -> list[list[Hypothesis]]:
    """Search over the sentences numbered from `first` on."""
    state = steps.start(range(first, first + len(limits)))
    return beam_search(steps, state, limits, beam_size=beam_size, alpha=alpha, n_best=n_best, device=CPU)


def same(found: Sequence[Hypothesis], expected: Sequence[tuple[tuple[int, ...], list[float], float]]) -> None:
    assert [hypothesis.tokens for hypothesis in found] == [tokens for tokens, _, _ in expected]
    for hypothesis, (_, scores, score) in zip(found, expected):
        assert hypothesis.token_scores == pytest.approx(scores, abs=1e-5)
        assert hypothesis.score == pytest.approx(score, abs=1e-5)
        assert sum(hypothesis.token_scores) == pytest.approx(sum(scores), abs=1e-5)


@given(
    seed=SEEDS,
    limits=LIMITS,
    vocabulary=st.integers(5, 9),
    beam_size=st.integers(1, 6),
    n_best=st.integers(1, 4),
    alpha=st.sampled_from([0.0, 0.6, 1.0, 3.0]),
    end=st.sampled_from([-3.0, 0.0, 3.0]),
)
def test_beam_search_finds_what_the_plain_loops_find(
    seed: int, limits: list[int], vocabulary: int, beam_size: int, n_best: int, alpha: float, end: float
) -> None:
    """The loops take one sentence at a time, go on to its limit always, and keep no state."""
    steps = TableSteps(vocabulary, seed, end=end)
    found = beam(steps, limits, beam_size=beam_size, alpha=alpha, n_best=n_best)
    for sentence, (hypotheses, limit) in enumerate(zip(found, limits, strict=True)):
        following = partial(steps.log_probabilities, sentence)
        same(hypotheses, reference.beam_search(following, limit, beam_size=beam_size, alpha=alpha, n_best=n_best))


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_beam_wide_enough_finds_the_best_of_all_outputs(seed: int, alpha: float) -> None:
    vocabulary, limit = 7, 4  # 3 + 9 + 27 + 81 + 1 outputs
    steps = TableSteps(vocabulary, seed)
    outputs = reference.every_output(partial(steps.log_probabilities, 0), vocabulary, limit)
    ranked = sorted((-total / penalty(len(tokens) + 1, alpha), tokens) for tokens, total in outputs)
    (found,) = beam(steps, [limit], beam_size=4**limit, alpha=alpha, n_best=200)
    assert len(found) == len(ranked) == 121
    assert [hypothesis.tokens for hypothesis in found] == [tokens for _, tokens in ranked]
    assert [hypothesis.score for hypothesis in found] == pytest.approx([-score for score, _ in ranked], abs=1e-5)


@given(seed=SEEDS, limits=LIMITS, beam_size=st.integers(1, 4))
def test_a_batch_finds_what_each_sentence_alone_finds(seed: int, limits: list[int], beam_size: int) -> None:
    steps = TableSteps(8, seed)
    together = beam(steps, limits, beam_size=beam_size, n_best=beam_size)
    for sentence, limit in enumerate(limits):
        assert together[sentence] == beam(steps, [limit], beam_size=beam_size, n_best=beam_size, first=sentence)[0]


def test_search_stops_when_nothing_can_win_any_more() -> None:
    eager = TableSteps(8, seed=1, end=8.0)
    beam(eager, [500, 300], beam_size=4)
    assert eager.taken < 20
    roll_out(eager, eager.start([0, 1]), [500, 300], most_probable, alpha=0.6, device=CPU)
    assert eager.taken < 25


def test_search_goes_on_while_a_longer_output_can_still_win() -> None:
    """Ending at once is most probable, but a strong length penalty favours what only a patient search finds."""
    table = {(): [0.55, 0.45], (4,): [0.1, 0.9], (4, 4): [0.1, 0.9], (4, 4, 4): [0.99, 0.01]}

    class Patient:
        def step(self, tokens: Tensor, state: State) -> Tensor:
            so_far = state.caches[0].append(tokens[:, :, None, None], tokens[:, :, None, None]).key[:, 0, 1:, 0]
            ends = [table[tuple(row)] for row in so_far.tolist()]
            return torch.tensor([[1e-9, 1e-9, 1e-9, *row] for row in ends]).log()[:, None]

    state = TableSteps(5, 1).start([0])
    ((found,),) = beam_search(Patient(), state, [3], beam_size=1, alpha=2.0, device=CPU)
    assert found.tokens == (4, 4, 4)


@given(seed=SEEDS, limits=LIMITS, end=st.sampled_from([-3.0, 0.0, 3.0]))
def test_greedy_takes_the_most_probable_token_each_time(seed: int, limits: list[int], end: float) -> None:
    steps = TableSteps(8, seed, end=end)
    found = roll_out(steps, steps.start(range(len(limits))), limits, most_probable, alpha=0.6, device=CPU)
    for sentence, (hypothesis, limit) in enumerate(zip(found, limits, strict=True)):
        following = partial(steps.log_probabilities, sentence)
        tokens = reference.greedy(following, limit)
        scores = [following(tokens[:t])[token] for t, token in enumerate((*tokens, EOS))]
        same([hypothesis], [(tokens, scores, sum(scores) / penalty(len(scores), 0.6))])


@given(seed=SEEDS, limits=LIMITS)
def test_greedy_is_a_beam_of_one_without_length_penalty(seed: int, limits: list[int]) -> None:
    steps = TableSteps(8, seed)
    by_beam = beam(steps, limits, beam_size=1, alpha=0.0)
    assert roll_out(steps, steps.start(range(len(limits))), limits, most_probable, alpha=0.0, device=CPU) == [
        found for (found,) in by_beam
    ]


@given(seed=SEEDS, limits=LIMITS, beam_size=st.integers(1, 5))
def test_outputs_keep_their_limit_and_hold_nothing_banned(seed: int, limits: list[int], beam_size: int) -> None:
    steps = TableSteps(6, seed, end=-6.0)  # two words: most of the probability is on what is banned
    found = beam(steps, limits, beam_size=beam_size, n_best=beam_size)
    rolled_out = roll_out(steps, steps.start(range(len(limits))), limits, most_probable, alpha=0.6, device=CPU)
    for limit, hypotheses, one in zip(limits, found, rolled_out):
        assert hypotheses
        for hypothesis in (*hypotheses, one):
            assert len(hypothesis.tokens) <= limit
            assert len(hypothesis.token_scores) == len(hypothesis.tokens) + 1
            assert not {PAD, UNKNOWN, BOS, EOS} & set(hypothesis.tokens)


def test_the_n_best_are_distinct_and_in_order() -> None:
    (found,) = beam(TableSteps(9, seed=5), [6], beam_size=5, n_best=5)
    assert len({hypothesis.tokens for hypothesis in found}) == 5
    assert [hypothesis.score for hypothesis in found] == sorted(
        (hypothesis.score for hypothesis in found), reverse=True
    )


def test_a_model_that_gives_no_number_does_not_search_for_ever() -> None:
    class Broken:
        def step(self, tokens: Tensor, state: State) -> Tensor:
            assert state.length < 100, "the search went past its limit"
            state.length += 1
            return torch.full((len(tokens), 1, 8), float("nan"))

    beam_search(Broken(), TableSteps(8, 1).start([0, 1]), [3, 4], beam_size=2, alpha=0.6, device=CPU)


def test_no_sentences_have_no_outputs() -> None:
    steps = TableSteps(8, 1)
    assert roll_out(steps, State([], [], None), [], most_probable, alpha=0.6, device=CPU) == []
    assert beam_search(steps, State([], [], None), [], beam_size=4, alpha=0.6, device=CPU) == []


def test_the_length_penalty_is_that_of_gnmt() -> None:
    assert [penalty(length, 0.0) for length in (1, 9)] == [1, 1]
    assert penalty(1, 0.7) == 1
    assert penalty(13, 2.0) == pytest.approx(9)


@given(seed=SEEDS, firsts=st.lists(st.integers(4, 8), min_size=1, max_size=3), beam_size=st.integers(1, 4))
def test_search_begins_after_the_token_that_it_is_given(seed: int, firsts: list[int], beam_size: int) -> None:
    steps, rows, limits, first = TableSteps(9, seed), range(len(firsts)), [5] * len(firsts), torch.tensor(firsts)
    rolled_out = roll_out(steps, steps.start(rows), limits, most_probable, alpha=0.6, first=first, device=CPU)
    searched = beam_search(steps, steps.start(rows), limits, beam_size=beam_size, alpha=0.6, first=first, device=CPU)
    for sentence, (start, one, (best,)) in enumerate(zip(firsts, rolled_out, searched, strict=True)):

        def following(tokens: tuple[int, ...], before: tuple[int, int] = (sentence, start)) -> list[float]:
            return steps.log_probabilities(before[0], (before[1], *tokens))

        assert one.tokens == reference.greedy(following, 5)
        same([best], reference.beam_search(following, 5, beam_size=beam_size, alpha=0.6, n_best=1))


@pytest.mark.parametrize("alpha", [0.0, 0.8])
@pytest.mark.parametrize("seed", range(4))
def test_a_cut_search_ends_no_output_by_force(seed: int, alpha: float) -> None:
    """A beam wide enough finds the best of all outputs that end within the limit, or are as long as it is."""
    vocabulary, limit = 7, 4
    steps = TableSteps(vocabulary, seed)
    following = partial(steps.log_probabilities, 0)
    outputs = []
    for length in range(limit + 1):
        for tokens in product(range(EOS + 1, vocabulary), repeat=length):
            spelt = tokens if length == limit else (*tokens, EOS)
            scores = [following(spelt[:t])[token] for t, token in enumerate(spelt)]
            outputs.append((tokens, scores, sum(scores) / penalty(len(spelt), alpha)))
    outputs.sort(key=lambda output: -output[2])
    (found,) = beam_search(
        steps, steps.start([0]), [limit], beam_size=4**limit, alpha=alpha, n_best=200, cut=True, device=CPU
    )
    same(found, outputs)
    narrow = beam_search(
        steps, steps.start([0, 1]), [limit, 2], beam_size=2, alpha=alpha, n_best=2, cut=True, device=CPU
    )
    for found, most in zip(narrow, (limit, 2), strict=True):
        for output in found:
            assert len(output.tokens) == most or len(output.token_scores) == len(output.tokens) + 1


def test_tokens_come_a_step_at_a_time_and_a_row_leaves_when_told() -> None:
    steps, limits = TableSteps(9, seed=3, end=-9.0), [20, 20, 20]
    whole = roll_out(steps, steps.start(range(3)), limits, most_probable, alpha=0.6, device=CPU)
    ended: set[int] = set()
    so_far: list[list[int]] = [[], [], []]
    steps.taken = 0
    choosing = unroll(
        steps, steps.start(range(3)), limits, lambda logits, rows: logits.argmax(-1), ended=ended, device=CPU
    )
    for number, step in enumerate(choosing, start=1):
        assert steps.taken == number  # nothing is computed ahead
        for row, token, score in step:
            assert score == whole[row].token_scores[len(so_far[row])]
            so_far[row].append(token)
        if number == 4:
            ended.add(1)
        if number == 7:
            ended |= {0, 2}
    assert [len(tokens) for tokens in so_far] == [7, 4, 7]
    assert all(tuple(tokens) == found.tokens[: len(tokens)] for tokens, found in zip(so_far, whole))
