"""`seqx doctor`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from typer import Option

from . import options
from .printing import note, printable, show, show_json

_RECIPE = "gpt-shakespeare"
_SHOWN = {"ok": "ok     ", "unknown": "unknown", "wrong": "WRONG  "}


def doctor(
    *,
    recipe: options.Recipe = _RECIPE,
    changes: options.Set = None,
    devices: options.Devices = None,
    threads: options.Threads = None,
    quick: Annotated[bool, Option("--quick", help="Less accurate figures in less time.")] = False,
    run: Annotated[
        Path | None, Option(help="Verify the files of this run by their checksums instead of measuring.")
    ] = None,
    as_json: options.Json = False,
) -> None:
    """Measure speed, exactness and memory of this machine's devices for a recipe, and recommend one.

    It takes less than a minute for a small recipe; what it trains is discarded. With --run it verifies the files of a
    run instead, one line each; the exit code is 1 if a file is missing or damaged.

    Examples: seqx doctor --recipe fr-en --quick; seqx doctor --run runs/fr-en
    """
    if run is not None:
        if recipe != _RECIPE or changes or devices or threads or quick:
            options.usage_error("--run verifies files: leave out --recipe, --set, --device, --threads and --quick")
        _verify(run, as_json)
        return
    from seq2seq import device
    from seq2seq.lifecycle import ancestors
    from seq2seq.measure.devices import diagnose

    from .console import status
    from .diagnosis import write_json, write_tables

    loaded = ancestors.with_usual_start(recipe, changes, note)
    everything = not devices or "auto" in devices
    named = [device.named(name) for name in dict.fromkeys(device.present() if everything else devices or ())]
    with status() as say:
        diagnosis = diagnose(loaded, named, quick=quick, say=say)
    (write_json if as_json else write_tables)(diagnosis)


def _verify(path: Path, as_json: bool) -> None:
    """Show a verdict on each file of a run; exit code 1 where one is wrong."""
    from seq2seq.errors import RunError
    from seq2seq.measure import integrity
    from seq2seq.run import Run, found
    from seq2seq.storage import pack

    path = found(path)
    if path.is_file():
        path = pack.unpacked(path)
    if not path.is_dir():
        raise RunError(f"no run folder {path}; check the path")
    verdicts = []
    for verdict in integrity.verify(Run(path)):
        verdicts.append(verdict)
        if not as_json:
            show(printable(f"{_SHOWN[verdict.state]}  {verdict.name}: {verdict.says}"))
    if as_json:
        show_json([asdict(verdict) for verdict in verdicts])
    if wrong := sum(verdict.state == "wrong" for verdict in verdicts):
        note(f"{path}: {wrong} of {len(verdicts)} are missing or damaged")
        raise typer.Exit(1)
