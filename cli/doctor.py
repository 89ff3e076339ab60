"""`seqx doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options


def doctor(
    recipe: options.Recipe = "gpt-shakespeare",
    changes: options.Set = None,
    devices: options.Devices = None,
    threads: options.Threads = None,
    quick: Annotated[bool, typer.Option("--quick", help="Rougher figures, sooner.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    debug: options.Debug = False,
) -> None:
    """Measure what the devices of this machine make of a recipe: speed, exactness, memory; say which one to take.

    It takes less than a minute for a small recipe, and trains nothing that is kept.

    Example: seqx doctor --recipe fr-en --quick
    """
    from cli.console import status
    from cli.diagnosis import write_json, write_tables
    from seq2seq import device, recipe_files
    from seq2seq.checkup import examine

    wanted = recipe_files.load(recipe, changes, options.noting(quiet))
    everything = not devices or "auto" in devices
    named = [device.named(name) for name in dict.fromkeys(device.present() if everything else devices or ())]
    with status(quiet=quiet) as progress:
        found = examine.examine(wanted, named, quick=quick, progress=progress)
    if as_json:
        write_json(found)
    else:
        write_tables(found)
