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
    except BrokenPipeError:
        # Whoever read us has gone: nothing is left to say, not even at exit, when Python flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except MemoryError:
        _fail("out of memory; lower training.batch_tokens or decoding.batch_tokens with --set")
    except OSError as error:
        place = f" {error.filename}" if error.filename else ""
        _fail(f"the system refused{place}: {error.strerror or error}")


def _wait_calmly() -> None:
    """On a busy machine let OpenMP's threads sleep while they wait: spinning there slows training fourfold.

    Must come before torch is imported; an OMP_WAIT_POLICY of the user's own stands.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _fail(message: str) -> None:
    if settings["debug"]:
        raise
    print(f"{processes.name()}: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
