"""`seqx score`."""

from __future__ import annotations

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options

_WINDOW = 2000


def score(
    source_file: Annotated[Path, typer.Option("--source-file", help="Source sentences, one a line.")],
    target_file: Annotated[Path, typer.Option("--target-file", help="Their translations, line for line.")],
    run: options.RunFolder = None,
    output: options.Output = None,
    length_penalty: Annotated[
        float | None, typer.Option("--length-penalty", min=0, max=10, help="GNMT's alpha. Default: the recipe's.")
    ] = None,
    as_json: options.Json = False,
    encoding: options.Encoding = "strict",
    device: options.Device = "auto",
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Score given translations by forced decoding: one score a line, the one that `seqx translate --json` reports for
    that text.

    A score is the natural-log probability over the length penalty; --json adds the tokens with theirs. A line blank
    on either side, or longer than the model takes, has no score: `nan`, and null in JSON.
    """
    from dataclasses import replace

    from seq2seq import build
    from seq2seq import device as devices
    from seq2seq.data.lines import read_pairs
    from seq2seq.files import replacing
    from seq2seq.run import open_run

    errors: Any = options.encoding_errors(encoding)
    folder = open_run(run, "score")
    recipe = folder.recipe()
    search = build.options(recipe)
    if length_penalty is not None:
        search = replace(search, length_penalty=length_penalty)
    pairs = read_pairs(source_file, target_file, errors)
    translator = build.translator(folder, devices.choose(device, recipe.training.precision), search)
    without = 0
    with replacing(output) if output else nullcontext(sys.stdout.buffer) as file:
        while group := list(islice(pairs, _WINDOW)):
            for (source, target), found in zip(group, translator.score(*zip(*group))):
                without += found is None
                row = {"source": source, "target": target, **({"score": None} if found is None else asdict(found))}
                row.pop("text", None)
                shown = (
                    json.dumps(row, ensure_ascii=False) if as_json else "nan" if found is None else f"{found.score:.4f}"
                )
                file.write((shown + "\n").encode("utf-8", "replace"))
            file.flush()
    if without:
        options.note(f"{without:,} lines have no score: blank on a side, or longer than the model takes", quiet=quiet)
