"""`seqx pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Option

from . import options
from .printing import note


def pack(
    *,
    run_folder: options.RunFolder = None,
    to: Annotated[
        Path, Option(metavar="FILE", help="File to write, for example fr-en.seqx.", callback=options.writable)
    ],
    licence: Annotated[
        str, Option(metavar="TEXT", help="Licence of the model, for example CC-BY-4.0; kept in the file.")
    ] = "",
    weights: Annotated[
        bool, Option("--weights", help="Also the float32 weights: for PyTorch, and to train on.")
    ] = False,
    test_set: Annotated[
        bool, Option("--test-set", help="Also the test set: for `seqx evaluate` without files.")
    ] = False,
) -> None:
    """Pack a finished run into one file that every --run opens: its int8 copy, tokenizer, recipe and scores. It holds
    no text that you trained on, no names of your files but those in the recipe, and nothing executable.
    """
    from seq2seq.lifecycle import packing

    run = options.open_run(run_folder, "pack")
    names = packing.write(run, to, licence=licence, weights=weights, test_set=test_set)
    note(f"Written: {to}, {to.stat().st_size / 1e6:.1f} MB: {', '.join(names)}. Try it: seqx runs show {to}")
