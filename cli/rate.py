"""`seqx rate`."""

from __future__ import annotations

import shlex
import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from . import options
from .printing import note, printable, report, show

if TYPE_CHECKING:
    from seq2seq.data.conversations import Turn
    from seq2seq.data.lines import Reading
    from seq2seq.run import Run
    from seq2seq.tasks.rating import Question

_KEYS = ("1", "2", "=", "s", "q")
_KEYS_SAID = "Type 1, 2, = (equal), s (skip) or q (quit), and Enter"
_INDENT = " " * 5  # of the answers


def rate(
    *,
    run_folder: options.RunFolder = None,
    compare: Annotated[
        Path | None, Option(metavar="RUN", help="A second run, which writes one of each two answers.")
    ] = None,
    input: Annotated[
        Path | None,
        Option("--input", "-i", help="Prompts, one per line. Default: those of the run's training text, shuffled."),
    ] = None,
    output: Annotated[
        Path, Option("--output", "-o", metavar="FILE.jsonl", help="File that each choice is added to.")
    ] = Path("ratings.jsonl"),
    temperature: Annotated[
        float, Option(help="Above 0; lower = closer to the most probable answer.", callback=options.above_0)
    ] = 1.0,
    max_tokens: Annotated[int, Option(min=1, max=10**6, help="Maximum length of an answer, in tokens.")] = 64,
    seed: Annotated[int, Option(min=0, max=2**63 - 1, help="Random seed.")] = 1,
    files: options.Text,
    device: options.Device = "auto",
) -> None:
    """Choose the better of two answers to a prompt: 1, 2, = (equal), s (skip) or q (quit), and Enter.

    Each choice is added at once to a file of comparisons, which a reward model or a preference learns from: seqx train
    --recipe assistant-reward --data ratings.jsonl. Prompts that the file has are not asked again. With --compare the
    order of the two runs is random, and the share that each won is shown at the end.
    """
    if output.suffix != ".jsonl":
        options.usage_error(f"--output {output}: comparisons are written as .jsonl; name such a file")
    if output.is_dir():
        options.usage_error(f"--output {output} is a folder; name a file in it")
    reading = files.reading()
    from seq2seq import device as devices
    from seq2seq.data.comparisons import Comparison, append
    from seq2seq.errors import DataError
    from seq2seq.tasks.rating import Writer, must_be_alike, questions, training_prompts

    runs = [options.open_run(folder, "rate") for folder in (run_folder, *([compare] if compare else []))]
    must_be_alike(runs)
    known = _known(output, runs[0])
    prompts = _typed(input, reading) if input else training_prompts(runs[0], seed)
    choice = devices.choose(device, "float32")
    writers = [Writer(run, choice, temperature=temperature, max_tokens=max_tokens) for run in runs]
    note(f"Which answer is better? {_KEYS_SAID}; each choice is added to {output} at once")
    counts, won = Counter[str](), Counter[int]()
    for question in questions(writers, (prompt for prompt in prompts if prompt not in known), seed):
        key = _asked(question)
        if key == "q":
            break
        counts[key] += 1
        if key in ("1", "2"):
            best = int(key) - 1
            won[question.writers[best]] += 1
            append(output, Comparison(question.prompt, question.answers[best], question.answers[1 - best]))
    else:
        if not counts:
            raise DataError(
                f"no prompt can be asked: each is in {output} already, too long, or answered twice alike; give others "
                "with --input, or raise --temperature"
            )
        note("No prompt is left")
    written = counts["1"] + counts["2"]
    note(f"{written:,} choices added to {output}; {counts['=']:,} equal, {counts['s']:,} skipped")
    if len(runs) == 2 and written:
        note("; ".join(f"{run.path}: {won[number] / written:.0%}" for number, run in enumerate(runs)))
    elif written:
        start, data = (shlex.quote(str(path)) for path in (runs[0].path, output))
        note(f"Learn from them: seqx train --recipe reward --start {start} --data {data}; without a reward model: dpo")


def _asked(question: Question) -> str:
    """Show a question until a key is given; the end of standard input quits."""
    show("")
    for turn in question.prompt:
        _show(turn.content, f"{turn.role}: ", " " * len(f"{turn.role}: "))
    for number, answer in enumerate(question.answers, start=1):
        _show(answer, f"  {number}  ", _INDENT)
    while True:
        try:
            key = _line().strip().lower()
        except EOFError:
            return "q"
        if key in _KEYS:
            return key
        report(f"{key!r:.20}: {_KEYS_SAID}" if key else _KEYS_SAID)


def _show(text: str, first: str = "", indent: str = "") -> None:
    """Show a text line by line, after `first`; lines wider than the terminal are broken between words, and indented."""
    width = shutil.get_terminal_size().columns - len(indent)
    for line in map(printable, text.split("\n")):
        for part in (sys.stdout.isatty() and textwrap.wrap(line, width)) or [line]:
            show(f"{first}{part}")
            first = indent


def _line() -> str:
    """A line of standard input, with a prompt on a terminal. Raises EOFError at its end."""
    if sys.stdin.isatty():
        return input("1, 2, =, s, q> ")
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _known(output: Path, run: Run) -> set[tuple[Turn, ...]]:
    """The prompts of a file of comparisons. Raises DataError where it is none."""
    from seq2seq.data.comparisons import ComparisonKind
    from seq2seq.data.lines import PLAIN

    if not output.exists() or not output.stat().st_size:
        return set()
    return {record.prompt for record in ComparisonKind(run.recipe().data).file(output, PLAIN).read()}


def _typed(path: Path, reading: Reading) -> Iterable[tuple[Turn, ...]]:
    from seq2seq.data.lines import read_lines
    from seq2seq.tasks.rewarding import of_text

    return [of_text(line) for line in read_lines(path, reading) if line.strip()]
