"""`seqx recipes`, `seqx recipes show`, `seqx recipes copy`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from . import command, options
from .printing import note, results

app = typer.Typer(help="List, show and copy recipes.", invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def _list(context: typer.Context) -> None:
    """List the recipes that ship with seqx: what each needs and its measured score."""
    if context.invoked_subcommand is not None:
        return
    command.must_be_ready("recipes", {})
    from rich.table import Table

    from seq2seq.recipe import files as recipe_files

    from .console import Console

    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    for column in ("recipe", "what", "needs", "scored"):
        table.add_column(column, no_wrap=column == "recipe", overflow="fold")
    for name in recipe_files.names():
        recipe = recipe_files.load(name)
        table.add_row(name, recipe.summary, recipe.needs, recipe.scored or "not measured yet")
    Console().print(table)


def show(*, name: Annotated[str, Argument(help="Recipe name or path.")], changes: options.Set = None) -> None:
    """Print a recipe with all of its values, defaults included."""
    from seq2seq.recipe import files as recipe_files

    results().write(recipe_files.load(name, changes, note).to_toml().encode())


def copy(
    *,
    name: Annotated[str, Argument(help="Recipe name.")],
    file: Annotated[Path, Argument(help="New file; an existing file is not overwritten.", callback=options.writable)],
) -> None:
    """Copy a recipe with its comments, to edit it and train it with --recipe FILE."""
    from seq2seq.errors import RecipeError
    from seq2seq.recipe import files as recipe_files
    from seq2seq.storage.atomic import write_bytes

    path = recipe_files.path_of(name)
    if file.is_file():
        raise RecipeError(f"{file} exists already; name another file")
    write_bytes(file, recipe_files.copied(path, file))
    note(f"Written: {file}. Train it with: seqx train --recipe {file}")


command.add(app, show)
command.add(app, copy)
