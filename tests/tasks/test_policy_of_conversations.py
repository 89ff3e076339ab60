"""A chat model improved by its rewards, on prompts from a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from seq2seq import tasks
from seq2seq.data.corpus import Given
from seq2seq.data.lines import PLAIN
from seq2seq.data.prompts import PromptKind
from seq2seq.decoding.options import DEFAULT
from seq2seq.errors import DataError, RecipeError
from seq2seq.recipe import Data
from seq2seq.run import Run
from seq2seq.tasks.language_model_opening import open_generator
from seq2seq.tasks.opening import EngineChoice
from seq2seq.training.loop import Progress
from seq2seq.training.session import Event, Validated
from tests.support import assistants
from tests.support.assistants import CPU

POLICY = """
task = "policy"
[start]
[data]
corpus = "own"
rater = "chrf"
[policy]
reward = "rater"
estimator = "rloo"
rollouts = 32
group = 4
minibatches = 1
epochs = 1
max_tokens = 8
kl = 0.01
validate_prompts = 20
best_of = 2
[optimizer]
kind = "adamw"
[training]
steps = 24
learning_rate = 5e-3
warmup_steps = 1
validate_every = 12
average_last = 1
"""


def prompts(numbers: Iterable[int]) -> list[dict[str, Any]]:
    """Questions with their answers; every fifth as messages, and one that is too long."""
    rows: list[dict[str, Any]] = []
    for number in numbers:
        question, answer = assistants.asked(number)
        messages = [{"role": "user", "content": question}]
        rows.append({"prompt": question if number % 5 else messages, "answer": answer})
    return [*rows, {"prompt": "cat " * 20, "answer": "red"}]


@pytest.fixture(scope="module")
def improved(assistant_base: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Event]]:
    """A finished and judged policy, and the events of its training."""
    folder = tmp_path_factory.mktemp("assistant")
    less = assistants.SFT.replace("steps = 80", "steps = 25").replace("validate_every = 40", "validate_every = 25")
    sft, training = assistants.assistant_session(folder, assistant_base, text=less)
    list(training.events())
    files = assistants.write_splits(folder, "prompts-", prompts, train=100)
    run = Run(folder / "policy")
    wanted = assistants.recipe(folder, POLICY, sft.path)
    events = list(assistants.begun(wanted, run, *files).events())
    tasks.of(wanted).judge(run, CPU, lambda message: None)
    return run, events


def test_it_answers_better_than_its_start_and_serves_as_it_does(improved: tuple[Run, list[Event]]) -> None:
    run, events = improved
    record = run.record()
    assert record["prompts"]["dropped"] == {"blank": 0, "too long": 1} and record["prompts"]["kept"] == 100
    validated = [event.figures["gold"] for event in events if isinstance(event, Validated)]
    scores = record["scores"]["test"]
    assert validated[-1] > record["best_of"][0]["gold"] + 0.05 and scores["gold"] > scores["start"]["gold"] + 0.05
    assert scores["prompts"] == 20 and "greedy_gold" in scores and scores["start"]["kl_k3"] == 0
    first = next(event for event in events if isinstance(event, Progress))
    assert first.figures["kl_k3"] == 0
    task = tasks.of(run.recipe())
    assert tasks.serving(run) == "conversation" and task.example(run).startswith("seqx chat '220 cat?'")
    opened = open_generator(run, EngineChoice(engine="torch", device="cpu"), DEFAULT)
    assert opened.generator.generate("1 cat?")[0].text is not None
    assert any("start" in line for line in task.score_lines("test", scores))


def test_its_test_set_is_of_prompts(improved: tuple[Run, list[Event]]) -> None:
    run, _ = improved
    records = list(tasks.of(run.recipe()).read_test(run).read())
    assert len(records) == 21 and records[0].reference == "red" and records[0].prompt[0].content == "220 cat?"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"question": "x"}, "no prompt; there are: question; name it prompt or messages"),
        ({"prompt": [{"role": "bot", "content": "x"}]}, "no message with a role of system, user, assistant"),
        ({"prompt": [{"role": "assistant", "content": "x"}]}, "the last message of prompt must have the role user"),
        ({"messages": []}, "the last message of messages must have the role user"),
        ({"prompt": 3}, "3 is not text"),
    ],
)
def test_what_is_no_prompt_is_refused(tmp_path: Path, row: dict[str, Any], message: str) -> None:
    file = tmp_path / "prompts.jsonl"
    file.write_text(json.dumps(row) + "\n")
    with pytest.raises(DataError, match=message):
        list(PromptKind(Data()).file(file, PLAIN).read())


def test_prompts_are_read_from_tables_too(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('prompt,answer\nhello,"a, b"\n')
    (tmp_path / "b.csv").write_text("number,prompt\n1,hello\n")
    for name, reference in (("a.csv", "a, b"), ("b.csv", "")):
        (record,) = PromptKind(Data()).given("train", Given(data=(tmp_path / name,)), PLAIN).read()
        assert record.prompt[0] == ("user", "hello") and record.reference == reference


def test_a_language_model_cannot_be_improved(assistant_base: Run, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="starts from a translator or a chat model"):
        assistants.recipe(tmp_path, POLICY, assistant_base.path)
