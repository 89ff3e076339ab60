"""The `seqx` command."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from cli import (
    bench,
    compare,
    data,
    doctor,
    evaluate,
    export,
    generate,
    processes,
    recipes,
    score,
    tokenizer,
    train,
    translate,
)
from cli.options import settings
from seq2seq import __version__
from seq2seq.errors import SeqxError

_LESS_MEMORY = {  # by command: what it has that takes less
    "train": "lower training.batch_tokens or decoding.batch_tokens with --set",
    "bench": "lower training.batch_tokens with --set",
    "doctor": "lower training.batch_tokens with --set",
    "translate": "lower --beam-size or --n-best, or give shorter lines",
    "evaluate": "lower --beam-size, or give shorter lines",
    "generate": "lower --samples, --beam-size or --max-tokens",
}
_LONGEST = 1000  # characters of a message

app = typer.Typer(
    name="seqx",
    help="Train, judge and serve Transformers on the machine you have: translators, and a GPT from the same blocks.\n\n"
    'Start with: seqx train --recipe fr-en, then: seqx translate "bonjour"; or: seqx train --recipe gpt-shakespeare, '
    'then: seqx generate "ROMEO:"',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        typer.echo(f"seqx {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    pass


app.command("train")(train.train)
app.command("translate")(translate.translate)
app.command("generate")(generate.generate)
app.command("evaluate")(evaluate.evaluate)
app.command("score")(score.score)
app.command("compare")(compare.compare)
app.command("export")(export.export)
app.command("doctor")(doctor.doctor)
app.command("bench")(bench.bench)
app.add_typer(recipes.app, name="recipes")
app.add_typer(data.app, name="data")
app.add_typer(tokenizer.app, name="tokenizer")


def main() -> None:
    """Run the command line: errors that a user can mend take one or two lines, and the exit codes are 0, 1, 2, 130,
    143."""
    _wait_calmly()
    try:
        app()
    except SeqxError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        _fail(_no_memory())
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _fail(f"the system refused{place}: {error.strerror or error}")
    except Exception as error:
        if _memory_ended(error):
            _fail(_no_memory())
        _fail(f"stopped by {type(error).__name__}: {error}; a damaged file, or a fault of seqx: --debug shows where")


def _wait_calmly() -> None:
    """On a busy machine let OpenMP's threads sleep while they wait: spinning there slows training fourfold.

    Must come before torch is imported; an OMP_WAIT_POLICY of the user's own stands.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _no_memory() -> str:
    command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    return f"out of memory; {_LESS_MEMORY.get(command, 'give less text at a time')}"


def _memory_ended(error: Exception) -> bool:
    """Whether it is torch that found no memory: it raises no MemoryError."""
    return any(text in str(error) for text in ("out of memory", "not enough memory", "can't allocate memory"))


def _fail(message: str) -> None:
    if settings["debug"]:
        raise
    print(f"{processes.name()}: {_printable(message)}", file=sys.stderr)
    sys.exit(1)


def _printable(message: str) -> str:
    """Two lines at most, none without end: what is quoted in a message may come from a file of a stranger, and would
    otherwise speak to the terminal."""
    shown = message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} ... {message[-_LONGEST // 2 :]}"
    lines = shown.split("\n")
    return "\n".join(
        "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in line)
        for line in [*lines[:1], " ".join(lines[1:])]
        if line
    )


if __name__ == "__main__":
    main()
