"""The `seqx` command: its list of commands, errors in one or two lines, and exit codes."""

from __future__ import annotations

import atexit
import errno
import gc
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from seq2seq import __version__
from seq2seq.errors import SeqxError

from . import command, data, processes, recipes, runs, stopping, streams, tokenizer
from .attention import attention
from .bench import bench
from .chat import chat
from .classify import classify
from .compare import compare
from .doctor import doctor
from .evaluate import evaluate
from .export import export
from .finish import finish
from .frontier import frontier
from .generate import generate
from .learn import learn
from .pack import pack
from .printing import printable, report, settings, show
from .rate import rate
from .report import report as report_command
from .score import score
from .serve import serve
from .sweep import sweep
from .train import train
from .translate import translate

_LESS_MEMORY = {  # by command: how to use less memory
    "train": "lower training.batch_tokens or decoding.batch_tokens with --set",
    "bench": "lower training.batch_tokens with --set",
    "doctor": "lower training.batch_tokens with --set",
    "translate": "lower --beam-size or --n-best, or give shorter lines",
    "evaluate": "lower --beam-size, or give shorter lines",
    "generate": "lower --samples, --beam-size or --max-tokens",
}
_NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")
_SAFE_PATH = "PYTHONSAFEPATH"
_USAGE = typer.BadParameter.__bases__
_LONGEST = 1000  # characters of a message
_WIDEST = 120  # columns of help, where a terminal has them

app = typer.Typer(
    name="seqx",
    help=(
        "Train, evaluate and serve Transformers on the machine you have: translators, a GPT and a "
        "classifier of texts, built from the same blocks.\n\nStart with: seqx train --recipe fr-en-phrasebook, then: "
        'seqx translate "bonjour"; or: seqx train --recipe gpt-shakespeare, then: seqx generate "ROMEO:"; '
        'or: seqx train --recipe sentiment, then: seqx classify "what a wonderful film"'
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": _WIDEST},
)


def _show_version(value: bool) -> None:
    if value:
        show(f"seqx {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


_COMMANDS: tuple[Callable[..., None], ...] = (
    *(train, translate, generate, chat, classify, attention, evaluate, score, compare),
    *(finish, sweep, export, pack, doctor, bench, frontier, rate, report_command, serve, learn),
)
for function in _COMMANDS:
    command.add(app, function)
app.add_typer(recipes.app, name="recipes")
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(tokenizer.app, name="tokenizer")


def main() -> None:
    """Run the command line: errors that a user can correct take one or two lines; exit codes are 0, 1, 2, and 128 + n
    after signal n."""
    _set_wait_policy()
    settings.update(debug=False, quiet=False)
    atexit.register(gc.freeze)  # else Python ends by a search for cycles in all of torch: half a second
    with streams.ready(), stopping.clearing_up(), children_trust_no_working_directory():
        code = _run()
        if (signalled := stopping.code()) is not None:
            os._exit(signalled)  # without waiting for C++ threads
        sys.exit(code)


def _run() -> int:
    """Run the command and flush its output; returns the exit code."""
    try:
        try:
            code = int(app(standalone_mode=False) or 0)
        finally:
            sys.stdout.flush()
        return code
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        return 130
    except SeqxError as error:
        return _failed(str(error))
    except OSError as error:
        streams.drop_output(error)
        if error.errno == errno.EPIPE:
            return 1  # the reader has closed the pipe
        place = error.filename or "cannot read or write a file"
        remedy = "; check its permissions" if error.filename and isinstance(error, PermissionError) else ""
        return _failed(f"{place}: {error.strerror or error}{remedy}")
    except Exception as error:
        if isinstance(error, _USAGE):
            shown = io.StringIO()
            error.show(shown)  # type: ignore[attr-defined]
            report(shown.getvalue().rstrip())
            return 2
        # Torch raises no MemoryError.
        if isinstance(error, MemoryError) or any(text in str(error) for text in _NO_MEMORY):
            words = [word for word in sys.argv[1:] if not word.startswith("-")]
            return _failed(f"out of memory; {_LESS_MEMORY.get(''.join(words[:1]), 'give less text at a time')}")
        return _failed(
            f"stopped by {type(error).__name__}: {error}; a damaged file, or a bug in seqx: --debug shows where"
        )


@contextmanager
def children_trust_no_working_directory() -> Iterator[None]:
    """Within this context, a Python that seqx or a library starts imports nothing from the working directory."""
    former = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if former is None:
            del os.environ[_SAFE_PATH]
        else:
            os.environ[_SAFE_PATH] = former


def _set_wait_policy() -> None:
    """On a busy machine let OpenMP's threads sleep while they wait: spinning there slows training fourfold.

    Must come before torch is imported; an OMP_WAIT_POLICY set by the user is kept.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _failed(message: str) -> int:
    if settings["debug"]:
        report(traceback.format_exc().rstrip())
    else:
        report(f"{processes.name()}: {_short(message)}")
    return 1


def _short(message: str) -> str:
    """At most two lines of limited length: a message may quote an untrusted file."""
    shown = message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    lines = shown.split("\n")
    return "\n".join(printable(line) for line in [*lines[:1], " ".join(lines[1:])] if line)


if __name__ == "__main__":
    main()
