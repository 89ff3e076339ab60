"""Comparisons, reward models and ratings that cannot be used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.bad_input import Case, refused
from tests.support.command import Seqx

ROWS: dict[str, list[dict[str, Any]]] = {
    "keys": [{"prompt": "un chat", "chosen": "a cat"}],
    "role": [{"prompt": [{"role": "human", "content": "un"}], "chosen": "a", "rejected": "b"}],
    "number": [{"prompt": "un chat", "chosen": 1, "rejected": "b"}],
    "equal": [{"prompt": f"un chat {n}", "chosen": "a", "rejected": "a"} for n in range(30)],
    "escapes": [{"prompt": f"un chat {n}", "chosen": "it&#039;s", "rejected": "it's\r\n"} for n in range(30)],
    "two": [{"prompt": f"un chat {n}", "chosen": "a", "rejected": "b"} for n in range(2)],
}
TRAIN = "train --recipe fr-en-reward --start {run} --device cpu"
CASES = [
    Case(1, "train --recipe fr-en-reward", ("runs/fr-en is not trained", "seqx train --recipe fr-en")),
    Case(1, "train --recipe assistant-dpo", ("runs/assistant-sft is not trained", "--with-ancestors")),
    Case(
        1,
        "train --recipe fr-en-reward --start {text} --data two.jsonl",
        ("starts from a translator or a chat model", '"language-model"'),
    ),
    Case(1, f"{TRAIN} --data keys.jsonl", ("keys.jsonl, line 1: no rejected", "prompt, chosen")),
    Case(1, f"{TRAIN} --data role.jsonl", ("role.jsonl, line 1, prompt", "'human'", "system, user, assistant")),
    Case(1, f"{TRAIN} --data number.jsonl", ("number.jsonl, line 1, column chosen: 1 is not text",)),
    Case(1, f"{TRAIN} --data equal.jsonl", ("equal.jsonl", "teach nothing", "sides that do not differ")),
    Case(1, f"{TRAIN} --data escapes.jsonl", ("escapes.jsonl", "teach nothing")),
    Case(1, f"{TRAIN} --data two.jsonl", ("no comparison for train is left of 2",)),
    Case(1, f"{TRAIN} --set comparisons.rater=human", ("comparisons.rater", "'human'")),
    Case(1, f"{TRAIN} --set comparisons.pairs=0", ("comparisons.pairs", "0")),
    Case(1, f"{TRAIN} --set preference.beta=1", ("preference.beta", "no effect")),
    Case(1, "train --recipe fr-en-dpo --start {run} --set preference.beta=0", ("preference.beta", "greater than 0")),
    Case(1, "train --recipe fr-en-dpo --start {run} --set comparisons.centring=1", ("centring", "no effect")),
    Case(2, "translate chat --run {run} --best-of 4", ("--best-of N and --reward RUN go together",)),
    Case(2, "translate chat --run {run} --reward {run}", ("--best-of N and --reward RUN go together",)),
    Case(2, "translate chat --run {run} --best-of 4 --reward {run} --n-best 2", ("--n-best has no effect",)),
    Case(1, "translate chat --run {run} --best-of 4 --reward {run}", ("is a translator", "not a reward model")),
    Case(1, "translate chat --run {run} --best-of 4 --reward nowhere", ("no run folder nowhere",)),
    Case(2, "generate chat --run {text} --best-of 4 --reward {run} --temperature 0", ("--best-of 4",)),
    Case(1, "generate chat --run {text} --best-of 4 --reward {run}", ("is a translator", "not a reward model")),
    Case(1, "rate --run {text}", ("a language model", "seqx generate")),
    Case(1, "rate --run {run} --compare {text}", ("a language model",)),
    Case(2, "rate --run {run} --output ratings.txt", ("ratings.txt", ".jsonl")),
    Case(1, "rate --run {run} --input two.jsonl --output keys.jsonl", ("keys.jsonl, line 1: no rejected",)),
    Case(1, "rate --run {run}", ("prompts of", "give --input FILE")),
]


@pytest.mark.parametrize("case", CASES, ids=[case.arguments for case in CASES])
def test_what_cannot_be_used_is_named(
    case: Case, seqx: Seqx, trained: Path, trained_text: Path, tmp_path: Path
) -> None:
    for name, rows in ROWS.items():
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    refused(seqx, case, tmp_path, run=trained, text=trained_text)
