"""Options that mean the same in every command."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer import Option

from seq2seq import device_names
from seq2seq.limits import MOST_THREADS

from . import processes
from .printing import note, report, results

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.run import Run
    from seq2seq.tasks.opening import EngineChoice

MOST_PROBABLE = "at --top-k 1 the most probable token is always chosen"
STANDARD_INPUT = Path("-")  # as --input; a file of that name comes as an absolute path


def checked(fits: Callable[[Any], bool], use: str) -> Callable[[typer.CallbackParam, Any], Any]:
    """A callback that ends with a usage error where the value of an option does not fit."""

    def check(parameter: typer.CallbackParam, value: Any) -> Any:
        if not fits(value):
            usage_error(f"{parameter.opts[0]} {value}: use {use}")
        return value

    return check


def one_of(*names: str) -> Callable[[typer.CallbackParam, Any], Any]:
    """A callback that ends with a usage error where the value of an option is not one of the names."""
    return checked(names.__contains__, f"{', '.join(names[:-1])} or {names[-1]}")


def writable(parameter: typer.CallbackParam, output: Path | None) -> Path | None:
    """Check that the output can be written, before the work."""
    if output is None or output == STANDARD_INPUT:
        return output
    must_be_writable(parameter.opts[0] if parameter.opts[0].startswith("-") else "", output)
    return output


def file_to_write(help: str) -> Any:
    """The option --output of a command that writes one file, not the lines of its results."""
    return Option("--output", "-o", metavar="FILE", help=help, callback=writable)


def must_be_writable(option: str, output: Path) -> None:
    """Check that a file, the value of an option or of an argument without one, can be written, before the work."""
    from seq2seq.data.compression import refused
    from seq2seq.errors import OutputError
    from seq2seq.storage import atomic

    name = f"{option} {output}".strip()
    try:
        atomic.must_be_writable(output)
    except IsADirectoryError:
        usage_error(f"{name} is a folder; name a file in it")
    except NotADirectoryError:
        file = next((each for each in output.parents if each.is_file()), output.parent)
        usage_error(f"{name}: {file} is a file, not a folder; name another")
    except OSError as error:
        place = "" if error.filename in (None, str(output)) else f"{error.filename}: "
        raise OutputError(f"cannot write {name}: {place}{error.strerror or error}; name another file") from error
    if reason := refused(output):
        usage_error(f"{name}: {reason}")


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
    Path | None,
    Option(
        "--run",
        help="Run folder, or its name under runs/ (or $SEQX_RUNS), or a pack (.seqx). Default: the newest finished "
        "run there.",
    ),
]
_NAMED = Option("--recipe", "-r", help="Recipe name (`seqx recipes` lists them) or path of a TOML file.")
Recipe = Annotated[str, _NAMED]
OptionalRecipe = Annotated[str | None, _NAMED]
Set = Annotated[
    list[str] | None,
    Option("--set", "-s", metavar="SECTION.KEY=VALUE", help="Override a value of the recipe; repeatable."),
]
Device = Annotated[str, Option(help="auto, cpu, mps, cuda, or one of several: cuda:1.", callback=_known)]
Devices = Annotated[
    list[str] | None, Option("--device", help="cpu, cuda or mps; repeatable. Default: all that exist.", callback=_known)
]
Threads = Annotated[
    int | None,
    Option(
        min=1,
        max=MOST_THREADS,
        help="Number of CPU threads. Default: $OMP_NUM_THREADS, else the cores available to the process.",
        callback=_set_threads,
    ),
]
Sentences = Annotated[
    str,
    Option(
        help="Several sentences on one line: split (translate each by itself), keep (together; only lines too long "
        "for the model are cut) or auto (split if the training text had one sentence per line).",
        callback=one_of("auto", "split", "keep"),
    ),
]
BeamSize = Annotated[int | None, Option(min=1, max=1000, help="Beam size; 1 = greedy search. Default: the recipe's.")]
LengthPenalty = Annotated[
    float | None,
    Option(min=0, max=10, help="Length penalty (GNMT's alpha); higher = longer output. Default: the recipe's."),
]
above_0 = checked(lambda value: 0 < value < math.inf, "above 0")
TopK = Annotated[int, Option(min=0, help="Sample from the k most probable tokens; 0 = all.")]
TopP = Annotated[
    float,
    Option(
        help="Sample from the smallest set of tokens with this total probability.",
        callback=checked(lambda share: 0 < share <= 1, "above 0, up to 1"),
    ),
]
Input = Annotated[
    Path | None, Option("--input", "-i", help="Text file, one sentence per line. Default, and -: standard input.")
]
Output = Annotated[
    Path | None,
    Option(
        "--output",
        "-o",
        help="Output file, complete or not written; compressed if it ends in .gz, .xz, .zst or .bz2. Default, and -: "
        "standard output.",
        callback=writable,
    ),
]
Json = Annotated[bool, Option("--json", help="Print JSON.")]
Columns = Annotated[
    str | None,
    Option(
        metavar="SOURCE,TARGET",
        help="Columns of a table that hold the pairs, by name or by number (from 1); for running text, one column; for "
        "texts with labels: text,label.",
    ),
]
SourceFile = Annotated[Path | None, Option(help="Source sentences, one per line.")]
TargetFile = Annotated[Path | None, Option(help="Target sentences, line by line.")]
Data = Annotated[
    list[Path] | None,
    Option(
        help="Sentence pairs in one file (.tsv, .jsonl, .csv, .parquet) instead of two files; running text: any "
        "number of files (also .txt), or a folder; or texts with labels: any number of files."
    ),
]


@dataclass(frozen=True, kw_only=True)
class Text:
    """How text files are read."""

    encoding: Annotated[
        str, Option(metavar="NAME", help="Encoding of the input, for example cp1252. Output is always UTF-8.")
    ] = "utf-8"
    encoding_errors: Annotated[
        str,
        Option(
            help="How to treat bytes that are invalid in the encoding: strict (an error) or replace.",
            callback=one_of("strict", "replace"),
        ),
    ] = "strict"

    def reading(self, columns: str | None = None) -> Reading:
        """The same for the library. Usage error: no such encoding, or an empty name in --columns."""
        from seq2seq.data.lines import Reading, is_encoding

        if not is_encoding(name := self.encoding):
            usage_error(f"--encoding {name}: no such encoding; use for example utf-8, cp1252, latin-1 or utf-16")
        named = tuple(name.strip() for name in columns.split(",")) if columns is not None else ()
        if not all(named):
            usage_error(f"--columns {columns}: separate columns with commas, for example fr,en or 2,4")
        return Reading(self.encoding, "replace" if self.encoding_errors == "replace" else "strict", named)


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """What computes the outputs of a finished run."""

    engine: Annotated[
        str,
        Option(
            help="auto, torch or ctranslate2. auto = the run's CTranslate2 copy if it supports the options, else "
            "PyTorch.",
            callback=one_of("auto", "torch", "ctranslate2"),
        ),
    ] = "auto"
    precision: Annotated[
        str,
        Option(
            help="auto, float32, int8 (CTranslate2) or bfloat16 (torch).",
            callback=one_of("auto", "float32", "int8", "bfloat16"),
        ),
    ] = "auto"
    device: Device = "auto"
    threads: Threads = None

    def choice(self) -> EngineChoice:
        """The same for the library; of several processes, each takes its own device."""
        from seq2seq.tasks.opening import EngineChoice

        return EngineChoice(self.engine, self.precision, processes.device(self.device))


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
    report(f"seqx: {message}")
    raise typer.Exit(2)


def given(context: typer.Context) -> dict[str, str]:
    """The parameters of a command that were given, by name, each with its option."""
    return {
        str(parameter.name): parameter.opts[0]
        for parameter in context.command.params
        if (source := context.get_parameter_source(str(parameter.name))) and source.name == "COMMANDLINE"
    }


def refuse_given(context: typer.Context, *names: str, because: str) -> None:
    """End with a usage error where one of these parameters of a command was given, since it would have no effect."""
    for name, option in given(context).items():
        if name in names:
            usage_error(f"{option} has no effect: {because}")


def must_be_text(*texts: str) -> None:
    """End with a usage error where a text is the name of a file: most likely its contents are meant."""
    for text in texts:
        if os.path.isfile(text):  # noqa: PTH113 (a text may be longer than any path: that raises nothing here)
            usage_error(
                f"{text} is a file: pass its contents with --input {text}, or its name as text on standard input: "
                f"echo '{text}' | seqx ..."
            )


def open_run(path: Path | None, command: str = "translate") -> Run:
    """The run of --run; without it the newest finished one, which is named. Raises as `tasks.open_run` does."""
    from seq2seq import tasks

    run = tasks.open_run(path, command)
    if path is None:
        note(f"Run: {run.path}")
    return run


def whole_numbers(option: str, text: str) -> list[int]:
    """The different numbers of an option, between commas. Usage error where there are others."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        usage_error(f"{option} {text}: give whole numbers with commas between them, for example 2000,2500")
    return list(dict.fromkeys(map(int, parts)))
