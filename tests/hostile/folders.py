"""Run folders and recipes as a stranger might make them: each takes a copy of a good run folder and changes it."""

from __future__ import annotations

import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[Path], None]


class _Canary:
    """Unpickled, it writes a file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def canary(run: Path) -> Path:
    """What is written where code of the folder runs: beside the run, so that it counts as written too."""
    return run.parent / "canary"


def pickled(run: Path) -> bytes:
    return pickle.dumps(_Canary(str(canary(run))))


def put(name: str, contents: bytes | str | Callable[[Path], bytes]) -> Change:
    def change(run: Path) -> None:
        path = run / name
        found = contents(run) if callable(contents) else contents
        path.unlink(missing_ok=True)
        path.write_bytes(found.encode() if isinstance(found, str) else found)

    return change


def replace(name: str, old: str, new: str) -> Change:
    def change(run: Path) -> None:
        text = (run / name).read_text()
        assert text.count(old) >= 1
        (run / name).write_text(text.replace(old, new, 1))

    return change


def link(name: str, target: str) -> Change:
    def change(run: Path) -> None:
        path = run / name
        if path.is_dir():
            path.rename(run.parent / "former")
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return change


def both(*changes: Change) -> Change:
    def change(run: Path) -> None:
        for each in changes:
            each(run)

    return change


def safetensors(header: bytes, data: bytes = b"") -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def claims(shape: list[int]) -> bytes:
    """The header of a file that claims a tensor, and holds none of it."""
    size = 4
    for length in shape:
        size *= length
    return safetensors(json.dumps({"a": {"dtype": "F32", "shape": shape, "data_offsets": [0, size]}}).encode())


def tokenizer(values: Any) -> Change:
    return both(lambda run: (run / "tokenizer.model").unlink(), put("tokenizer.json", json.dumps(values)))


def ranks() -> list[str]:
    import base64

    return [base64.b64encode(bytes([byte])).decode() for byte in range(256)]


def copy_file(name: str, contents: bytes | str) -> Change:
    return both(*(put(f"ctranslate2/{precision}/{name}", contents) for precision in ("float32", "int8")))


def copy_record(**values: Any) -> Change:
    """Other settings in the record of the copy; its checksums still fit."""

    def change(run: Path) -> None:
        path = run / "ctranslate2" / "copy.json"
        record = json.loads(path.read_text())
        record["settings"].update(values)
        path.write_text(json.dumps(record))

    return change


def copy_array(name: str, shape: list[int]) -> Change:
    """An array of another shape, as long as that says."""

    def change(run: Path) -> None:
        path = run / "ctranslate2" / "float32" / "model.bin"
        written = path.read_bytes()
        start = written.index(name.encode() + b"\0") + len(name) + 1
        rank = written[start]
        kind = written[start + 1 + 4 * rank]
        after = start + 2 + 4 * rank
        size = struct.unpack_from("<I", written, after)[0]
        count = 1
        for length in shape:
            count *= length
        head = struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, kind, 4 * count)
        path.write_bytes(written[:start] + head + bytes(4 * count) + written[after + 4 + size :])

    return change


def copy_heads(number: int) -> Change:
    def change(run: Path) -> None:
        path = run / "ctranslate2" / "float32" / "model.bin"
        written = bytearray(path.read_bytes())
        start = written.index(b"decoder/num_heads\0") + len(b"decoder/num_heads\0")
        struct.pack_into("<h", written, start + 6, number)
        path.write_bytes(written)

    return change


# Each with words of what is said of it. Those of COPY concern the CTranslate2 copy alone, those of TEST the test set.
FOLDERS: dict[str, tuple[Change, str]] = {
    "pickle for weights": (put("model.safetensors", pickled), "model.safetensors is missing or damaged"),
    "header of 2**60 bytes": (
        put("model.safetensors", struct.pack("<Q", 2**60) + b"{}"),
        "model.safetensors is missing or damaged",
    ),
    "tensor of 4 terabytes": (put("model.safetensors", claims([10**12])), "model.safetensors is missing or damaged"),
    "tensor of overflowing size": (put("model.safetensors", claims([2**40, 2**40])), "model.safetensors is missing"),
    "nested header": (put("model.safetensors", safetensors(b"[" * 100_000)), "model.safetensors is missing or damaged"),
    "no tensors": (put("model.safetensors", safetensors(b"{}")), "model.safetensors has 10 bytes"),
    "width of a million": (
        replace("recipe.toml", "d_model = 16", "d_model = 1000000"),
        "the model of recipe.toml at least",
    ),
    "width of 10**9": (replace("recipe.toml", "d_model = 16", "d_model = 1000000000"), "model.d_model"),
    "a thousand layers": (
        replace("recipe.toml", "encoder_layers = 1", "encoder_layers = 1000"),
        "recipe.toml at least",
    ),
    "10**9 layers": (replace("recipe.toml", "encoder_layers = 1", "encoder_layers = 1000000000"), "encoder_layers"),
    "beam of 10**9": (replace("recipe.toml", "beam_size = 2", "beam_size = 1000000000"), "decoding.beam_size"),
    "output without end": (replace("recipe.toml", "max_extra = 6", "max_extra = 1000000000000"), "decoding.max_extra"),
    "nested recipe": (put("recipe.toml", "x = " + "[" * 9000), "recipe.toml is not valid TOML: nested too deep"),
    "recipe without end": (put("recipe.toml", "#" * 1_000_000), "recipe.toml is not valid TOML: over 20,000"),
    "pickle for a recipe": (put("recipe.toml", pickled), "recipe.toml"),
    "pickle for a tokenizer": (put("tokenizer.model", pickled), "tokenizer.model is not a tokenizer"),
    "noise for a tokenizer": (put("tokenizer.model", os.urandom(9999)), "tokenizer.model is not a tokenizer"),
    "tokenizer of another kind": (tokenizer({"kind": "character", "alphabet": "abc"}), "the tokenizer has 7 tokens"),
    "nested tokenizer": (
        both(lambda run: (run / "tokenizer.model").unlink(), put("tokenizer.json", "[" * 100_000)),
        "nested too deep",
    ),
    "tokenizer without end": (
        both(lambda run: (run / "tokenizer.model").unlink(), put("tokenizer.json", b" " * (65 << 20))),
        "over 67,108,864 bytes long",
    ),
    "pattern that matches nothing": (
        tokenizer({"kind": "byte-bpe", "encoding": None, "pattern": "|a", "ranks": ranks()}),
        "its pattern loses text",
    ),
    "pattern that takes for ever": (
        tokenizer({"kind": "byte-bpe", "encoding": None, "pattern": r"(\S+)+(\s+)+!!", "ranks": ranks()}),
        "its pattern",
    ),
    "weights through a link": (link("model.safetensors", "/dev/zero"), "leads out of the run folder"),
    "recipe through a link": (link("recipe.toml", "../../../etc/passwd"), "leads out of the run folder"),
    "log through a link": (link("metrics.jsonl", "../elsewhere"), "leads out of the run folder"),
    "checkpoints through a link": (link("checkpoints", "../former"), "leads out of the run folder"),
}
COPY: dict[str, tuple[Change, str]] = {
    "pickle for a copy": (copy_file("model.bin", b"\x80\x04\x95."), "model.bin is of another version"),
    "empty copy": (copy_file("model.bin", b""), "model.bin is cut short"),
    "copy cut short": (
        lambda run: os.truncate(run / "ctranslate2" / "float32" / "model.bin", 20_000),
        "which is not so",
    ),
    "copy that claims 4 gigabytes": (
        copy_file(
            "model.bin", struct.pack("<IH2sIIH2sBIIBI", 6, 2, b"x\0", 7, 1, 2, b"y\0", 2, 2**15, 2**15, 0, 2**32 - 1)
        ),
        "which is not so",
    ),
    "embeddings of fewer tokens": (copy_array("decoder/embeddings/weight", [20, 16]), "(20, 16), where (300, 16) fits"),
    "matrix too narrow": (copy_array("decoder/layer_0/ffn/linear_0/weight", [32, 8]), "where (32, 16) fits"),
    "bias too short": (copy_array("encoder/layer_0/ffn/linear_0/bias", [1]), "where (32,) fits"),
    "norm too short": (copy_array("encoder/layer_0/ffn/layer_norm/gamma", [1]), "where (16,) fits"),
    "no heads": (copy_heads(0), "0 heads"),
    "vocabulary too long": (
        copy_file("shared_vocabulary.json", json.dumps([str(number) for number in range(900)])),
        "where (900, 16) fits",
    ),
    "vocabulary of numbers": (copy_file("shared_vocabulary.json", "[1, 2]"), "no list of strings"),
    "nested vocabulary": (copy_file("shared_vocabulary.json", "[" * 100_000), "nested too deep"),
    "nested settings": (copy_file("config.json", "[" * 100_000), "nested too deep"),
    "beam of 10**9 in the copy": (copy_record(beam_size=10**9), "copy.json is damaged"),
    "output without end in the copy": (copy_record(max_extra=10**12), "copy.json is damaged"),
    "text for a number in the copy": (copy_record(positions="many"), "copy.json is damaged"),
}
RECORDS: dict[str, tuple[Change, str]] = {
    "nested record": (put("run.json", "[" * 100_000), "run.json is damaged: nested too deep"),
    "list for a record": (put("run.json", "[]"), "run.json is damaged: a JSON object is needed"),
    "text for scores": (put("run.json", '{"finished": {}, "scores": "x"}'), "'scores' is no JSON object"),
}
SETS: dict[str, tuple[Change, str]] = {
    "nested test set": (put("test.jsonl", "[" * 100_000), "test.jsonl, line 1: not a test sentence (nested too deep)"),
    "numbers for text": (put("test.jsonl", '{"source": 1, "references": [2]}\n'), "test.jsonl, line 1"),
    "no references": (put("test.jsonl", '{"source": "un", "references": []}\n'), "test.jsonl, line 1"),
}
