"""`seqx tokenizer compare`, `seqx tokenizer show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer
from typer import Argument, Option

from . import command, options
from .printing import note

if TYPE_CHECKING:
    from seq2seq.data.lines import Reading
    from seq2seq.data.tokenizer import Tokenizer
    from seq2seq.recipe import Tokenizer as TokenizerSettings

    from .console import Console

app = typer.Typer(
    help="Compare tokenizers on your text, and show how one splits it.", no_args_is_help=True, rich_markup_mode=None
)

_FIXED = ("byte", "tiktoken")  # kinds that are not trained
_LEAST = 5  # tokens: the special ones and one more
_MOST = 1_000_000  # as in a recipe
_COLOURS = ("black on #f7c6c7", "black on #c9e4b4", "black on #bcdcf4", "black on #f6e3a1", "black on #dcc9f0")
_BAR = "\u2502"


def compare(
    *,
    context: typer.Context,
    files: Annotated[list[Path], Argument(metavar="FILE...", help="Text, one sentence per line.")],
    kinds: Annotated[
        str, Option(help="Tokenizers, separated by commas; tiktoken:NAME is an encoding of tiktoken.")
    ] = "character,byte,bpe,unigram,byte-bpe,tiktoken:gpt2",
    vocabulary: Annotated[str, Option(help="Vocabulary sizes, separated by commas.")] = "500,1000,2000,4000,8000",
    d_model: Annotated[int, Option(min=1, help="Model width for which to count embedding parameters.")] = 256,
    layers: Annotated[int, Option(min=1, help="Number of layers of that model.")] = 6,
    plot: Annotated[
        Path | None, Option(metavar="FILE", help="Draw a chart into this .png or .svg file.", callback=options.writable)
    ] = None,
    as_json: options.Json = False,
    text: options.Text,
) -> None:
    """Compare tokenizers on your text: vocabulary size, sequence length and size of the embedding.

    Tokenizers are trained on nine of ten lines and measured on the others. Line ends are not counted.

    Example: seqx tokenizer compare train.fr --kinds bpe,byte-bpe --vocabulary 1000,4000 --plot sizes.png
    """
    sizes = _sizes(vocabulary)
    names = dict.fromkeys(kinds.split(","))
    settings = [each for kind in names for each in _settings("--kinds", kind.strip(), sizes)]
    if all(each.kind in _FIXED for each in settings):
        options.refuse_given(context, "vocabulary", because=f"{kinds} have a fixed vocabulary")
    if plot is not None and plot.suffix.lower() not in (".png", ".svg"):
        options.usage_error(f"--plot {plot}: name a file that ends in .png or .svg")
    from seq2seq.data.lines import read_lines
    from seq2seq.errors import DataError
    from seq2seq.evaluation.tokenizers import Missing, TokenizerFigures, Width, compare_tokenizers, hold_out

    from .tokenizer_comparison import Shown

    reading = text.reading()
    sample = hold_out(line for file in files for line in read_lines(file, reading))
    width = Width(d_model, layers)
    results = list(compare_tokenizers(_announced(settings), sample, width))
    measured = [result for result in results if isinstance(result, TokenizerFigures)]
    missing = [result for result in results if isinstance(result, Missing)]
    if not measured:
        raise DataError(missing[0].reason)
    shown = Shown(", ".join(map(str, files)), sample, width, measured, missing)
    if as_json:
        shown.write_json()
    else:
        shown.write_table()
    if plot is not None:
        shown.draw(plot)
        note(f"Written: {plot}")


def show(
    *,
    context: typer.Context,
    text: Annotated[str, Argument(help="Text to split.")],
    run: options.RunFolder = None,
    kind: Annotated[
        str | None,
        Option(help="Instead of a run's tokenizer: character, byte, bpe, unigram, byte-bpe or tiktoken:NAME."),
    ] = None,
    files: Annotated[
        list[Path] | None, Option("--file", metavar="FILE", help="With --kind: text to train it on; repeatable.")
    ] = None,
    vocabulary: Annotated[
        int | None, Option(min=_LEAST, max=_MOST, help="With --kind: vocabulary size. Default: 1000.")
    ] = None,
    how: options.Text,
) -> None:
    """Show how a tokenizer splits a text: tokens in colours (or separated by bars), their ids and their number.

    Examples: seqx tokenizer show "good morning"

    seqx tokenizer show "good morning" --kind byte-bpe --file train.en --vocabulary 2000
    """
    from .console import Console

    reading = how.reading()
    if kind is None:
        if files or vocabulary:
            options.usage_error("--file and --vocabulary go with --kind: say which tokenizer to train")
        named = _of_run(run)
    else:
        if run is not None:
            options.usage_error(f"both --run {run} and --kind {kind} were given; give one")
        if kind.partition(":")[0] in _FIXED:
            options.refuse_given(context, "files", "vocabulary", because=f"{kind} is not trained on text")
        named = [(kind, _trained(kind, files or [], vocabulary or 1000, reading))]
    console = Console()
    for name, tokenizer in named:
        write_pieces(console, name, tokenizer, text)


def _sizes(vocabulary: str) -> list[int]:
    try:
        sizes = sorted({int(size) for size in vocabulary.split(",")})
    except ValueError:
        sizes = []
    if not sizes or sizes[0] < _LEAST or sizes[-1] > _MOST:
        options.usage_error(
            f"--vocabulary {vocabulary}: give whole numbers from {_LEAST} on, with commas: 1000,4000; most: {_MOST:,}"
        )
    return sizes


def _settings(option: str, kind: str, sizes: Sequence[int]) -> list[TokenizerSettings]:
    """The settings of a kind, one for each size; a single one where the kind has a fixed vocabulary."""
    from seq2seq.errors import near
    from seq2seq.recipe import Tokenizer as TokenizerSettings

    name, _, encoding = kind.partition(":")
    known = get_args(TokenizerSettings.model_fields["kind"].annotation)
    if name not in known or (encoding and name != "tiktoken"):
        listed = ", ".join(known).replace("tiktoken", "tiktoken:NAME")
        options.usage_error(f"{option} {kind}: no such tokenizer{near(name, known)}; there are: {listed}")
    values = {"kind": name} | ({"encoding": encoding} if encoding else {})
    used = sizes[:1] if name in _FIXED else sizes
    return [TokenizerSettings.model_validate({**values, "vocabulary_size": size}) for size in used]


def _announced(settings: Sequence[TokenizerSettings]) -> Iterator[TokenizerSettings]:
    """The settings, one by one, with a progress message for each."""
    from seq2seq.evaluation.tokenizers import label

    from .console import status

    with status() as progress:
        for number, each in enumerate(settings, start=1):
            size = "" if each.kind in _FIXED else f", vocabulary {each.vocabulary_size:,}"
            progress(f"Measuring {label(each)}{size} ({number} of {len(settings)})")
            yield each


def _of_run(path: Path | None) -> list[tuple[str, Tokenizer]]:
    """The tokenizers of a run, by default the newest finished one."""
    from seq2seq.data.tokenizers import read_both
    from seq2seq.tasks import open_run

    run = open_run(path, "tokenize")
    recipe = run.recipe()
    name = f"{run.path}, {recipe.tokenizer.kind}"
    tokenizers = read_both(run.path, joint=recipe.tokenizer.joint)
    run.must_be_unchanged("tokenizer")
    if tokenizers.joint:
        return [(name, tokenizers.target)]
    return [(f"{name}, {recipe.data.source}", tokenizers.source), (f"{name}, {recipe.data.target}", tokenizers.target)]


def _trained(kind: str, files: Sequence[Path], vocabulary: int, reading: Reading) -> Tokenizer:
    from seq2seq.data import tokenizers
    from seq2seq.data.lines import read_lines

    (settings,) = _settings("--kind", kind, [vocabulary])
    if not files and settings.kind not in _FIXED:
        options.usage_error(f"--kind {kind} is trained on text: name it with --file")
    return tokenizers.train(settings, (line for file in files for line in read_lines(file, reading)))


def write_pieces(console: Console, name: str, tokenizer: Tokenizer, text: str) -> None:
    """Show the tokens of a text, their ids under them, and how many there are of how many characters and bytes."""
    from rich.text import Text

    from seq2seq.data.tokenizer import UNKNOWN, encodable

    (ids,) = tokenizer.encode([text])
    coloured = console.coloured
    pieces, numbers = Text(), Text()
    for index, token in enumerate(ids):
        style = _COLOURS[index % len(_COLOURS)] if coloured else ""
        pieces.append(_visible(tokenizer.piece(token)), style)
        numbers.append(str(token), style)
        if index + 1 < len(ids):
            pieces.append("" if coloured else _BAR)
            numbers.append(" ")
    console.print(pieces)
    console.print(numbers)
    size = len(encodable([text])[0].encode())
    held = f": {size / len(ids):.2f} bytes per token" if ids else ""
    unknown = f"; {ids.count(UNKNOWN):,} unknown" if UNKNOWN in ids else ""
    console.print(
        f"{len(ids):,} tokens, {len(text):,} characters, {size:,} bytes{held}{unknown} "
        f"({name}, vocabulary {tokenizer.size:,})"
    )


def _visible(piece: str) -> str:
    """A piece on one line, with unprintable characters escaped."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in piece)


command.add(app, compare)
command.add(app, show)
