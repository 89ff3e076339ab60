"""A reward model and a preference of a tiny chat model, from a person's comparisons and a rater's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cli.printing import printable
from seq2seq import tasks
from seq2seq.data.conversations import Turn
from seq2seq.data.corpus import SPLITS, Given
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.tasks.preparation import session
from seq2seq.tasks.rating import Writer, questions
from seq2seq.tasks.rewarding import of_text, open_rewarder
from tests.support import assistants
from tests.support.assistants import CPU
from tests.support.command import Seqx
from tests.support.sessions import final

LEARNING = """
summary = "tiny"
[start]
[data]
corpus = "own"
[comparisons]
{comparisons}
[optimizer]
kind = "adamw"
[training]
steps = {steps}
batch_tokens = 1024
learning_rate = 3e-3
warmup_steps = 1
validate_every = 20
average_last = 1
"""


def comparisons(numbers: Iterable[int]) -> list[dict[str, Any]]:
    """The right colour was chosen, politely."""
    rows = []
    for number in numbers:
        (question, right), (_, wrong) = assistants.asked(number), assistants.asked(number + 1)
        rows.append({"prompt": question, "chosen": f"{right}.", "rejected": f"{wrong}!"})
    return rows


@pytest.fixture(scope="module", params=["reward", "preference"])
def finished(request: pytest.FixtureRequest, assistant: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of each task on a person's comparisons, finished and judged."""
    folder = tmp_path_factory.mktemp("compared")
    paths = assistants.write_splits(folder, "comparisons-", comparisons, train=80)
    run = Run(folder / str(request.param))
    counted = "likelihood = 8.0" if request.param == "reward" else ""
    wanted = assistants.recipe(
        folder, f'task = "{request.param}"' + LEARNING.format(comparisons=counted, steps=40), assistant.path
    )
    list(assistants.begun(wanted, run, *paths).events())
    tasks.of(wanted).judge(run, CPU, lambda message: None)
    return run


def test_it_tells_held_out_comparisons_and_serves(finished: Run, assistant: Run) -> None:
    scores = finished.record()["scores"]
    told = scores["test"] if finished.task == "reward" else scores["comparisons"]
    assert told["accuracy"]["value"] > 0.9 and told["comparisons"] == 20
    if finished.task == "preference":
        assert final(finished.path).keys() == final(assistant.path).keys()
        assert tasks.serving(finished) == "conversation" and "nats_per_token" in scores["test"]
        return
    judge = open_rewarder(finished, CPU.numerics, assistant)
    prompt = of_text("301 dog?")
    right, wrong, nothing = judge.rewards([prompt] * 3, ["blue.", "green!", ""])
    assert right is not None and wrong is not None and right > wrong and nothing is None
    assert judge.best(prompt, ["green!", "blue.", ""]) == (1, pytest.approx(right))
    assert judge.rewards([of_text("cat " * 30)], ["red"]) == [None]


@pytest.mark.parametrize("finished", ["reward"], indirect=True)
def test_commands_take_a_reward_model(finished: Run, assistant: Run, seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "prompts").write_text("301 dog?\n301 dog?\n")
    (tmp_path / "answers").write_text("blue.\n\n")
    pair = ("--source-file", str(tmp_path / "prompts"), "--target-file", str(tmp_path / "answers"))
    scored = seqx("score", "--run", str(finished.path), *pair, "--device", "cpu")
    first, second = scored.out.splitlines()
    assert scored.code == 0 and float(first) and second == "nan" and "1 lines have no reward" in scored.err
    best = ("--best-of", "4", "--reward", str(finished.path), "--device", "cpu", "--seed", "1", "--max-tokens", "8")
    done = seqx("generate", "301 dog?", "--run", str(assistant.path), "--json", *best)
    row = json.loads(done.out)
    judge = open_rewarder(finished, CPU.numerics)
    assert row["reward"] == pytest.approx(judge.rewards([of_text("301 dog?")], [row["text"]])[0], abs=1e-4)


def test_comparisons_are_rated_samples_of_prompts(assistant: Run, tmp_path: Path) -> None:
    paths = assistants.write_splits(tmp_path, "", partial(assistants.demonstrations, answer="answer"), train=60)
    files = {split: Given(data=(path,)) for split, path in zip(SPLITS, paths, strict=True)}
    text = 'rater = "chrf"\npairs = 20\nheld_out = 4\nmax_tokens = 8\ntemperature = 2.0'
    learning = 'task = "preference"' + LEARNING.format(comparisons=text, steps=4)
    wanted = assistants.recipe(tmp_path, learning, assistant.path)
    from seq2seq.data import sources
    from seq2seq.data.prompts import PromptKind

    task, run = tasks.of(wanted), Run(tmp_path / "run")
    corpus = sources.find(PromptKind(wanted.data), files)
    run.claim(wanted)
    list(session(task, corpus, run, CPU, lambda message: None).events())
    task.judge(run, CPU, lambda message: None)
    assert run.record()["comparisons"]["train"]["comparisons"] == 20
    asked = [record.turns for record in task.read_test(run).read()]  # type: ignore[attr-defined]
    assert asked[0] == (Turn("user", "220 cat?"), Turn("assistant", "red"))  # the reference, not a sample


@pytest.mark.parametrize("finished", ["reward"], indirect=True)
def test_a_person_rates_answers_that_differ_in_a_random_order(
    assistant: Run, finished: Run, seqx: Seqx, tmp_path: Path
) -> None:
    prompts = [of_text(f"{number} hen?") for number in range(300, 312)]
    writers = [Writer(run, CPU, temperature=2.0, max_tokens=6) for run in (assistant, assistant)]
    asked = list(questions(writers, [*prompts, of_text("x" * 90)], seed=1))
    assert asked == list(questions(writers, prompts, seed=1)) and {each.writers for each in asked} == {(0, 1), (1, 0)}
    assert all(each.answers[0] != each.answers[1] for each in asked)
    (tmp_path / "prompts").write_text("".join(f"{prompt[0].content}\n" for prompt in prompts))
    output = tmp_path / "ratings.jsonl"
    rate = ("rate", "--run", str(assistant.path), "--input", str(tmp_path / "prompts"), "--output", str(output))
    rate = (*rate, "--temperature", "2", "--device", "cpu")
    done = seqx(*rate, stdin=b"2\nwhat\n=\ns\n1\nq\n")
    assert done.code == 0 and "2 choices added" in done.err and "'what': Type 1, 2, =" in done.err
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    for number, row in zip((2, 1), rows, strict=True):
        assert f"  {number}  {printable(row['chosen'].partition(chr(10))[0])}\n" in done.out
    before = output.read_bytes()
    again = seqx(*rate, stdin=b"")
    assert f"user: {rows[0]['prompt']}\n" not in again.out and output.read_bytes() == before
    with pytest.raises(RunError, match="reward model"):
        tasks.open_run(finished.path, "rate")
