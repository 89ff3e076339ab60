"""Generating with the CTranslate2 copy of a GPT, against the GPT itself and against what was asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from seq2seq.data.tokenizers import EOS, Bytes
from seq2seq.decoding.generation.generator import TextGenerator
from seq2seq.decoding.generation.torch import TorchGenerator
from seq2seq.decoding.options import GenerationOptions, Sampling
from seq2seq.errors import RunError
from seq2seq.interop.ctranslate2 import verify
from seq2seq.interop.ctranslate2.generator import CTranslate2Generator
from seq2seq.interop.ctranslate2.verify import VerifiedGenerator
from seq2seq.run import Run
from seq2seq.storage.tensors import read_weights, save_weights
from seq2seq.tasks import models
from seq2seq.tasks.language_model_opening import open_generator
from seq2seq.tasks.opening import EngineChoice
from tests.support.fakes import drained
from tests.support.finished_generators import CONTEXT, LETTERS, TEXT, add_copy, finished

GREEDY = Sampling(temperature=0)
VARIANTS: dict[str, dict[str, Any]] = {
    "sinusoidal": {},
    "learned, gelu": {"positions": "learned", "activation": "gelu"},
    "rotary, qk-norm": {"positions": "rotary", "qk_norm": True},
    "rotary, without biases": {"positions": "rotary", "bias": False, "end": 0.0},
    "post-norm": {"norm": "post"},
}


def generators(run: Run) -> tuple[TextGenerator, TorchGenerator]:
    """CTranslate2's in float32, and PyTorch's."""
    plain = open_generator(run, EngineChoice("torch", device="cpu"), GenerationOptions()).generator
    return open_generator(run, EngineChoice("ctranslate2", "float32", "cpu"), GenerationOptions()).generator, plain


@pytest.fixture(scope="module", params=VARIANTS, ids=str)
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TextGenerator, TorchGenerator]:
    run = finished(tmp_path_factory.mktemp("text"), **VARIANTS[request.param])
    add_copy(run, [TEXT])
    return generators(run)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    made = finished(tmp_path_factory.mktemp("text"), end=-4.0)
    add_copy(made, [TEXT])
    return made


@pytest.fixture
def fast(run: Run) -> TextGenerator:
    return generators(run)[0]


@pytest.mark.parametrize("length", [0, 1, 5, CONTEXT - 1, CONTEXT, CONTEXT + 1, CONTEXT + 2, 3 * CONTEXT])
def test_greedy_is_pytorchs_within_the_context_and_beyond(
    pair: tuple[TextGenerator, TorchGenerator], length: int
) -> None:
    options = GenerationOptions(GREEDY, max_tokens=3 * CONTEXT)
    (one,), (other,) = (each.generate(TEXT[:length], options) for each in pair)
    assert one.tokens == other.tokens and (one.text, one.ended) == (other.text, other.ended)


def test_log_probabilities_are_pytorchs(run: Run) -> None:
    fast, plain = generators(run)
    for options in (GenerationOptions(GREEDY, 9), GenerationOptions(GREEDY, 3 * CONTEXT)):
        (one,), (other,) = (each.generate("Bad", options) for each in (fast, plain))
        assert one.log_probability == pytest.approx(other.log_probability, abs=1e-3)
    drawn = GenerationOptions(Sampling(temperature=0.6, top_k=5, seed=2), max_tokens=CONTEXT - 3)
    (one,) = fast.generate("Bad", drawn)
    model, _ = models.trained_model(run, torch.device("cpu"))
    prompt = LETTERS.encode(["Bad"])[0]
    spelt = [*one.tokens, EOS] if one.ended == "end" else list(one.tokens)
    with torch.no_grad():
        scores = model(torch.tensor([[*prompt, *spelt]]))[0].log_softmax(-1)
    expected = sum(float(scores[len(prompt) - 1 + t, token]) for t, token in enumerate(spelt))
    assert one.log_probability == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("stop", [(), ("a", "é\n"), ("Z",)])
@pytest.mark.parametrize("seed", range(3))
def test_the_pieces_of_a_stream_are_the_text(fast: TextGenerator, stop: tuple[str, ...], seed: int) -> None:
    options = GenerationOptions(Sampling(seed=seed, temperature=1.5), max_tokens=40, stop=stop)
    pieces, streamed = drained(fast.stream("Add", options))
    (whole,) = fast.generate("Add", options)
    assert streamed == whole and "".join(pieces) == whole.text and all(pieces)
    assert not any(each in whole.text for each in stop)
    if not stop:
        assert whole.text == LETTERS.decode([whole.tokens])[0] and len(pieces) > 3


def test_bytes_come_as_whole_characters(tmp_path: Path) -> None:
    run = finished(tmp_path, tokenizer=Bytes())
    add_copy(run, [TEXT])
    options = GenerationOptions(Sampling(seed=1), max_tokens=60)
    fast, _ = generators(run)
    (whole,) = fast.generate("é", options)
    assert "".join(fast.stream("é", options)) == whole.text == Bytes().decode([whole.tokens])[0]


def test_a_text_is_the_same_whatever_texts_are_beside_it(fast: TextGenerator) -> None:
    options = GenerationOptions(Sampling(seed=8, temperature=1.2), max_tokens=30, stop=("ab",))
    many = fast.generate("ab", options, samples=8)
    assert len({made.text for made in many}) == 8 and {"end", "length"} <= {made.ended for made in many}
    for count in (1, 3):
        assert fast.generate("ab", options, samples=count) == many[:count]


def test_a_seed_decides_the_text_in_any_process(run: Run, fast: TextGenerator) -> None:
    texts = [fast.generate("a", GenerationOptions(Sampling(seed=seed), 20))[0].text for seed in (1, 1, 2, 0, 0)]
    assert texts[0] == texts[1] and texts[3] == texts[4] and len(set(texts)) == 3
    code = (
        "import json, sys; from pathlib import Path; from seq2seq.run import Run\n"
        "from seq2seq.tasks.language_model_opening import *\n"
        "from seq2seq.decoding.options import *; how = GenerationOptions(Sampling(seed=1), 20)\n"
        f"opened = open_generator(Run(Path({str(run.path)!r})), EngineChoice('ctranslate2', 'float32', 'cpu'), how)\n"
        "print(json.dumps(opened.generator.generate('a', how)[0].text)); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == texts[0]


@pytest.mark.parametrize("sampling", [Sampling(1.3), Sampling(0.7, top_k=6, top_p=0.8), Sampling(1.4, top_p=0.7)])
def test_tokens_come_as_often_as_by_pytorch(run: Run, sampling: Sampling) -> None:
    """Those that may come, and, by a chi-square test, how often: in the way that PyTorch's engine cuts and tempers."""
    from seq2seq.decoding.sampling import probabilities

    fast, _ = generators(run)
    model, _ = models.trained_model(run, torch.device("cpu"))
    with torch.no_grad():
        logits = model(torch.tensor(LETTERS.encode(["Bad"])))[:, -1]
    logits[:, :EOS] = -torch.inf
    expected = probabilities(logits, sampling)[0]
    count = 400
    options = GenerationOptions(replace(sampling, seed=5), max_tokens=1)
    drawn = Counter((each.tokens or (EOS,))[0] for each in fast.generate("Bad", options, samples=count))
    assert all(expected[token] > 0 for token in drawn)
    likely = [token for token, share in enumerate(expected.tolist()) if share * count > 4]
    statistic = sum(
        (drawn[token] - count * float(expected[token])) ** 2 / (count * expected[token]) for token in likely
    )
    assert len(likely) >= 2 and statistic < len(likely) + 4.5 * (2 * len(likely)) ** 0.5


def test_why_a_text_ended(tmp_path: Path) -> None:
    ends = finished(tmp_path, end=9.0)
    add_copy(ends, [TEXT])
    (made,) = generators(ends)[0].generate("ab", GenerationOptions(max_tokens=9))
    assert made.ended == "end" and made.text == "" and made.tokens == ()


def test_no_text_is_longer_than_asked(fast: TextGenerator) -> None:
    for most in (1, CONTEXT - 1, CONTEXT, CONTEXT + 1, 2 * CONTEXT + 3):
        for made in fast.generate("ab", GenerationOptions(Sampling(seed=4), most), samples=3):
            assert len(made.tokens) == most if made.ended == "length" else len(made.tokens) <= most


def test_without_a_prompt_a_document_begins_where_there_were_many(tmp_path: Path) -> None:
    run = finished(tmp_path, documents=5)
    add_copy(run, [TEXT])
    (one,), (other,) = (each.generate("", GenerationOptions(GREEDY, 20)) for each in generators(run))
    assert one.tokens == other.tokens
    one_line = generators(run)[0].generate("\n", GenerationOptions(GREEDY, 20))[0]
    assert one_line.tokens != one.tokens


def test_a_stream_that_is_left_ends(fast: TextGenerator) -> None:
    stream = fast.stream("ab", GenerationOptions(max_tokens=10**9))
    next(stream)
    stream.close()  # comes back


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (GenerationOptions(Sampling(min_p=0.1)), "--min-p"),
        (GenerationOptions(Sampling(repetition_penalty=1.2)), "--repetition-penalty"),
        (GenerationOptions(beam_size=2), "--beam-size"),
    ],
)
def test_what_ctranslate2_lacks_is_pytorchs_and_named(run: Run, options: GenerationOptions, named: str) -> None:
    opened = open_generator(run, EngineChoice(device="cpu"), options)
    assert opened.engine.startswith("PyTorch") and not opened.missing
    with pytest.raises(RunError, match=f"only PyTorch .*{named}.*--engine torch"):
        open_generator(run, EngineChoice("ctranslate2"), options)
    fast, _ = generators(run)
    assert isinstance(fast, CTranslate2Generator)
    with pytest.raises(RunError, match=named):
        fast.generate("ab", options)
    with pytest.raises(RunError, match=named):
        list(fast.stream("ab", options))


def test_a_model_that_gives_no_number_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished(tmp_path)
    weights = read_weights(run.weights)
    save_weights({**weights, "norm.weight": torch.full_like(weights["norm.weight"], torch.nan)}, run.weights)
    with pytest.raises(RunError, match="diverged"):
        add_copy(run, [TEXT])
    monkeypatch.setattr(
        verify, "verify_generator", lambda *given, **named: VerifiedGenerator("float32", {}, 0, 0, 0.0, {})
    )
    add_copy(run, [TEXT])
    fast, _ = generators(run)
    for sampling in (GREEDY, Sampling()):
        with pytest.raises(RunError, match="diverged"):
            fast.generate("ab", GenerationOptions(sampling, 5))
        with pytest.raises(RunError, match="diverged"):
            list(fast.stream("ab", GenerationOptions(sampling, 5)))
