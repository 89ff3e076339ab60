"""Checks of a CTranslate2 model folder before it is loaded: CTranslate2's reader, in C++, checks no bounds."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from seq2seq.data.tokenizers import SPECIAL
from seq2seq.reading import read_json, read_small

_SHORTLIST = "vmap.txt"  # of copies that an older seqx made: CTranslate2 reads it wherever it is

_BINARY = 6  # the version of the format that is known here
_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")  # by their numbers in the file
_ITEM = (4, 1, 2, 4, 2, 2)  # bytes of an item by its type
_INT16 = 2
_LONGEST_NAME = 1000
_MOST_DIMENSIONS = 4
_PAD, _UNKNOWN, _BOS, _EOS = SPECIAL
_TOKENS = {"unk_token": _UNKNOWN, "bos_token": _BOS, "eos_token": _EOS, "decoder_start_token": _BOS}  # of config.json

# The shape of each array by what its name ends with; V tokens, C the width, F of the feed-forward, D of a head, P
# positions. CTranslate2 reads past the end of one that is shorter.
_SHAPES = (
    (r"embeddings(_0)?/weight|projection/weight", "VC"),
    (r"position_encodings/encodings", "PC"),
    (r"layer_norm/(gamma|beta)", "C"),
    (r"[qk]_norm/gamma", "D"),
    (r"self_attention/linear_0/weight", "3C"),
    (r"/attention/linear_1/weight", "2C"),
    (r"attention/linear_[012]/weight", "CC"),
    (r"ffn/linear_0/weight", "FC"),
    (r"ffn/linear_1/weight", "CF"),
    (r"(bias|weight_scale)", "rows"),
)


def check(folder: Path, source: Sequence[str], target: Sequence[str]) -> None:
    """Raise ValueError where a model folder cannot be what it claims: settings that name other tokens than ours, a
    shortlist of other tokens than those of the vocabularies, arrays that the file does not hold, or whose shapes do not
    fit one another, the heads, and the vocabularies, or that are of other types than its precision, the folder's name,
    has."""
    _settings(read_json(folder / "config.json"))
    if (folder / _SHORTLIST).exists():
        _phrases(folder / _SHORTLIST, source)
    _model(folder / "model.bin", {"encoder": len(source), "decoder": len(target)}, folder.name)


def _settings(values: Any) -> None:
    """A token that the vocabulary lacks has CTranslate2 look past the end of the embeddings."""
    if not isinstance(values, dict):
        raise ValueError("config.json holds no JSON object")
    for name, wanted in _TOKENS.items():
        if values.get(name, wanted) != wanted:
            raise ValueError(f"config.json has {name} {values[name]!r:.40}, where {wanted} fits")


def _phrases(path: Path, source: Sequence[str]) -> None:
    """CTranslate2 allocates for as many words as the longest phrase of a source has, and crashes without a line."""
    lines = read_small(path).removesuffix(b"\n").split(b"\n")
    phrases = {line.partition(b"\t")[0] for line in lines}
    odd = (phrases - {word.encode() for word in ("", *source)}) | {each for each in phrases if b" " in each}
    if odd:
        raise ValueError(f"{path.name} has {min(odd).decode(errors='replace')!r:.40}, no token of the source")
    if len(phrases) < len(lines) or not all(b"\t" in line for line in lines):
        raise ValueError(f"{path.name} is not a line for each token of the source: it, a tab, tokens of the target")


def _model(path: Path, vocabularies: dict[str, int], precision: str) -> None:
    """`vocabularies` has the number of tokens of `encoder` and `decoder`, by the names of the stacks."""
    shapes, types, numbers = _arrays(path)
    width = (shapes.get("decoder/embeddings/weight") or (0,))[-1]
    inner = (shapes.get("decoder/layer_0/ffn/linear_0/weight") or (0,))[0]
    for name, shape in shapes.items():
        stack, _, part = name.partition("/")
        heads = numbers.get(f"{stack}/num_heads", 0)
        if heads < 1 or width % heads:
            raise ValueError(f"model.bin: {stack} has {heads} heads, and a width of {width}")
        form = next((form for ending, form in _SHAPES if re.search(f"({ending})$", name)), "")
        wanted = {
            "VC": (vocabularies.get(stack, 0), width),
            "PC": (shape[0] if shape else 0, width),
            "C": (width,),
            "D": (width // heads,),
            "3C": (3 * width, width),
            "2C": (2 * width, width),
            "CC": (width, width),
            "FC": (inner, width),
            "CF": (width, inner),
            "rows": shapes.get(f"{name.rpartition('/')[0]}/weight", ())[:1],
        }.get(form, ())
        if shape != wanted:
            raise ValueError(f"model.bin: {part} of the {stack} is {shape}, where {wanted} fits")
        if not form:
            continue
        fits = precision if part.endswith("weight") else "float32"
        if types[name] != fits:
            raise ValueError(f"model.bin: {part} of the {stack} is {types[name]}, where {fits} fits")


def read_words(path: Path) -> list[str]:
    """The strings of a vocabulary, every one another, ours first. Raises ValueError and OSError."""
    words = read_json(path)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{path.name} is no list of strings")
    if len(set(words)) != len(words):
        raise ValueError(f"{path.name} has a token twice")
    if tuple(words[: len(SPECIAL)]) != SPECIAL:
        raise ValueError(f"{path.name} does not begin with {' '.join(SPECIAL)}")
    return words


def _arrays(path: Path) -> tuple[dict[str, tuple[int, ...]], dict[str, str], dict[str, int]]:
    """The shape and the type of each array of a model.bin, other names for the same array included, and the values of
    those that are one 16-bit number; no other value is read."""
    if not path.is_file():
        raise ValueError(f"{path.name} is no file")
    end = path.stat().st_size
    with path.open("rb") as file:
        if _one(file, "I") != _BINARY:
            raise ValueError(f"{path.name} is of another version of CTranslate2")
        _name(file)
        _one(file, "I")
        shapes: dict[str, tuple[int, ...]] = {}
        types: dict[str, str] = {}
        numbers: dict[str, int] = {}
        for _ in range(_one(file, "I")):
            name = _name(file)
            rank = _one(file, "B")
            if rank > _MOST_DIMENSIONS:
                raise ValueError(f"{path.name}: {name} has {rank} dimensions")
            shape = tuple(_one(file, "I") for _ in range(rank))
            kind, size = _one(file, "B"), _one(file, "I")
            if kind >= len(_TYPES):
                raise ValueError(f"{path.name}: {name} is of type {kind}, of which there is none")
            wanted = _ITEM[kind]
            for length in shape:
                wanted *= length
            if size != wanted or file.tell() + size > end:
                raise ValueError(f"{path.name}: {name} claims shape {shape} and {size:,} bytes, which is not so")
            shapes[name], types[name] = shape, _TYPES[kind]
            if not shape and kind == _INT16:
                numbers[name] = _one(file, "h")
            else:
                file.seek(size, 1)
        for name, shape in shapes.items():
            if shape and types[name] == "int8" and f"{name}_scale" not in shapes:
                raise ValueError(f"{path.name}: {name} is int8 and has no scale")
        for _ in range(_one(file, "I")):
            alias, name = _name(file), _name(file)
            if name not in shapes:
                raise ValueError(f"{path.name}: {alias} stands for {name}, which is not there")
            shapes[alias], types[alias] = shapes[name], types[name]
    return shapes, types, numbers


def _one(file: IO[bytes], form: str) -> Any:
    size = struct.calcsize(f"<{form}")
    found = file.read(size)
    if len(found) < size:
        raise ValueError("model.bin is cut short")
    return struct.unpack(f"<{form}", found)[0]


def _name(file: IO[bytes]) -> str:
    size = _one(file, "H")
    if not 0 < size <= _LONGEST_NAME:
        raise ValueError(f"model.bin has a name of {size} bytes")
    return file.read(size).rstrip(b"\0").decode()
