"""The engines over models of random weights: search with cache and batch is search without, and scores agree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN, Bytes, Tokenizers
from seq2seq.decoding.hypothesis import Hypothesis
from seq2seq.decoding.options import Sampling, SearchOptions
from seq2seq.decoding.translation.torch import DecoderOnlyEngine, TorchEngine
from seq2seq.device import Numerics
from seq2seq.model.gpt import Gpt
from seq2seq.model.transformer import Transformer
from seq2seq.tasks import models
from tests.support import reference
from tests.support.fakes import tiny_gpt, tiny_transformer

SOURCES = [[5, 9, 4], [7], [], [10, 6, 6, 8, 4, 5], [8, 4], [10, 7, 9], [6]]
GREEDY = SearchOptions(beam_size=1, max_extra=4)
BEAM = SearchOptions(beam_size=3, n_best=3, max_extra=4, length_penalty=1.0)
SAMPLED = SearchOptions(sampling=Sampling(seed=5), n_best=3, max_extra=4)
CPU = Numerics(torch.device("cpu"), None)


@pytest.fixture(params=["encoder-decoder", "decoder-only"])
def model(request: pytest.FixtureRequest) -> Transformer | Gpt:
    return tiny_transformer(deviation=0.8) if request.param == "encoder-decoder" else tiny_decoder()


@pytest.fixture
def engine(model: Transformer | Gpt) -> TorchEngine | DecoderOnlyEngine:
    return engine_of(model)


def tiny_decoder(deviation: float = 0.8, **changes: Any) -> Gpt:
    return tiny_gpt(deviation=deviation, max_length=64, **changes)


def engine_of(model: Transformer | Gpt, numerics: Numerics = CPU) -> TorchEngine | DecoderOnlyEngine:
    return DecoderOnlyEngine(model, numerics) if isinstance(model, Gpt) else TorchEngine(model, numerics)


def uncached(model: Transformer | Gpt, source: Sequence[int]) -> Callable[[tuple[int, ...]], list[float]]:
    """The model as a function of the tokens so far, computed anew from nothing each time."""

    def following(tokens: tuple[int, ...]) -> list[float]:
        with torch.no_grad():
            if isinstance(model, Gpt):
                logits = model(torch.tensor([[*source, BOS, *tokens]]))
            else:
                logits = model(torch.tensor([[*source, EOS]]), None, torch.tensor([[BOS, *tokens]]))
        return logits[0, -1].double().log_softmax(-1).tolist()  # type: ignore[no-any-return]

    return following


def close(one: Hypothesis, other: Hypothesis) -> bool:
    return (
        one.tokens == other.tokens
        and one.token_scores == pytest.approx(other.token_scores, abs=1e-4)
        and one.score == pytest.approx(other.score, abs=1e-4)
    )


def test_greedy_rolls_out_the_most_probable_tokens(
    model: Transformer | Gpt, engine: TorchEngine | DecoderOnlyEngine
) -> None:
    found = engine.translate(SOURCES, GREEDY)
    for source, (hypothesis,) in zip(SOURCES, found, strict=True):
        assert hypothesis.tokens == reference.greedy(uncached(model, source), len(source) + 4)
    assert len({hypothesis.tokens for (hypothesis,) in found}) > 2


def test_beams_are_those_of_the_plain_loops(model: Transformer | Gpt, engine: TorchEngine | DecoderOnlyEngine) -> None:
    for source, found in zip(SOURCES, engine.translate(SOURCES, BEAM), strict=True):
        expected = reference.beam_search(uncached(model, source), len(source) + 4, beam_size=3, alpha=1.0, n_best=3)
        assert [hypothesis.tokens for hypothesis in found] == [tokens for tokens, _, _ in expected]
        assert [hypothesis.score for hypothesis in found] == pytest.approx(
            [score for _, _, score in expected], abs=1e-4
        )


@pytest.mark.parametrize("options", [GREEDY, BEAM], ids=["greedy", "beam"])
def test_a_batch_finds_what_each_source_alone_finds(
    engine: TorchEngine | DecoderOnlyEngine, options: SearchOptions
) -> None:
    together = engine.translate(SOURCES, options)
    for source, hypotheses in zip(SOURCES, together, strict=True):
        (alone,) = engine.translate([source], options)
        assert len(alone) == len(hypotheses)
        assert all(close(one, other) for one, other in zip(alone, hypotheses))


@pytest.mark.parametrize("options", [GREEDY, BEAM, SAMPLED], ids=["greedy", "beam", "sampling"])
def test_forced_decoding_gives_the_scores_that_translate_reported(
    engine: TorchEngine | DecoderOnlyEngine, options: SearchOptions
) -> None:
    found = engine.translate(SOURCES, options)
    for rank in range(options.n_best):
        outputs = [hypotheses[rank] for hypotheses in found]
        scored = engine.score(SOURCES, [output.tokens for output in outputs], options.length_penalty)
        assert all(close(one, other) for one, other in zip(scored, outputs, strict=True))


@pytest.mark.parametrize("options", [GREEDY, BEAM, SAMPLED], ids=["greedy", "beam", "sampling"])
def test_outputs_keep_to_the_limit_and_come_best_first(
    engine: TorchEngine | DecoderOnlyEngine, options: SearchOptions
) -> None:
    for source, hypotheses in zip(SOURCES, engine.translate(SOURCES, options), strict=True):
        assert len(hypotheses) == options.n_best
        scores = [hypothesis.score for hypothesis in hypotheses]
        assert scores == sorted(scores, reverse=True)
        for hypothesis in hypotheses:
            assert len(hypothesis.tokens) <= len(source) + options.max_extra
            assert not {PAD, UNKNOWN, BOS, EOS} & set(hypothesis.tokens)


def test_samples_are_drawn_anew_for_each_of_n_best_and_repeat_with_the_seed(
    engine: TorchEngine | DecoderOnlyEngine,
) -> None:
    options = replace(SAMPLED, n_best=8)
    found = engine.translate(SOURCES, options)
    assert found == engine.translate(SOURCES, options)
    assert all(len({hypothesis.tokens for hypothesis in group}) > 1 for group in found)
    assert found != engine.translate(SOURCES, replace(options, sampling=Sampling(seed=6)))


def test_what_a_source_draws_follows_from_its_number_alone(engine: TorchEngine | DecoderOnlyEngine) -> None:
    numbers = [(40 + place, place % 2) for place in range(len(SOURCES))]
    together = engine.translate(SOURCES, SAMPLED, numbers)
    for place in (0, 3, 5):
        (alone,) = engine.translate([SOURCES[place]], SAMPLED, [numbers[place]])
        assert all(map(close, alone, together[place]))
    (line,), (part,) = (engine.translate([SOURCES[3]], SAMPLED, [number]) for number in ((43, 0), (43, 1)))
    assert [each.tokens for each in line] != [each.tokens for each in part]


def test_a_model_in_training_is_translated_with_without_dropout() -> None:
    for model in (tiny_transformer(dropout=0.5).train(), tiny_decoder(dropout=0.5).train()):
        engine = engine_of(model)
        assert engine.translate(SOURCES, BEAM) == engine.translate(SOURCES, BEAM)


@pytest.mark.parametrize("tiny", [tiny_transformer, tiny_decoder])
def test_bfloat16_scores_stay_close(tiny: Callable[..., Transformer | Gpt]) -> None:
    model = tiny(d_model=32, d_ff=64, deviation=0.2)
    exact = engine_of(model)
    rounded = engine_of(model, Numerics(torch.device("cpu"), torch.bfloat16))
    found = rounded.translate(SOURCES, BEAM)
    for rank in range(BEAM.n_best):
        targets = [hypotheses[rank].tokens for hypotheses in found]
        for one, other in zip(exact.score(SOURCES, targets, 1.0), rounded.score(SOURCES, targets, 1.0)):
            assert one.score == pytest.approx(other.score, abs=0.1)
            assert one.score != other.score


def test_a_decoder_only_translator_searches_equal_lengths_together_and_answers_in_order() -> None:
    engine = engine_of(tiny_decoder())
    found = engine.translate(SOURCES, SAMPLED)
    order = [3, 0, 6, 5, 2, 4, 1]
    mixed = engine.translate([SOURCES[place] for place in order], GREEDY)
    straight = engine.translate(SOURCES, GREEDY)
    assert all(close(mixed[place][0], straight[source][0]) for place, source in enumerate(order))
    # One source twice draws other numbers for each place.
    twice = engine.translate([SOURCES[0], SOURCES[1], SOURCES[0]], replace(SAMPLED, n_best=6))
    assert {output.tokens for output in twice[0]} != {output.tokens for output in twice[2]}
    assert len(found) == len(SOURCES)


@pytest.mark.parametrize("tiny", [partial(tiny_transformer, max_length=64), tiny_decoder], ids=["pairs", "joined"])
def test_a_batch_a_thread_gives_the_same_and_leaves_the_caller_its_threads(
    tiny: Callable[..., Transformer | Gpt], use_threads: Callable[[int], None]
) -> None:
    use_threads(3)
    tokenizer = Bytes()
    model = tiny(vocabulary=tokenizer.size)
    options = replace(BEAM, n_best=1, batch_tokens=60)
    engine = DecoderOnlyEngine if isinstance(model, Gpt) else TorchEngine
    beside = models.translating(engine(model, CPU), CPU.device, Tokenizers(tokenizer, tokenizer), options, 32)
    assert torch.get_num_threads() == 3
    lines = ["ab" * (place % 11) + "c" for place in range(60)]
    found = beside.translate(lines)
    assert torch.get_num_threads() == 3
    assert [each.text for each in found] == [each.text for each in beside.stream(iter(lines), window=25)]
    use_threads(1)
    alone = models.translating(engine(model, CPU), CPU.device, Tokenizers(tokenizer, tokenizer), options, 32)
    assert found == alone.translate(lines)
