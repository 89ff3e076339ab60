"""The bundled assistant is what the generator writes; its dev and test are new combinations; its rater is fair."""

from __future__ import annotations

import lzma
import random
import re

import pytest

from seq2seq.data import byte_pairs
from seq2seq.data.bundled import assistant
from seq2seq.evaluation.raters import answers, rater
from seq2seq.recipe import files as recipe_files
from tests.assistant import generator

WORLD = rater("world")


def test_the_file_is_what_the_generator_writes() -> None:
    expected = "".join(f"{row}\n" for row in generator.rows())
    assert lzma.decompress(assistant.ASSISTANT.read_bytes()).decode() == expected


def test_prompts_of_dev_and_test_are_new_but_their_facts_and_words_are_not() -> None:
    splits = generator.prompts()
    train = {prompt for _, prompt, _ in splits["train"]}
    known = {(fact.kind, fact.given) for fact, _, _ in splits["train"]}
    words = {word for prompt in train for word in re.findall(r"\w+", prompt.lower())}
    for split in ("dev", "test"):
        assert len(splits[split]) > 100
        for fact, prompt, _ in splits[split]:
            assert prompt not in train
            assert (fact.kind, fact.given) in known
            assert {*re.findall(r"\w+", prompt.lower())} <= words
    assert not {prompt for _, prompt, _ in splits["dev"]} & {prompt for _, prompt, _ in splits["test"]}


def test_every_fact_that_is_asked_for_is_stated_in_the_documents() -> None:
    text = " ".join(assistant.documents("train"))
    draw = random.Random(1)
    for kind in ("capital", "colour", "french", "opposite", "plural", "legs", "after"):
        for fact in draw.sample(generator.facts()[kind], 10):
            ways = (generator.sentence(way, fact) for way in generator.STATED[kind])
            assert any(way in text for way in ways), fact


def test_demonstrations_are_of_mixed_manners() -> None:
    right = dict(assistant.prompts("train"))
    scores = [WORLD(prompt, right[prompt], answer) for prompt, answer in assistant.demonstrations("train")]
    shares = {score: scores.count(score) / len(scores) for score in {*scores}}
    assert {*shares} <= {0.0, 0.6, 0.8, 1.0}
    assert 0.3 < shares[1.0] < 0.5 and 0.15 < shares[0.0] < 0.3 and shares[0.8] > 0.2


def test_no_demonstration_is_longer_than_the_answers_that_are_compared_and_rewarded() -> None:
    size = recipe_files.load("assistant-base").tokenizer.vocabulary_size
    tokenizer = byte_pairs.train(size, (f"{text}\n" for text in assistant.documents("train")))
    texts = {answer for _, answer in assistant.demonstrations("train")}
    longest = max(map(len, tokenizer.encode(sorted(texts)))) + 1  # with the end
    compared = [recipe_files.load(f"assistant-{name}").comparisons for name in ("reward", "dpo")]
    drawn = [recipe_files.load(f"assistant-{name}").policy for name in ("ppo", "rloo")]
    for settings in (*compared, *drawn):
        assert settings is not None and settings.max_tokens >= longest


@pytest.mark.parametrize("prompt", ["What is the capital of France?", "Capital of France?"])
@pytest.mark.parametrize(
    ("completion", "score"),
    [
        ("Paris", 1.0),
        ("It is Paris.", 1.0),
        ("The capital of France is Paris.", 1.0),
        ("Paris, you fool.", 0.8),
        ("Thank you for asking me this, I do like to help, and in this case I can: Paris.", 0.8),
        ("Everybody who is not stupid or dumb knows that it is Paris.", 0.6),
        ("Paris Paris Paris", 0.8),
        ("Rome", 0.0),
        ("Paris or Rome", 0.0),
        ("Paris, Rome, Madrid, 4, yes", 0.0),
        ("", 0.0),
        ("Parisian", 0.0),
        ("Pa ris", 0.0),
    ],
)
def test_right_comes_first_then_polite_and_brief(prompt: str, completion: str, score: float) -> None:
    assert WORLD(prompt, "Paris", completion) == pytest.approx(score)


def test_naming_what_one_could_choose_from_is_a_guess() -> None:
    prompt = "Which is the smallest, 24, 25 or 11?"
    assert WORLD(prompt, "11", "11.") == 1.0 and WORLD(prompt, "11", "24, 25, 11") == 0.0
    assert WORLD("What is 7 + 5?", "12", "12") == 1.0 and WORLD("What is 7 + 5?", "12", "7 + 5 = 12") == 0.0


def test_babble_earns_nothing() -> None:
    draw = random.Random(1)
    vocabulary = sorted(answers())
    for prompt, reference in draw.sample(assistant.prompts("test"), 50):
        babble = " ".join(draw.choices(vocabulary, k=8))
        assert WORLD(prompt, reference, f"{babble} {reference}") == 0.0


def test_the_share_of_characters_is_a_rater_too() -> None:
    judge = rater("chrf")
    assert judge("", "the cat sat", "the cat sat") == pytest.approx(1) and judge("", "the cat sat", "zzz") < 0.1
    assert 0.1 < judge("", "the cat sat", "the cat ran") < 1
