"""What a user may get wrong on the way from demonstrations to a policy: files, starts, rewards, values, runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow  # type: ignore[import-untyped]
import pyarrow.parquet  # type: ignore[import-untyped]
import pytest

from seq2seq import tasks
from seq2seq.run import Run
from tests.support import assistants
from tests.support.bad_input import Case, refused
from tests.support.command import Seqx

REWARD = """
task = "reward"
[start]
[data]
corpus = "own"
[comparisons]
[optimizer]
kind = "adamw"
[training]
steps = 1
batch_tokens = 256
warmup_steps = 1
validate_every = 1
average_last = 1
"""
COUNT = range(30)
FILES: Mapping[str, list[Any]] = {
    "keys": [{"question": "a", "answer": "b"}],
    "role": [{"messages": [{"role": "bot", "content": "a"}]}],
    "no-messages": [{"messages": []}],
    "text-messages": [{"messages": "a"}],
    "number": [{"prompt": "a", "completion": 7}],
    "blank": [{"prompt": f"a {n}", "completion": " "} for n in COUNT],
    "turns": [{"messages": [{"role": "assistant", "content": f"a {n}"}] * 2} for n in COUNT],
    "long": [{"prompt": f"{n} " * 70, "completion": "b"} for n in COUNT],
    "long-comparisons": [{"prompt": f"{n} " * 70, "chosen": "b", "rejected": "c"} for n in COUNT],
    "equal": [{"prompt": f"a {n}", "chosen": "b", "rejected": "b"} for n in COUNT],
    "sides": [
        {"chosen": [{"role": "user", "content": "a"}], "rejected": [{"role": "assistant", "content": "b"}]},
    ],
    "answered": [{"prompt": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}],
    "no-prompt": [{"question": "a"}],
    "blank-prompts": [{"prompt": " "}],
    "prompts": [{"prompt": f"a {n}"} for n in COUNT],
    "good": [{"prompt": f"a {n}", "completion": "b"} for n in COUNT],
}
TEXTS = {
    "broken.jsonl": '{"prompt": "a", "completion": "b"}\n{"prompt": "a", "comp',
    "half.jsonl": '{"prompt": "a", "chosen": "b", "rejected": "c"}\n{"prompt": "d", "chosen": "e", "rej',
    "columns.csv": "question,answer\na,b\n",
}
SFT = "train -q --recipe sft --device cpu --start {base} "
LEARN = "train -q --recipe assistant-reward --device cpu --start {sft} "
POLICY = "train -q --recipe assistant-ppo --device cpu --start {sft} --set policy.reward={reward} "
CASES = {
    # Demonstrations.
    "columns that are not known": Case(1, SFT + "--data keys.jsonl", ("keys.jsonl, line 1", "question, answer")),
    "a csv without the columns": Case(1, SFT + "--data columns.csv", ("columns.csv", "question, answer")),
    "numbers in parquet": Case(1, SFT + "--data types.parquet", ("types.parquet", "completion", "is not text")),
    "a strange role": Case(1, SFT + "--data role.jsonl", ("line 1, messages", "system, user, assistant")),
    "no messages": Case(1, SFT + "--data no-messages.jsonl", ("messages is empty; leave the row out",)),
    "messages that are text": Case(1, SFT + "--data text-messages.jsonl", ("text-messages.jsonl, line 1",)),
    "a number for an answer": Case(1, SFT + "--data number.jsonl", ("number.jsonl, line 1, column completion: 7",)),
    "a broken line": Case(1, SFT + "--data broken.jsonl", ("broken.jsonl, line 2: not JSON",)),
    "blank answers": Case(1, SFT + "--data blank.jsonl", ("blank.jsonl", "give")),
    "turns out of order": Case(1, SFT + "--data turns.jsonl", ("turns.jsonl", "take turns"), begun=True),
    "longer than the context": Case(1, SFT + "--data long.jsonl", ("long.jsonl", "within 64 tokens"), begun=True),
    "sides for conversations": Case(1, SFT + "--source-file a --target-file b", ("reads conversations; give --data",)),
    "a missing file": Case(1, SFT + "--data nothing.jsonl", ("no file nothing.jsonl",)),
    # Starts.
    "no start": Case(1, "train -q --recipe sft --data keys.jsonl", ("begins from a run", "--start")),
    "a start that is missing": Case(1, "train -q --recipe sft --start nowhere", ("nowhere",)),
    "a translator to talk": Case(
        1, "train -q --recipe sft --start {run} --data good.jsonl", ('"translation"', "--start")
    ),
    "a reward model to talk": Case(
        1, "train -q --recipe sft --start {reward} --data good.jsonl", ('"reward"', "--start")
    ),
    "a document completer to improve": Case(
        1, "train -q --recipe assistant-ppo --start {base}", ("starts from a translator or a chat model",)
    ),
    "a reward model to improve": Case(1, "train -q --recipe assistant-dpo --start {reward}", ('"reward"',)),
    "a classifier to improve": Case(
        1, "train -q --recipe assistant-reward --start {classifier}", ('"classification"',)
    ),
    "a batch below the context": Case(1, SFT + "--set training.batch_tokens=32", ("cannot hold one conversation",)),
    # Comparisons.
    "a half-written rating": Case(1, LEARN + "--data half.jsonl", ("half.jsonl, line 2: not JSON",)),
    "equal sides": Case(1, LEARN + "--data equal.jsonl", ("equal.jsonl", "sides that do not differ")),
    "sides without answers": Case(1, LEARN + "--data sides.jsonl", ("sides.jsonl, line 1", "the role assistant")),
    "comparisons beyond the context": Case(1, LEARN + "--data long-comparisons.jsonl", ("24 too long",), begun=True),
    "most labels flipped": Case(1, LEARN + "--set comparisons.flipped=0.7", ("comparisons.flipped", "0.5")),
    "an unknown rater": Case(1, LEARN + "--set comparisons.rater=human", ("comparisons.rater", "'world' or 'chrf'")),
    "no temperature": Case(1, LEARN + "--set comparisons.temperature=0", ("comparisons.temperature", "greater than 0")),
    # Policies.
    "no reward model": Case(
        1,
        "train -q --recipe assistant-ppo --start {sft}",
        ("assistant-reward has no trained reward model", "--with-ancestors"),
    ),
    "a missing reward model": Case(
        1,
        "train -q --recipe assistant-ppo --start {sft} --set policy.reward=nowhere",
        ("nowhere has no trained reward",),
    ),
    "a translator for a reward": Case(
        1, "train -q --recipe assistant-ppo --start {sft} --set policy.reward={run}", ("not a reward model",)
    ),
    "a reward of another tokenizer": Case(
        1, "train -q --recipe fr-en-ppo --start {run} --set policy.reward={reward}", ("another tokenizer",)
    ),
    "a negative divergence": Case(1, POLICY + "--set policy.kl=-1", ("policy.kl", "greater than or equal to 0")),
    "no rater to be rewarded by": Case(
        1,
        "train -q --recipe fr-en-ppo --start {run} --set policy.reward=rater --set data.rater=people",
        ("data.rater", "'world' or 'chrf'"),
    ),
    "uneven minibatches": Case(
        1, POLICY + "--set policy.minibatches=3", ("minibatches = 3 does not divide rollouts = 256",)
    ),
    "more minibatches than rollouts": Case(1, POLICY + "--set policy.minibatches=512", ("minibatches = 512",)),
    "uneven groups": Case(1, POLICY + "--set policy.group=3", ("group = 3 does not divide rollouts = 256",)),
    "a group of one": Case(1, POLICY + "--set policy.estimator=rloo", ("set group = 2 or more",)),
    "batches of tokens": Case(1, POLICY + "--set training.batch_tokens=99", ("training.batch_tokens", "no effect")),
    "several passes for an update": Case(1, POLICY + "--set training.accumulate=2", ("training.accumulate = 2",)),
    "prompts without a prompt": Case(1, POLICY + "--data no-prompt.jsonl", ("line 1: no prompt", "question")),
    "prompts that are answered": Case(1, POLICY + "--data answered.jsonl", ("must have the role user",)),
    "blank prompts": Case(1, POLICY + "--data blank-prompts.jsonl", ("blank-prompts.jsonl",)),
    "no place for a completion": Case(
        1, POLICY + "--data prompts.jsonl --set policy.max_tokens=64", ("no prompt for train leaves place",), begun=True
    ),
    "a policy to overfit": Case(1, POLICY + "--overfit 3", ("--overfit", "a policy has none")),
    # Finished runs.
    "a chat with a document completer": Case(1, "chat --run {base} hello", ("seqx generate",)),
    "a chat with a translator": Case(1, "chat --run {run} hello", ("seqx translate",)),
    "a chat with a reward model": Case(1, "chat --run {reward} hello", ("seqx score",)),
    "a chat beside a translator": Case(1, "chat --seed 1 --run {sft} --compare {run} hello", ("seqx translate",)),
    "a chat with nothing": Case(1, "chat --run nowhere hello", ("no run folder nowhere", "seqx train --recipe")),
    "a rating of a classifier": Case(1, "rate --run {classifier}", ("seqx classify",)),
    "a rating of a reward model": Case(1, "rate --run {reward}", ("seqx score",)),
    "a rating of two kinds": Case(1, "rate --run {sft} --compare {run}", ("name two runs that do the same",)),
    "ratings that are half-written": Case(
        1, "rate --run {sft} --input columns.csv --output half.jsonl", ("half.jsonl, line 2: not JSON",)
    ),
    "a rating at no temperature": Case(2, "rate --run {sft} --temperature 0", ("--temperature 0.0", "above 0")),
    "the best of none": Case(2, "generate --run {sft} hello --best-of 0 --reward {reward}", ("--best-of",)),
    "the best by a translator": Case(
        1, "generate --run {sft} hello --best-of 2 --reward {run}", ("is a translator", "not a reward model")
    ),
    "the best by a reward of another kind": Case(
        1, "translate --run {run} chat --best-of 2 --reward {reward}", ("rewards what chat models write",)
    ),
    "a frontier of no policy": Case(1, "frontier {sft}", ("policy",)),
    "a demonstration to score": Case(
        1, "score --run {sft} --source-file columns.csv --target-file columns.csv", ("seqx chat",)
    ),
}


@pytest.fixture(scope="module")
def runs(assistant_base: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A document completer, what hardly learnt to answer from it, and a reward model of that: a few updates each."""
    folder = tmp_path_factory.mktemp("assistants")
    text = assistants.SFT.replace("steps = 80", "steps = 1")
    sft, training = assistants.assistant_session(folder, assistant_base, text=text)
    list(training.events())
    rows = [{"prompt": f"{n} cat?", "chosen": "red", "rejected": f"blue {n}"} for n in COUNT]
    comparisons = folder / "comparisons.jsonl"
    comparisons.write_text("".join(json.dumps(row) + "\n" for row in rows))
    reward = Run(folder / "reward")
    wanted = assistants.recipe(folder, REWARD, sft.path)
    list(assistants.begun(wanted, reward, comparisons, comparisons, comparisons).events())
    for run in (sft, reward):
        tasks.of(run.recipe()).judge(run, assistants.CPU, lambda message: None)
    return {"base": assistant_base.path, "sft": sft.path, "reward": reward.path}


@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_used_is_named(
    seqx: Seqx, runs: dict[str, Path], trained: Path, trained_classifier: Path, tmp_path: Path, name: str
) -> None:
    for stem, rows in FILES.items():
        (tmp_path / f"{stem}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for file, text in TEXTS.items():
        (tmp_path / file).write_text(text)
    table = pyarrow.table({"prompt": ["a", "b"], "completion": [1.5, 2.5]})
    pyarrow.parquet.write_table(table, tmp_path / "types.parquet")
    refused(seqx, CASES[name], tmp_path, run=trained, classifier=trained_classifier, **runs)
