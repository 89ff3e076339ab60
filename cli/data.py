"""`seqx data check`, `seqx data get`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli import options

app = typer.Typer(help="Fetch and audit training text.", no_args_is_help=True, rich_markup_mode=None)
