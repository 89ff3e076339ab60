"""Generating with a GPT of random weights: streamed = whole, cached = uncached, a batch = each text alone."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest
import torch

from seq2seq.data.tokenizers import BOS, EOS, PAD, UNKNOWN, Bytes, Characters, Tokenizer
from seq2seq.decoding.generation.generator import Generated, unknown
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.model.gpt import Gpt
from tests.support.fakes import Uncached, drained, tiny_gpt

CPU = Numerics(torch.device("cpu"), None)
ALPHABET = Characters("ab c\n")
CONTEXT = 16
GREEDY = Sampling(temperature=0)
DRAWN = Sampling(seed=3)
STYLES: dict[str, dict[str, Any]] = {
    "paper": {},
    "learned": {"norm": "pre", "positions": "learned", "activation": "gelu"},
    "rotary": {"norm": "pre", "positions": "rotary", "normalization": "rms", "qk_norm": True, "bias": False},
}


def generator(tokenizer: Tokenizer = ALPHABET, *, documents: bool = False, **changes: Any) -> TorchGenerator:
    return TorchGenerator(model(tokenizer, **changes), tokenizer, CPU, documents=documents)


def uncached(**changes: Any) -> TorchGenerator:
    return TorchGenerator(cast(Gpt, Uncached(model(**changes))), ALPHABET, CPU)


def model(tokenizer: Tokenizer = ALPHABET, **changes: Any) -> Gpt:
    torch.manual_seed(4)
    return tiny_gpt(tokenizer.size, **{"deviation": 0.5, "max_length": CONTEXT, "tie": "none", **changes})


def close(one: Generated, other: Generated) -> bool:
    return replace(one, log_probability=0.0) == replace(other, log_probability=0.0) and math.isclose(
        one.log_probability, other.log_probability, rel_tol=1e-4
    )


def scores(of: Gpt, prompt: Sequence[int], made: Generated) -> list[float]:
    """The natural-log probabilities of what was chosen, by one pass over all of it."""
    spelt = [*made.tokens, EOS] if made.ended == "end" else list(made.tokens)
    with torch.no_grad():
        logs = of(torch.tensor([[*prompt, *spelt]]))[0].double().log_softmax(-1)
    return [float(logs[len(prompt) - 1 + t, token]) for t, token in enumerate(spelt)]


@pytest.mark.parametrize("tokenizer", [ALPHABET, Bytes()], ids=["characters", "bytes"])
@pytest.mark.parametrize("stop", [(), ("b", "a a"), ("\ufffd\ufffd", "é")])
@pytest.mark.parametrize("seed", range(4))
def test_the_pieces_of_a_stream_are_the_text(tokenizer: Tokenizer, stop: tuple[str, ...], seed: int) -> None:
    writing = generator(tokenizer)
    options = GenerationOptions(Sampling(seed=seed, temperature=1.5), max_tokens=40, stop=stop)
    pieces, streamed = drained(writing.stream("a b", options))
    (whole,) = writing.generate("a b", options)
    assert "".join(pieces) == whole.text and all(pieces)
    assert close(streamed, whole)
    if not stop:
        assert whole.text == tokenizer.decode([whole.tokens])[0]
        assert len(pieces) > 3
    assert not any(each in whole.text for each in stop)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("sampling", [GREEDY, DRAWN, Sampling(top_k=4, repetition_penalty=1.3)])
@pytest.mark.parametrize("length", [0, 1, CONTEXT - 1, CONTEXT, CONTEXT + 1, CONTEXT + 2, 3 * CONTEXT])
def test_cached_is_uncached_within_the_context_and_beyond(style: str, sampling: Sampling, length: int) -> None:
    changes = {"end": -8.0 if style == "paper" else 0.0, **STYLES[style]}
    options = GenerationOptions(sampling, max_tokens=2 * CONTEXT)  # half of it is left behind twice
    prompt = ("ab c\n" * 20)[:length]
    fast, slow = (make(**changes).generate(prompt, options, samples=2) for make in (generator, uncached))
    assert all(map(close, fast, slow))
    if style == "paper":
        assert len(fast[0].tokens) == 2 * CONTEXT


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_search_without_cache_finds_what_it_finds_with_it(beam_size: int) -> None:
    options = GenerationOptions(max_tokens=2 * CONTEXT, beam_size=beam_size)
    fast, slow = (make().generate("ab", options, beam_size) for make in (generator, uncached))
    assert all(map(close, fast, slow))


def test_a_text_is_the_same_whatever_texts_are_beside_it() -> None:
    writing = generator(end=-2.0, deviation=0.3)
    options = GenerationOptions(Sampling(seed=8, repetition_penalty=1.2), max_tokens=30, stop=(" a",))
    many = writing.generate("ab", options, samples=8)
    assert len({made.text for made in many}) == 8
    assert {made.ended for made in many} == {"stop", "end", "length"}  # texts leave the batch at other times
    for count in (1, 2, 4):
        assert all(map(close, writing.generate("ab", options, samples=count), many))


def test_a_model_that_ends_ends_whatever_may_come() -> None:
    writing, options = generator(end=9.0), GenerationOptions(max_tokens=10**9)
    assert writing.generate("ab", options)[0].ended == "end"
    assert drained(writing.stream("ab", options))[1].ended == "end"


def test_a_seed_decides_the_text() -> None:
    writing = generator(Bytes())
    texts = [
        writing.generate("a", GenerationOptions(Sampling(seed=seed), max_tokens=20))[0].text for seed in (1, 1, 2, 3)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3
    torch.manual_seed(7)
    assert writing.generate("a", GenerationOptions(Sampling(seed=1), max_tokens=20))[0].text == texts[0]


def test_greedy_takes_the_most_probable_token_each_time() -> None:
    made = model(end=-8.0)
    (found,) = TorchGenerator(made, ALPHABET, CPU).generate("ab", GenerationOptions(GREEDY, max_tokens=10))
    prompt = ALPHABET.encode(["ab"])[0]
    for t, token in enumerate(found.tokens):
        with torch.no_grad():
            logits = made(torch.tensor([[*prompt, *found.tokens[:t]]]))[0, -1]
        logits[[PAD, UNKNOWN, BOS]] = -math.inf
        assert token == int(logits.argmax())


@pytest.mark.parametrize("penalty", [0.7, 1.0, 1.5])
def test_a_beam_of_one_is_greedy(penalty: float) -> None:
    """A repetition penalty has no say in a search."""
    for end in (-8.0, 0.0, 2.0):
        writing = generator(end=end)
        (greedy,) = writing.generate("ab", GenerationOptions(GREEDY, max_tokens=12))
        options = GenerationOptions(replace(GREEDY, repetition_penalty=penalty), max_tokens=12, beam_size=1)
        (searched,) = writing.generate("ab", options)
        assert close(greedy, searched)
        assert list(writing.stream("ab", options)) == [searched.text]


def test_a_wide_beam_finds_the_most_probable_of_all_texts() -> None:
    made, most = model(), 3
    found = TorchGenerator(made, ALPHABET, CPU).generate(
        "ab", GenerationOptions(max_tokens=most, beam_size=800), samples=20
    )
    prompt = ALPHABET.encode(["ab"])[0]
    every = []
    for length in range(most + 1):
        for tokens in itertools.product(range(EOS + 1, ALPHABET.size), repeat=length):
            text = Generated("", tokens, 0.0, "length" if length == most else "end")
            every.append((sum(scores(made, prompt, text)), tokens))
    every.sort(reverse=True)
    assert [each.tokens for each in found] == [tokens for _, tokens in every[:20]]
    assert [each.log_probability for each in found] == pytest.approx([total for total, _ in every[:20]], abs=1e-4)
    assert {each.ended for each in found} == {"end", "length"}


@pytest.mark.parametrize(
    "options", [GenerationOptions(GREEDY), GenerationOptions(DRAWN), GenerationOptions(beam_size=3)]
)
def test_probabilities_are_the_models_own(options: GenerationOptions) -> None:
    made = model()
    for found in TorchGenerator(made, ALPHABET, CPU).generate(
        "ab", replace(options, max_tokens=8, stop=("\n",)), samples=3
    ):
        expected = scores(made, ALPHABET.encode(["ab"])[0], found)
        assert found.log_probability == pytest.approx(sum(expected), abs=1e-4)
        assert len(found.tokens) <= 8 and not {PAD, UNKNOWN, BOS, EOS} & set(found.tokens)


def test_texts_come_as_often_as_they_are_probable() -> None:
    """A chi-square test over texts of up to two tokens, of one batch; what is banned leaves its probability."""
    made, count = model(), 6000
    options = GenerationOptions(Sampling(temperature=1.3, seed=11), max_tokens=2)
    counted = Counter(
        found.tokens for found in TorchGenerator(made, ALPHABET, CPU).generate("ab", options, samples=count)
    )
    prompt = ALPHABET.encode(["ab"])[0]

    def following(tokens: tuple[int, ...]) -> dict[int, float]:
        with torch.no_grad():
            allowed = made(torch.tensor([[*prompt, *tokens]]))[0, -1, EOS:].double()
        return dict(enumerate((allowed / 1.3).softmax(-1).tolist(), start=EOS))

    expected: dict[tuple[int, ...], float] = defaultdict(float)
    for one, mass in following(()).items():
        if one == EOS:
            expected[()] += count * mass
            continue
        for other, share in following((one,)).items():
            expected[(one,) if other == EOS else (one, other)] += count * mass * share
    assert sum(expected.values()) == pytest.approx(count)
    assert min(expected.values()) > 1
    statistic = sum((counted[tokens] - number) ** 2 / number for tokens, number in expected.items())
    assert len(expected) == 31 and statistic < 59.7  # thirty degrees of freedom: one in a thousand is above


def test_why_a_text_ended() -> None:
    def ended(end: float, **changes: Any) -> str:
        (made,) = generator(end=end).generate("ab", GenerationOptions(DRAWN, **{"max_tokens": 20, **changes}))
        return made.ended

    assert ended(9.0) == "end"
    assert ended(-9.0) == "length"
    assert ended(-9.0, stop=("a", "b", "c", " ", "\n")) == "stop"
    assert ended(-9.0, beam_size=2) == "length"
    assert ended(9.0, beam_size=2) == "end"


def test_a_stop_string_cuts_what_a_search_found_too() -> None:
    writing = generator(end=-9.0)
    options = GenerationOptions(max_tokens=12, beam_size=2)
    (whole,) = writing.generate("ab", options)
    stop = whole.text[3:5]
    (cut,) = writing.generate("ab", replace(options, stop=(stop,)))
    assert cut.text == whole.text[: whole.text.index(stop)]
    assert cut.ended == "stop" and cut.tokens == whole.tokens[: len(cut.text) + 2]


def test_without_a_prompt_a_line_begins_or_a_document() -> None:
    options = GenerationOptions(DRAWN, max_tokens=12)
    writing = generator()
    assert close(writing.generate("", options)[0], writing.generate("\n", options)[0])
    for writing, tokenizer in (
        (generator(documents=True), ALPHABET),
        (generator(Characters("abc")), Characters("abc")),  # knows no line end
    ):
        (made,) = writing.generate("", options)
        assert made.log_probability == pytest.approx(sum(scores(model(tokenizer), [EOS], made)), abs=1e-4)


def test_what_the_repetition_penalty_counts_is_prompt_and_text() -> None:
    made, prompt = model(deviation=0.2), ALPHABET.encode(["ab"])[0]
    (found,) = TorchGenerator(made, ALPHABET, CPU).generate(
        "ab", GenerationOptions(replace(GREEDY, repetition_penalty=2.5), 12)
    )
    assert found.tokens != TorchGenerator(made, ALPHABET, CPU).generate("ab", GenerationOptions(GREEDY, 12))[0].tokens
    for t, token in enumerate(found.tokens):
        with torch.no_grad():
            logits = made(torch.tensor([[*prompt, *found.tokens[:t]]]))[0, -1].tolist()
        for seen in {*prompt, *found.tokens[:t]}:
            logits[seen] *= 2.5 if logits[seen] < 0 else 1 / 2.5
        assert token == max(range(EOS, ALPHABET.size), key=logits.__getitem__)


def test_a_model_that_gives_no_number_is_an_error() -> None:
    broken = model()
    with torch.no_grad():
        broken.head.weight.fill_(math.nan)
    writing = TorchGenerator(broken, ALPHABET, CPU)
    for options in (GenerationOptions(GREEDY), GenerationOptions(DRAWN), GenerationOptions(beam_size=2)):
        with pytest.raises(RunError, match="diverged"):
            writing.generate("ab", options)
        with pytest.raises(RunError, match="diverged"):
            list(writing.stream("ab", options))


def test_a_model_in_training_writes_without_dropout() -> None:
    made = model(dropout=0.5).train()
    writing = TorchGenerator(made, ALPHABET, CPU)
    assert writing.generate("ab", GenerationOptions(GREEDY, 9)) == writing.generate("ab", GenerationOptions(GREEDY, 9))


def test_a_stream_leaves_the_reader_its_own_precision_and_gradients() -> None:
    writing = TorchGenerator(model(), ALPHABET, Numerics(torch.device("cpu"), torch.bfloat16))
    for _ in writing.stream("ab", GenerationOptions(DRAWN, max_tokens=5)):
        assert not torch.is_autocast_enabled("cpu")
        assert not torch.is_inference_mode_enabled()
    assert writing.generate("ab", GenerationOptions(GREEDY, 5), samples=2)


def test_unknown_characters_are_named_once() -> None:
    assert unknown(ALPHABET, "abzéz\n") == ["z", "é"]
    assert unknown(ALPHABET, "") == []
    assert unknown(Bytes(), "abzéz\n") == []
