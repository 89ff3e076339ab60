"""seqx beside the text-classification pipeline of transformers, in turns: the same lines, a model of the same size.

    OMP_NUM_THREADS=1 python -m tests.benchmarks.classifying --run runs/sentiment [--rounds 5]
                                                            [--lines 10000] [--peer float32 bfloat16]

The pipeline's model is a BERT of the run's layers, widths, heads, activation and vocabulary size, with random weights,
whose speed is that of trained ones, and a WordPiece tokenizer in Rust, trained on the same lines. Its batch size is the
fastest of several for 1,000 lines. It pads the lines of a batch to the longest, so that it is also given the lines
sorted by length, which seqx does by itself. Needs $SEQX_DATA/sst2 and the [hf] extra.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from tokenizers import Tokenizer
from tokenizers.implementations import BertWordPieceTokenizer
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast, pipeline

from seq2seq import limits
from seq2seq.recipe import Recipe
from seq2seq.run import Run
from seq2seq.tasks import open_run
from seq2seq.tasks.classification_opening import open_classifier
from seq2seq.tasks.opening import EngineChoice

BATCH_SIZES = (1, 8, 16, 32, 64, 128, 256)

Classify = Callable[[Sequence[str]], Any]


class Seconds(NamedTuple):
    wall: float
    cpu: float  # of all threads; other work on the machine changes it less


def by_seqx(run: Run, engine: str, precision: str) -> Classify:
    opened = open_classifier(run, EngineChoice(engine, precision, "cpu"))
    return lambda lines: opened.classifier.classify([(line,) for line in lines])


def in_transformers(recipe: Recipe, classes: int, lines: Sequence[str], dtype: torch.dtype) -> Any:
    """The pipeline, without a batch size."""
    shape, longest = recipe.model, recipe.data.max_length
    trained = BertWordPieceTokenizer()
    trained.train_from_iterator(lines, vocab_size=recipe.tokenizer.vocabulary_size, show_progress=False)
    names = ("unk", "sep", "pad", "cls", "mask")
    special: dict[str, Any] = {f"{name}_token": f"[{name.upper()}]" for name in names}
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(trained.to_str()),
        model_max_length=longest,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **special,
    )
    config = BertConfig(
        vocab_size=recipe.tokenizer.vocabulary_size,
        hidden_size=shape.d_model,
        num_hidden_layers=shape.encoder_layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=shape.d_ff,
        hidden_act=shape.activation,
        max_position_embeddings=longest,
        num_labels=classes,
    )
    model = BertForSequenceClassification(config).to(dtype).eval()
    classify: Any = pipeline("text-classification", model=model, tokenizer=tokenizer, device="cpu", top_k=None)
    return partial(classify, truncation=True)


def fastest(classify: Any, lines: Sequence[str]) -> int:
    """The batch size that is fastest."""
    seconds = {}
    for size in BATCH_SIZES:
        seconds[size] = timed(partial(classify, batch_size=size), lines).cpu
    print(
        "pipeline, CPU seconds by batch size: " + ", ".join(f"{size}: {each:.2f}" for size, each in seconds.items()),
        flush=True,
    )
    return min(seconds, key=seconds.__getitem__)


def timed(classify: Classify, lines: Sequence[str]) -> Seconds:
    wall, cpu = time.perf_counter(), time.process_time()
    classify(list(lines))
    return Seconds(time.perf_counter() - wall, time.process_time() - cpu)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True, help="a finished classifier of one text, with its copy")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--lines", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, help="of the pipeline; default: the fastest")
    parser.add_argument("--peer", nargs="+", choices=["float32", "bfloat16"], default=["float32", "bfloat16"])
    asked = parser.parse_args()
    torch.set_num_threads(limits.threads())
    run = open_run(asked.run, "classify")
    text = Path(os.environ["SEQX_DATA"], "sst2", "train.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(row)["text"] for row in text.splitlines()]
    lines = (lines * (1 + asked.lines // len(lines)))[: asked.lines]
    by_length = sorted(lines, key=len)
    contestants: dict[str, tuple[Classify, Sequence[str]]] = {
        "seqx, CTranslate2 int8": (by_seqx(run, "ctranslate2", "int8"), lines),
        "seqx, CTranslate2 float32": (by_seqx(run, "ctranslate2", "float32"), lines),
        "seqx, PyTorch float32": (by_seqx(run, "torch", "float32"), lines),
    }
    for name in asked.peer:
        dtype = getattr(torch, name)
        classify = in_transformers(run.recipe(), len(run.record()["classes"]), lines, dtype)
        size = asked.batch_size or fastest(classify, lines[:1000])
        batched = partial(classify, batch_size=size)
        contestants[f"transformers, {name}, batches of {size}"] = (batched, lines)
        size = asked.batch_size or fastest(classify, by_length[:: max(1, len(lines) // 1000)])
        batched = partial(classify, batch_size=size)
        contestants[f"transformers, {name}, batches of {size}, sorted"] = (batched, by_length)
    for classify, given in contestants.values():
        classify(given[:500])
    seconds: dict[str, list[Seconds]] = {name: [] for name in contestants}
    for _ in range(asked.rounds):
        for name, (classify, given) in contestants.items():
            seconds[name].append(timed(classify, given))
    print(f"{len(lines):,} lines, {limits.threads()} threads, {asked.rounds} rounds in turns; medians")
    ours = seconds["seqx, CTranslate2 int8"]
    for name, each in seconds.items():
        wall, cpu = (median(getattr(one, kind) for one in each) for kind in Seconds._fields)
        times, in_cpu = (
            median(getattr(one, kind) / getattr(own, kind) for one, own in zip(each, ours)) for kind in Seconds._fields
        )
        least = min(one.cpu for one in each)
        print(
            f"{name:48} {wall:7.2f} s, {cpu:6.2f} CPU seconds, at least {least:.2f}; int8 is faster by {times:.2f}, "
            f"in CPU seconds {in_cpu:.2f}, of the least {least / min(own.cpu for own in ours):.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
