"""The command line: one thin file per command; the only importer of typer."""

import os as _os
import sys as _sys


def _forget_the_working_directory() -> None:
    """`python -m cli.main` looks for modules in the working directory first, where a file must not shadow a library.
    This uses only modules that Python has loaded already."""
    try:
        here = _os.getcwd()  # noqa: PTH109
    except OSError:
        here = ""  # deleted
    root = _os.path.dirname(_os.path.dirname(_os.path.abspath(__file__)))  # noqa: PTH100, PTH120
    if not _sys.flags.safe_path and here != root and _sys.path and _sys.path[0] in ("", here):
        del _sys.path[0]


_forget_the_working_directory()
