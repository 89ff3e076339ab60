"""Options that mean the same in every command."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from seq2seq import device_names
from seq2seq.limits import MOST_THREADS

from .printing import note as note  # every command has both: options.note, options.usage_error
from .printing import results

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.run import Run

STANDARD_INPUT = Path("-")  # as --input; a file of that name comes as an absolute path
settings = {"debug": False}


def _remember_debug(value: bool) -> bool:
    settings["debug"] = settings["debug"] or value
    return value


def writable(parameter: typer.CallbackParam, output: Path | None) -> Path | None:
    """Check that the output can be written, before the work."""
    from seq2seq.errors import OutputError
    from seq2seq.storage.atomic import must_be_writable

    if output is None or str(output) == "-":  # standard output
        return output
    name = f"{parameter.opts[0]} {output}" if parameter.opts[0].startswith("-") else str(output)
    try:
        must_be_writable(output)
    except IsADirectoryError:
        usage_error(f"{name} is a folder; name a file in it")
    except NotADirectoryError:
        file = next((each for each in output.parents if each.is_file()), output.parent)
        usage_error(f"{name}: {file} is a file, not a folder; name another")
    except OSError as error:
        place = "" if error.filename in (None, str(output)) else f"{error.filename}: "
        raise OutputError(f"cannot write {name}: {place}{error.strerror or error}; name another file") from error
    from seq2seq.data.compression import refused

    if reason := refused(output):
        usage_error(f"{name}: {reason}")
    return output


def _known(given: Any) -> Any:
    """Check one or several device names while options are parsed."""
    for name in [given] if isinstance(given, str) else given or []:
        device_names.parsed(name)
    return given


def _set_threads(count: int | None) -> int | None:
    """Set the number of threads for all libraries, loaded or not, and for child processes."""
    if count is not None:
        os.environ["OMP_NUM_THREADS"] = str(count)
        if torch := sys.modules.get("torch"):
            torch.set_num_threads(count)
    return count


RunFolder = Annotated[
    Path | None, typer.Option("--run", help="Run folder. Default: the newest finished run under runs/ (or $SEQX_RUNS).")
]
Recipe = Annotated[
    str, typer.Option("--recipe", "-r", help="Recipe name (`seqx recipes` lists them) or path of a TOML file.")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", "-s", metavar="SECTION.KEY=VALUE", help="Override a value of the recipe; repeatable."),
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, mps, cuda, or one of several: cuda:1.", callback=_known)
]
Devices = Annotated[
    list[str] | None,
    typer.Option("--device", help="cpu, cuda or mps; repeatable. Default: all that exist.", callback=_known),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        max=MOST_THREADS,
        help="Number of CPU threads. Default: $OMP_NUM_THREADS, else the cores available to the process.",
        callback=_set_threads,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        "--engine",
        help=(
            "auto, torch or ctranslate2. auto = the run's CTranslate2 copy if it supports the options, else PyTorch."
        ),
    ),
]
Precision = Annotated[
    str,
    typer.Option("--precision", help="auto, float32, int8 (CTranslate2) or bfloat16 (torch)."),
]
Sentences = Annotated[
    str,
    typer.Option(
        "--sentences",
        help=(
            "Several sentences on one line: split (translate each by itself), keep (together; only lines "
            "too long for the model are cut) or auto (split if the training text had one sentence per "
            "line)."
        ),
    ),
]
Input = Annotated[
    Path | None, typer.Option("--input", "-i", help="Text file, one sentence per line. Default, and -: standard input.")
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help=(
            "Output file, complete or not written; compressed if it ends in .gz, .xz, .zst or .bz2. "
            "Default, and -: standard output."
        ),
        callback=writable,
    ),
]
OutputToo = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Also write the translations to this file, one per line.", callback=writable),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print results and errors only.")]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", callback=_remember_debug, is_eager=True)
]
Encoding = Annotated[
    str,
    typer.Option(
        "--encoding", metavar="NAME", help="Encoding of the input, for example cp1252. Output is always UTF-8."
    ),
]
EncodingErrors = Annotated[
    str,
    typer.Option(
        "--encoding-errors", help="How to treat bytes that are invalid in the encoding: strict (an error) or replace."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        "--columns",
        metavar="SOURCE,TARGET",
        help=("Columns of a table that hold the pairs, by name or by number (from 1); for running text, one column."),
    ),
]
SourceFile = Annotated[Path | None, typer.Option("--source-file", help="Source sentences, one per line.")]
TargetFile = Annotated[Path | None, typer.Option("--target-file", help="Target sentences, line by line.")]


@contextmanager
def written(output: Path | None) -> Iterator[IO[bytes]]:
    """The file for results: standard output, or a file, compressed by the suffix of its name."""
    from seq2seq.data.compression import compressing
    from seq2seq.storage.atomic import replacing

    if output is None:
        yield results()
    else:
        with replacing(output) as file, compressing(file, output) as inner:
            yield inner


def usage_error(message: str) -> NoReturn:
    """End with a usage error: one line, exit code 2."""
    note(f"seqx: {message}")
    raise typer.Exit(2)


def given(context: typer.Context) -> dict[str, str]:
    """The parameters of a command that were given, by name, each with its option."""
    options = {}
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            options[str(parameter.name)] = parameter.opts[0]
    return options


def refuse_given(context: typer.Context, *names: str, because: str) -> None:
    """End with a usage error where one of these parameters of a command was given, since it would have no effect."""
    for name, option in given(context).items():
        if name in names:
            usage_error(f"{option} has no effect: {because}")


def must_be_text(option: str, *texts: str) -> None:
    """End with a usage error where a text is the name of a file: most likely its contents are meant."""
    for text in texts:
        if os.path.isfile(text):  # noqa: PTH113 (a text may be longer than any path: that raises nothing here)
            usage_error(
                f"{text} is a file: pass its contents with {option} {text}, or its name as text on standard input: "
                f"echo '{text}' | seqx ..."
            )


def open_run(path: Path | None, command: str = "translate", *, quiet: bool = False) -> Run:
    """The run of --run; without it the newest finished one, which is named. Raises as `tasks.open_run` does."""
    from seq2seq import tasks

    run = tasks.open_run(path, command)
    if path is None:
        note(f"Run: {run.path}", quiet=quiet)
    return run


def reading(encoding: str, errors: str, columns: str | None = None) -> Reading:
    """Check --encoding, --encoding-errors and --columns."""
    from seq2seq.data.lines import Reading, is_encoding

    if not is_encoding(encoding):
        usage_error(f"--encoding {encoding}: no such encoding; use for example utf-8, cp1252, latin-1 or utf-16")
    if errors not in ("strict", "replace"):
        usage_error(f"--encoding-errors {errors}: use strict or replace")
    named = tuple(name.strip() for name in columns.split(",")) if columns is not None else ()
    if not all(named):
        usage_error(f"--columns {columns}: separate columns with commas, for example fr,en or 2,4")
    return Reading(encoding, "replace" if errors == "replace" else "strict", named)


def engine(name: str, precision: str) -> None:
    """Check --engine and --precision."""
    from seq2seq.tasks.opening import ENGINES, PRECISIONS

    for option, value, known in (("engine", name, ENGINES), ("precision", precision, PRECISIONS)):
        if value not in known:
            usage_error(f"--{option} {value}: use {', '.join(known[:-1])} or {known[-1]}")


def sentences(rule: str) -> str:
    """Check --sentences."""
    from seq2seq.decoding.translation.segments import RULES

    if rule not in RULES:
        usage_error(f"--sentences {rule}: use {', '.join(RULES[:-1])} or {RULES[-1]}")
    return rule


def noting(quiet: bool = False) -> Callable[[str], None]:
    """A function that shows a message on standard error, unless `quiet`."""
    return lambda message: note(message, quiet=quiet)
