"""Checks of a CTranslate2 model folder before it is loaded: CTranslate2's reader, in C++, checks no bounds."""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

from seq2seq.data.tokenizer import SPECIAL
from seq2seq.interop.ctranslate2.copy import SHORTLIST
from seq2seq.storage.reading import read_json, read_small

_BINARY = 6  # the version of the format that is read here
_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")  # by their numbers in the file
_ITEM = (4, 1, 2, 4, 2, 2)  # bytes of an item by its type
_LONGEST_NAME = 1000
_MOST_DIMENSIONS = 4
_PAD, _UNKNOWN, _BOS, _EOS = SPECIAL
_TOKENS = {"unk_token": _UNKNOWN, "bos_token": _BOS, "eos_token": _EOS, "decoder_start_token": _BOS}  # of config.json


class _Array(NamedTuple):
    """The description of an array in model.bin."""

    shape: tuple[int, ...]
    type: str
    number: int | None  # its value where it is one 16-bit number; no other value is read


def check(folder: Path, source: Sequence[str], target: Sequence[str]) -> None:
    """Raise ValueError where a model folder is not consistent: settings that name other tokens than ours; a shortlist
    with tokens that are not in the vocabularies; arrays that the file does not hold, whose shapes do not fit one
    another, the heads or the vocabularies, or whose types are not those of the precision (the folder's name)."""
    settings = read_json(folder / "config.json")
    if not isinstance(settings, dict):
        raise ValueError("config.json holds no JSON object")
    # For a token that the vocabulary lacks, CTranslate2 would read past the end of the embeddings.
    for name, token in _TOKENS.items():
        if settings.get(name, token) != token:
            raise ValueError(f"config.json has {name} {settings[name]!r:.40}, where {token} fits")
    if (folder / SHORTLIST).exists():
        _phrases(folder / SHORTLIST, source)
    _model(folder / "model.bin", {"encoder": len(source), "decoder": len(target)}, folder.name)


def _phrases(path: Path, source: Sequence[str]) -> None:
    """CTranslate2 allocates memory by the longest phrase of a source, and crashes on an empty file."""
    lines = read_small(path).removesuffix(b"\n").split(b"\n")
    phrases = {line.partition(b"\t")[0] for line in lines}
    odd = (phrases - {word.encode() for word in ("", *source)}) | {phrase for phrase in phrases if b" " in phrase}
    if odd:
        raise ValueError(f"{path.name} has {min(odd).decode(errors='replace')!r:.40}, no token of the source")
    if len(phrases) < len(lines) or not all(b"\t" in line for line in lines):
        raise ValueError(f"{path.name} is not a line for each token of the source: it, a tab, tokens of the target")


def _model(path: Path, vocabularies: dict[str, int], precision: str) -> None:
    """`vocabularies` has the numbers of tokens of the `encoder` and the `decoder`."""
    arrays = _arrays(path)
    # The encoder of a classifier has no decoder beside it.
    last = "decoder" if "decoder/embeddings/weight" in arrays else "encoder"
    width = _size(arrays, f"{last}/embeddings{'_0' if last == 'encoder' else ''}/weight", -1)
    inner = _size(arrays, f"{last}/layer_0/ffn/linear_0/weight", 0)
    for name, array in arrays.items():
        stack, _, part = name.partition("/")
        count = arrays.get(f"{stack}/num_heads")
        heads = (count and count.number) or 0
        if heads < 1 or width % heads:
            raise ValueError(f"model.bin: {stack} has {heads} heads, and a width of {width}")
        # CTranslate2 would read past the end of a shorter array.
        fitting = {
            r"embeddings(_0)?/weight|projection/weight": (vocabularies.get(stack, 0), width),
            r"position_encodings/encodings": (_size(arrays, name, 0), width),
            r"layer_norm/(gamma|beta)": (width,),
            r"[qk]_norm/gamma": (width // heads,),
            r"self_attention/linear_0/weight": (3 * width, width),
            r"/attention/linear_1/weight": (2 * width, width),
            r"attention/linear_[012]/weight": (width, width),
            r"ffn/linear_0/weight": (inner, width),
            r"ffn/linear_1/weight": (width, inner),
            r"(bias|weight_scale)": (_size(arrays, f"{name.rpartition('/')[0]}/weight", 0),),
        }
        ending = next((ending for ending in fitting if re.search(f"({ending})$", name)), "")
        shape = fitting.get(ending, ())
        if array.shape != shape:
            raise ValueError(f"model.bin: {part} of the {stack} is {array.shape}, where {shape} fits")
        expected = precision if part.endswith("weight") else "float32"
        if ending and array.type != expected:
            raise ValueError(f"model.bin: {part} of the {stack} is {array.type}, where {expected} fits")


def _size(arrays: dict[str, _Array], name: str, dimension: int) -> int:
    """The size of an array in one dimension; 0 where it is missing, or has no dimension."""
    return arrays[name].shape[dimension] if name in arrays and arrays[name].shape else 0


def read_words(path: Path) -> list[str]:
    """The strings of a vocabulary, all distinct, beginning with the special ones. Raises ValueError and OSError."""
    words = read_json(path)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{path.name} is no list of strings")
    if len(set(words)) != len(words):
        raise ValueError(f"{path.name} has a token twice")
    if tuple(words[: len(SPECIAL)]) != SPECIAL:
        raise ValueError(f"{path.name} does not begin with {' '.join(SPECIAL)}")
    return words


def _arrays(path: Path) -> dict[str, _Array]:
    """The arrays of a model.bin by name, aliases included."""
    if not path.is_file():
        raise ValueError(f"{path.name} is no file")
    end = path.stat().st_size
    with path.open("rb") as file:
        if _one(file, "I") != _BINARY:
            raise ValueError(f"{path.name} is of another version of CTranslate2")
        _name(file)
        _one(file, "I")
        arrays: dict[str, _Array] = {}
        for _ in range(_one(file, "I")):
            name = _name(file)
            rank = _one(file, "B")
            if rank > _MOST_DIMENSIONS:
                raise ValueError(f"{path.name}: {name} has {rank} dimensions")
            shape = tuple(_one(file, "I") for _ in range(rank))
            kind, size = _one(file, "B"), _one(file, "I")
            if kind >= len(_TYPES):
                raise ValueError(f"{path.name}: {name} is of type {kind}, of which there is none")
            if size != _ITEM[kind] * prod(shape) or file.tell() + size > end:
                raise ValueError(f"{path.name}: {name} claims shape {shape} and {size:,} bytes, which disagree")
            number = _one(file, "h") if not shape and _TYPES[kind] == "int16" else None
            file.seek(size if number is None else 0, 1)
            arrays[name] = _Array(shape, _TYPES[kind], number)
        for name, array in arrays.items():
            if array.shape and array.type == "int8" and f"{name}_scale" not in arrays:
                raise ValueError(f"{path.name}: {name} is int8 and has no scale")
        for _ in range(_one(file, "I")):
            alias, name = _name(file), _name(file)
            if name not in arrays:
                raise ValueError(f"{path.name}: {alias} stands for {name}, which is not there")
            arrays[alias] = arrays[name]
    return arrays


def _one(file: IO[bytes], form: str) -> Any:
    size = struct.calcsize(f"<{form}")
    data = file.read(size)
    if len(data) < size:
        raise ValueError("model.bin is cut short")
    return struct.unpack(f"<{form}", data)[0]


def _name(file: IO[bytes]) -> str:
    size = _one(file, "H")
    if not 0 < size <= _LONGEST_NAME:
        raise ValueError(f"model.bin has a name of {size} bytes")
    return file.read(size).rstrip(b"\0").decode()
