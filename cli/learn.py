"""`seqx learn`."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer import Argument, Option

from . import options
from .printing import note, show

if TYPE_CHECKING:
    from seq2seq.learn.catalogue import Note

_FOLDER = Path("learn")
_FORMATS = (".png", ".svg")
_WIDTH = 80  # columns, as the lines of a note have at most


def learn(
    *,
    context: typer.Context,
    name: Annotated[str | None, Argument(help="Name of a note. Without one, the notes are listed.")] = None,
    every: Annotated[bool, Option("--all", help="Run every note, in the lecture's order.")] = False,
    output: Annotated[
        Path | None,
        Option("--output", "-o", metavar="PATH", help="Picture to write (.png or .svg), or a folder. Default: learn/"),
    ] = None,
) -> None:
    """Run the notes of a lecture on Transformers, one by one: what is seen in five lines, with the figures measured
    here, and a picture. Without a name, list them.

    Each takes seconds, runs the real code of seqx on real text, and fails where what it teaches does not show.

    Example: seqx learn positions
    """
    from seq2seq.learn.catalogue import NOTES, named

    if name is None and not every:
        options.refuse_given(context, "output", because="a list has no picture; name a note, or give --all")
        for each in NOTES:
            show(f"{each.name:<17}{each.title}")
        note("One of them: seqx learn NAME; all: seqx learn --all")
        return
    if name is not None and every:
        options.usage_error(f"both {name} and --all were given; give one")
    notes = NOTES if name is None else (named(name),)
    pictures = [_picture(each, output, alone=not every) for each in notes]
    for place, (each, picture) in enumerate(zip(notes, pictures)):
        if place:
            show("")
        _teach(each, picture)


def _picture(chosen: Note, output: Path | None, *, alone: bool) -> Path:
    """The file of a note's picture, which can be written. Usage error: one file for all, or of another format."""
    if output is not None and output.suffix and not output.is_dir():
        if output.suffix.lower() not in _FORMATS:
            options.usage_error(f"--output {output}: name a folder, or a file that ends in .png or .svg")
        if not alone:
            options.usage_error(f"--output {output}: --all writes a picture for each note; name a folder")
        path = output
    else:
        path = (output or _FOLDER) / f"{chosen.name}.png"
    options.must_be_writable("--output", path)
    return path


def _teach(chosen: Note, path: Path) -> None:
    """Run a note, show its lines, and write its picture."""
    from seq2seq.learn.catalogue import lesson
    from seq2seq.learn.pictures import drawn
    from seq2seq.storage.atomic import write_bytes

    from .console import Console, status

    with status() as progress:
        progress(f"Running {chosen.name} ...")
        taught = lesson(chosen)
        picture = drawn(taught.figure, path.suffix[1:].lower())
    console = Console()
    console.print(f"{chosen.name}: {chosen.title}\n", style="bold")
    for line in taught.lines:
        console.print(line)
    console.print()
    if taught.correction:
        console.print(textwrap.fill(f"The lecture: {taught.correction}", _WIDTH))
    console.print(f"This note: {_shown(chosen.code)}, {chosen.function}()")
    console.print(f"Read next: {_shown(chosen.following)}")
    write_bytes(path, picture)
    note(f"Written: {path}")


def _shown(path: Path) -> str:
    """A file of seqx, from the working directory where it is in it."""
    here = Path.cwd()
    return os.fspath(path.relative_to(here) if path.is_relative_to(here) else path)
