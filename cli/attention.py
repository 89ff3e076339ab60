"""`seqx attention`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer import Argument, Option

from . import options
from .printing import note, show_json, to_json

if TYPE_CHECKING:
    from seq2seq.decoding.attention import Attention, AttentionMap
    from seq2seq.model.recording import AttentionKind

_KINDS = ("cross", "decoder", "encoder")
_FORMS = (".png", ".svg", ".html", ".json")


def attention(
    *,
    context: typer.Context,
    text: Annotated[str, Argument(help="Text to read: a sentence, a prompt, what a user says.")],
    run_folder: options.RunFolder = None,
    target: Annotated[
        str | None,
        Option(
            metavar="TEXT",
            help="Translation, continuation, answer or completion to look at; of a classifier of two texts, the "
            "second. Default: a translator and a chat model write their own.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        options.file_to_write(
            "Write all layers and heads, or those chosen, to a .png, .svg, .html or .json file. Default: one map, "
            "as text.",
        ),
    ] = None,
    kind: Annotated[
        str | None,
        Option(
            help="cross (of the decoder to the source), decoder or encoder (to themselves). Default: all there are; as "
            "text, the first of them.",
            callback=options.checked(lambda value: value in (None, *_KINDS), "cross, decoder or encoder"),
        ),
    ] = None,
    layer: Annotated[int | None, Option(min=1, help="Layer, from 1. Default: all; as text, their mean.")] = None,
    head: Annotated[int | None, Option(min=1, help="Head, from 1. Default: all; as text, their mean.")] = None,
    as_json: options.Json = False,
    device: options.Device = "auto",
    threads: options.Threads = None,
) -> None:
    """Show what a model attends to: each row says how a token's attention is shared out among the tokens that it may
    look at, from 0 to 1.

    The numbers are those of the model's own forward pass, by PyTorch in float32. --json, and a .json file, hold text,
    output, and maps: of each kind its queries and keys (tokens), predicted (what follows each query), mask, and layers
    (of heads, of rows, of weights). In an .html file, point at a word to see what it attends to.

    Example: seqx attention "où est la gare ?" --output gare.png
    """
    options.must_be_text(text, *([target] if target is not None else []))
    if output is not None and output.suffix.lower() not in _FORMS:
        options.usage_error(f"--output {output}: name a file that ends in {', '.join(_FORMS[:-1])} or {_FORMS[-1]}")
    if as_json and output is not None:
        options.usage_error(f"both --json and --output {output} were given; give one")
    if as_json or (output is not None and output.suffix.lower() in (".html", ".json")):
        options.refuse_given(context, "kind", "layer", "head", because="a page, and JSON, hold all of them")
    from seq2seq import device as devices
    from seq2seq import tasks

    run = options.open_run(run_folder, "attention")
    attends = tasks.of(run.recipe()).served().attention(run, devices.choose(device, "float32").numerics)
    found = attends(text, target)
    maps = _chosen(found, kind, layer, head)
    name = f"{run.path}: {tasks.named(run.task).described(run)}"
    if output is not None:
        _write(output, found, [each.kind for each in maps], layer, head, name)
        note(f"Written: {output}")
    elif as_json:
        show_json(found.record())
    else:
        from .attention_view import show_map

        note(name)
        show_map(found, maps[0], layer, head)


def _chosen(found: Attention, kind: str | None, layer: int | None, head: int | None) -> list[AttentionMap]:
    """The maps of a kind that have a layer and a head. Usage error where there is none."""
    maps = [each for each in found.maps if kind in (None, each.kind)]
    if not maps:
        options.usage_error(f"--kind {kind}: this model has {' and '.join(each.kind for each in found.maps)} alone")
    layers, heads = max(len(each.layers) for each in maps), max(len(each.layers[0]) for each in maps)
    for option, number, most in (("layer", layer, layers), ("head", head, heads)):
        if number is not None and number > most:
            options.usage_error(f"--{option} {number}: there {'is' if most == 1 else 'are'} {most} of them, from 1")
    return [each for each in maps if layer is None or layer <= len(each.layers)]


def _write(
    output: Path, found: Attention, kinds: list[AttentionKind], layer: int | None, head: int | None, name: str
) -> None:
    with options.written(output) as file:
        match output.suffix.lower():
            case ".json":
                file.write(to_json(found.record()).encode() + b"\n")
            case ".html":
                from seq2seq.report.attention_page import page

                file.write(page(found, name).encode())
            case _:
                from seq2seq.report.attention import picture

                form: Literal["png", "svg"] = "svg" if output.suffix.lower() == ".svg" else "png"
                file.write(picture(found, form, kinds=kinds, layer=layer, head=head, name=name))
