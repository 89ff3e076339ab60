"""No option is ignored: one that has no effect, beside others or with a run of this kind, is refused or said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.bad_input import Case, refused, snapshot
from tests.support.command import Seqx

TRANSLATE = "translate --run {run} un "
GENERATE = "generate --run {text} A --max-tokens 3 "
TEXT = "evaluate --run {text} "
TRAIN = "train -q --run out --recipe tiny.toml --source-file train.fr --target-file train.en "
CASES = {
    **{
        f"{option[0]} without --sample": Case(
            2, TRANSLATE + " ".join(option), (f"{option[0]} has no effect", "--sample")
        )
        for option in (("--temperature", "0.5"), ("--top-k", "3"), ("--top-p", "1"), ("--seed", "1"))
    },
    "beam of a sample": Case(2, TRANSLATE + "--sample --beam-size 2", ("--beam-size has no effect", "--sample draws")),
    "alpha of a sample": Case(2, TRANSLATE + "--sample --length-penalty 1", ("--length-penalty has no effect",)),
    "alpha of one hypothesis": Case(2, TRANSLATE + "--beam-size 1 --length-penalty 1", ("--length-penalty has no",)),
    **{
        f"{option} of a beam": Case(
            2, GENERATE + f"--beam-size 2 {option} {value}", (f"{option} has no effect", "search")
        )
        for option, value in (("--temperature", "0.8"), ("--top-k", "0"), ("--top-p", "0.9"), ("--min-p", "0.1"))
    },
    **{
        f"{option} of the most probable": Case(2, GENERATE + f"--temperature 0 {option} {value}", (f"{option} has no",))
        for option, value in (("--top-k", "3"), ("--top-p", "0.9"), ("--min-p", "0.1"))
    },
    **{
        f"{option} of the most probable by k, {command.split()[0]}": Case(
            2, command + f"--top-k 1 {option} {value}", (f"{option} has no effect", "--top-k 1")
        )
        for command in (GENERATE, TRANSLATE + "--sample ")
        for option, value in (("--temperature", "0.5"), ("--top-p", "0.9"))
    },
    "seed of the most probable by k": Case(2, TRANSLATE + "--sample --top-k 1 --seed 5", ("--seed has no effect",)),
    "prompt left out of JSON": Case(2, GENERATE + "--json --no-prompt", ("--no-prompt has no effect",)),
    **{
        f"{option} of text": Case(2, TEXT + option, (f"{option.split()[0]} has no effect", "takes --input"))
        for option in ("--engine torch", "--precision float32", "--beam-size 2", "--length-penalty 1")
    },
    "alpha of one hypothesis, evaluate": Case(
        2, "evaluate --run {run} --beam-size 1 --length-penalty 1", ("--length-penalty has no effect",)
    ),
    "encoding of no file": Case(2, TRANSLATE + "--encoding cp1252", ("--encoding has no effect", "no file")),
    "encoding of a prompt": Case(2, GENERATE + "--encoding-errors replace", ("--encoding-errors has no effect",)),
    "encoding of the run's own": Case(2, "evaluate --run {run} --encoding cp1252", ("--encoding has no effect",)),
    "encoding of text's own": Case(2, TEXT + "--encoding cp1252", ("--encoding has no effect",)),
    "encoding of A's own": Case(2, "compare {run} {run} --encoding cp1252", ("--encoding has no effect",)),
    "value of no recipe": Case(2, "bench --set training.batch_tokens=64", ("--set changes a recipe", "--recipe")),
    "text for bytes": Case(
        2, "tokenizer show un --kind byte --file two", ("--file has no effect", "byte is not trained on text")
    ),
    "size for bytes": Case(2, "tokenizer show un --kind byte --vocabulary 300", ("--vocabulary has no effect",)),
    "sizes for bytes": Case(2, "tokenizer compare two --kinds byte --vocabulary 300", ("--vocabulary has no effect",)),
    "two seeds": Case(2, TRAIN + "--seed 3 --set training.seed=4", ("--seed and --set training.seed",)),
    "two batches": Case(2, TRAIN + "--batch-tokens 64 --set training.batch_tokens=128", ("give one of them",)),
    "a budget and a measurement": Case(2, TRAIN + "--overfit 3 --dry-run", ("--overfit 3", "leave out --dry-run")),
    "two budgets": Case(2, TRAIN + "--overfit 3 --minutes 1", ("--overfit 3", "--minutes")),
    "a value that learning by heart replaces": Case(
        2, TRAIN + "--overfit 3 --set training.steps=7", ("--set training.steps has no effect", "--overfit")
    ),
    "an idle value of the recipe": Case(
        1, TRAIN + "--set optimizer.weight_decay=0.1", ('no effect with optimizer.kind = "adam"', "leave it out")
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_an_option_without_effect_is_refused(
    seqx: Seqx,
    same_files: Path,
    trained: Path,
    trained_text: Path,
    name: str,
) -> None:
    refused(seqx, CASES[name], same_files, run=trained, text=trained_text)


def test_options_that_have_an_effect_pass(seqx: Seqx, trained: Path, trained_text: Path) -> None:
    drawn = ["--sample", "--temperature", "0.5", "--top-k", "3", "--top-p", "0.9", "--seed", "2"]
    for command in (
        ["translate", "--run", trained, "un", *drawn],
        ["translate", "--run", trained, "un", *drawn, "--length-penalty", "1", "--json"],
        ["translate", "--run", trained, "un", "--beam-size", "2", "--length-penalty", "1"],
        [
            "generate",
            "--run",
            trained_text,
            "A",
            "--max-tokens",
            "3",
            "--temperature",
            "0",
            "--repetition-penalty",
            "2",
        ],
    ):
        assert seqx(*command).code == 0


def test_a_seed_that_draws_nothing_is_said(seqx: Seqx, trained_text: Path) -> None:
    for more, why in ((["--temperature", "0"], "the most probable"), (["--beam-size", "2"], "--beam-size 2 searches")):
        done = seqx("generate", "--run", trained_text, "A", "--max-tokens", "3", "--seed", "1", *more)
        assert done.code == 0 and "--seed has no effect: " in done.err and why in done.err


def test_what_a_run_that_goes_on_keeps_is_said(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    assert seqx("train", *given, "--run", "run", "--batch-tokens", "auto").code == 0
    done = seqx("train", *given, "--run", "run", "--batch-tokens", "auto", "--minutes", "5")
    assert done.code == 0 and "Steps: 6, as when run was begun" in done.err and "Batch: 256 tokens, as" in done.err


def test_a_value_of_the_file_that_set_makes_idle_is_said(seqx: Seqx, tmp_path: Path) -> None:
    before = snapshot(tmp_path)
    done = seqx("recipes", "show", "gpt-shakespeare", "--set", "optimizer.kind=adam")
    assert done.code == 0 and "weight_decay" not in done.out
    assert "NOTE: optimizer.weight_decay of recipe gpt-shakespeare has no effect with optimizer.kind" in done.err
    assert snapshot(tmp_path) == before
