"""Options out of range, of no meaning together, or of a run of another kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.bad_input import Case, refused
from tests.support.command import Seqx

TRAIN = "train -q --run out --recipe tiny.toml --source-file train.fr --target-file train.en "
TRANSLATE = "translate --run {run} "
GENERATE = "generate --run {text} -q --max-tokens 3 "
SCORE = "score --run {run} --source-file two --target-file two "
CASES = {
    "unknown device, train": Case(1, TRAIN + "--device abacus", ("--device abacus: there are auto, cpu",)),
    "absent device, train": Case(1, TRAIN + "--device mps", ("--device mps", "has no such device")),
    **{
        f"unknown device, {command.split()[0]}": Case(1, f"{command} --device abacus", ("--device abacus",))
        for command in (
            TRANSLATE + "un",
            TRANSLATE + "un --engine torch",
            GENERATE + "un",
            SCORE,
            "evaluate --run {run} -q",
            "evaluate --run {text}",
            "compare {run} {run} -q",
            "bench --run {run} -q --seconds 1",
            "doctor -q",
        )
    },
    "device that is not here": Case(1, TRANSLATE + "--device cuda:99 un", ("cuda:99", "use --device cpu")),
    "beam of none": Case(2, TRANSLATE + "--beam-size 0 un", ("--beam-size", "greater than or equal to 1")),
    "beam of none, evaluate": Case(2, "evaluate --run {run} --beam-size 0", ("--beam-size",)),
    "beam over the vocabulary": Case(
        1, TRANSLATE + "--beam-size 301 un", ("beam of 301 is wider than the vocabulary of 300", "use fewer")
    ),
    "beam over the vocabulary, torch": Case(
        1, TRANSLATE + "--engine torch --beam-size 301 un", ("beam of 301 is wider than the vocabulary of 300",)
    ),
    "beam over the vocabulary, evaluate": Case(1, "evaluate -q --run {run} --beam-size 301", ("a beam of 301",)),
    "more best than tokens": Case(1, TRANSLATE + "--n-best 301 un", ("a beam of 301", "--n-best")),
    "beam of thousands": Case(2, TRANSLATE + "--beam-size 1001 un", ("--beam-size", "1000")),
    "more best than beams": Case(2, TRANSLATE + "--beam-size 2 --n-best 3 un", ("--n-best 3", "--beam-size 2")),
    "negative alpha": Case(2, TRANSLATE + "--length-penalty -1 un", ("--length-penalty",)),
    "alpha that is no number": Case(2, TRANSLATE + "--length-penalty nan un", ("--length-penalty",)),
    "negative alpha, score": Case(2, SCORE + "--length-penalty -1", ("--length-penalty",)),
    "temperature of none": Case(2, TRANSLATE + "--sample --temperature 0 un", ("--temperature 0.0", "above 0")),
    "temperature that is no number": Case(2, TRANSLATE + "--sample --temperature nan un", ("--temperature nan",)),
    "temperature without bound": Case(2, TRANSLATE + "--sample --temperature inf un", ("--temperature inf",)),
    "negative temperature": Case(2, GENERATE + "--temperature -1", ("--temperature -1.0: use 0 or above",)),
    "mass of none": Case(2, GENERATE + "--top-p 0", ("--top-p 0.0: use above 0",)),
    "mass over all": Case(2, TRANSLATE + "--sample --top-p 2 un", ("--top-p 2.0",)),
    "negative count": Case(2, GENERATE + "--top-k -1", ("--top-k",)),
    "share over all": Case(2, GENERATE + "--min-p 2", ("--min-p 2.0: use 0 to 1",)),
    "penalty of none": Case(2, GENERATE + "--repetition-penalty 0", ("--repetition-penalty 0.0: use above 0",)),
    "length of none": Case(2, "generate --run {text} --max-tokens 0", ("--max-tokens",)),
    "texts of none": Case(2, GENERATE + "--samples 0", ("--samples",)),
    "the same text again and again": Case(2, GENERATE + "--samples 2 --temperature 0", ("would all be the same",)),
    "more texts than beams": Case(2, GENERATE + "--samples 3 --beam-size 2", ("--samples 3", "--beam-size 2")),
    "seed out of range": Case(2, GENERATE + "--seed 99999999999999999999", ("--seed",)),
    "negative seed": Case(2, TRAIN + "--seed -1", ("--seed",)),
    "minutes of none": Case(2, TRAIN + "--minutes 0", ("--minutes",)),
    "steps and minutes": Case(2, TRAIN + "--minutes 1 --set training.steps=2", ("give one of them",)),
    "batch of no number": Case(1, TRAIN + "--batch-tokens many", ("training.batch_tokens", "'many'")),
    "nothing to learn by heart": Case(2, TRAIN + "--overfit 0", ("--overfit",)),
    "text and input": Case(2, TRANSLATE + "--input two bonjour", ("'bonjour'", "--input two", "give one")),
    "prompt and input": Case(2, GENERATE + "ROMEO --input two", ("'ROMEO'", "--input two", "give one")),
    "files and a set of sacreBLEU": Case(
        2, "evaluate --run {run} --sacrebleu wmt14 --source-file two --target-file two", ("give one",)
    ),
    "set that sacreBLEU has not": Case(1, "evaluate --run {run} --sacrebleu wmt99", ("'wmt99'", "sacrebleu --list")),
    "encoding errors of no kind": Case(2, TRANSLATE + "--encoding-errors ignore un", ("use strict or replace",)),
    "encoding errors, evaluate": Case(2, "evaluate --run {run} --encoding-errors no", ("use strict or replace",)),
    "engine of no name": Case(2, TRANSLATE + "--engine onnx un", ("--engine onnx: use auto, torch or ctranslate2",)),
    "precision of no name": Case(2, SCORE + "--precision int4", ("--precision int4: use auto",)),
    "precision of another engine": Case(1, TRANSLATE + "--engine torch --precision int8 un", ("leave out --engine",)),
    "drawing by the fast engine": Case(1, TRANSLATE + "--sample --engine ctranslate2 un", ("only PyTorch draws",)),
    "shortlist, which is no more": Case(2, "translate --run {run} un --shortlist", ("No such option", "--shortlist")),
    "format of no name": Case(2, "export --run {run} --format onnx", ("--format onnx: there is ctranslate2",)),
    "translator asked for text": Case(1, "generate --run {run} un", ("is a translator", "use `seqx translate --run")),
    "language model asked to translate": Case(
        1, "translate --run {text} un", ("not a translator: use `seqx generate --run",)
    ),
    "language model beside a translator": Case(1, "compare {text} {run}", ("continues text", "translates fr to en")),
    "language models on pairs": Case(
        2, "compare {text} {text} --source-file two --target-file two", ("--source-file has no effect",)
    ),
    "language models, sentences that changed": Case(2, "compare {text} {text} --most 3", ("--most has no effect",)),
    "language model asked for BLEU": Case(
        2, "evaluate --run {text} --source-file two --target-file two", ("takes --input, and translates nothing",)
    ),
    "translator given text": Case(2, "evaluate --run {run} --input two --sacrebleu wmt14", ("both --input and",)),
    "tokenizer of no kind": Case(2, "tokenizer show un --kind bep", ("--kind bep", "did you mean bpe")),
    "tokenizer and run": Case(2, "tokenizer show un --kind byte --run {run}", ("give one",)),
    "tokenizer without text": Case(2, "tokenizer show un --kind bpe", ("is trained on text: name it with --file",)),
    "vocabularies of no size": Case(2, "tokenizer compare two --vocabulary x", ("--vocabulary x: give whole numbers",)),
    "vocabularies without bound": Case(2, "tokenizer compare two --vocabulary 5000000", ("most: 1,000,000",)),
    "run and recipe": Case(2, "bench --run {run} --recipe fr-en", ("leave out --recipe",)),
    "seconds of none": Case(2, "bench --seconds 0", ("--seconds",)),
    "score without files": Case(2, "score --run {run}", ("--source-file",)),
    "compare with nothing": Case(2, "compare {run}", ("RUN_B",)),
    "compare without runs": Case(1, "compare a b", ("no run folder a",)),
    "no trained model": Case(1, "translate un", ("no trained model under runs/", "seqx train --recipe fr-en")),
    "no model of text": Case(1, "generate un", ("seqx train --recipe gpt-shakespeare",)),
    "no such run": Case(1, "translate --run nowhere un", ("no run folder nowhere",)),
    "file for a run": Case(1, "translate --run two un", ("two is a file, not a run folder",)),
    "folder that is no run": Case(1, "evaluate --run folder", ("folder is not a run folder",)),
    "folder of other things": Case(
        1, "train -q --recipe tiny.toml --run . --data a.tsv", (". holds files but no recipe.toml", "--run")
    ),
    "run under a file": Case(1, TRAIN.replace("--run out", "--run two/out"), ("cannot write to two/out",)),
    "unknown command": Case(2, "trian", ("trian",)),
    "unknown option": Case(2, "train --recipes fr-en", ("--recipes",)),
}


@pytest.mark.parametrize("name", CASES)
def test_an_option_that_cannot_be_used_is_named(
    seqx: Seqx, same_files: Path, trained: Path, trained_text: Path, name: str
) -> None:
    refused(seqx, CASES[name], same_files, run=trained, text=trained_text)


def test_a_mirror_that_leads_nowhere_is_named(seqx: Seqx, files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQX_DATA", "/nowhere")
    refused(
        seqx, Case(1, "train -q --recipe fr-en-multi30k", ("SEQX_DATA = /nowhere is not a folder", "unset it")), files
    )
