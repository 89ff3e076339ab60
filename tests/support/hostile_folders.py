"""Run folders and recipes as a stranger might make them: each takes a copy of a good run folder and changes it."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from seq2seq.data.tokenizers import SPECIAL
from seq2seq.storage.checksums import sha256

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


def hard_link(name: str) -> Change:
    def change(run: Path) -> None:
        (run / name).unlink()
        (run.parent / "precious").write_text("precious\n")
        os.link(run.parent / "precious", run / name)

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


def pipe(name: str) -> Change:
    def change(run: Path) -> None:
        (run / name).unlink(missing_ok=True)
        os.mkfifo(run / name)

    return change


def unfinished(change: Callable[[Path], None]) -> Change:
    """A training run to go on with, all of whose checkpoints are changed."""

    def every(run: Path) -> None:
        (run / "model.safetensors").unlink()
        for path in sorted((run / "checkpoints").glob("step-*/optimiser.safetensors")):
            change(path.parent)

    return every


def _as_it_is(folder: Path) -> None:
    """Leave a checkpoint as it is."""


def sealed(change: Callable[[Path, dict[str, Any]], None]) -> Change:
    """Checkpoints whose files, or whose state, are changed; their checksums fit."""

    def one(folder: Path) -> None:
        state = json.loads((folder / "state.json").read_text())
        sums = state.pop("sha256")
        change(folder, state)
        for name in ("weights.safetensors", "optimiser.safetensors"):
            sums[name] = sha256(folder / name)
        written = {key: value for key, value in state.items() if key != "step"}
        sums["state"] = hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()
        (folder / "state.json").write_text(json.dumps({**state, "sha256": sums}))

    return unfinished(one)


def file_of_all(name: str, contents: Callable[[Path], bytes]) -> Change:
    return sealed(lambda folder, _: (folder / name).write_bytes(contents(folder)) and None)


TensorChange = Callable[[dict[str, Any]], dict[str, Any]]


def tensors_of_all(name: str, change: TensorChange) -> Change:
    def contents(folder: Path) -> bytes:
        from safetensors.numpy import load, save

        return save(change(load((folder / name).read_bytes())))

    return file_of_all(name, contents)


def without(end: str) -> TensorChange:
    """Tensors but those whose names end so."""
    return lambda tensors: {name: tensor for name, tensor in tensors.items() if not name.endswith(end)}


def halved(end: str) -> TensorChange:
    """Tensors, half of those whose names end so."""
    return lambda tensors: {
        name: tensor[: len(tensor) // 2] if name.endswith(end) else tensor for name, tensor in tensors.items()
    }


def retyped(end: str, kind: str) -> TensorChange:
    """Tensors, those whose names end so of another type."""
    return lambda tensors: {
        name: tensor.astype(kind) if name.endswith(end) else tensor for name, tensor in tensors.items()
    }


def state_of_all(**values: Any) -> Change:
    return sealed(lambda _, state: state.update(values))


def memory_of_all(**values: Any) -> Change:
    return sealed(lambda _, state: state["memory"].update(values))


def sums_of_all(values: Any) -> Change:
    """Other checksums in a state."""

    def one(folder: Path) -> None:
        state = json.loads((folder / "state.json").read_text())
        (folder / "state.json").write_text(json.dumps({**state, "sha256": values}))

    return unfinished(one)


def stretched(name: str, size: int) -> Change:
    return unfinished(lambda folder: os.truncate(folder / name, size))


def copy_heads(number: int) -> Change:
    def change(run: Path) -> None:
        path = run / "ctranslate2" / "float32" / "model.bin"
        written = bytearray(path.read_bytes())
        start = written.index(b"decoder/num_heads\0") + len(b"decoder/num_heads\0")
        struct.pack_into("<h", written, start + 6, number)
        path.write_bytes(written)

    return change


# Each with words of what is said of it. Those of COPY concern the CTranslate2 copy alone; SETS the test set;
# CHECKPOINTS and LOGS a training run to resume.
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
    "log by a hard link": (hard_link("metrics.jsonl"), "metrics.jsonl is a hard link"),
    "lock by a hard link": (hard_link(".lock"), ".lock is a hard link"),
    "link to itself": (link("faults.jsonl", "faults.jsonl"), "faults.jsonl is a link"),
    "pipe for a tokenizer": (pipe("tokenizer.model"), "tokenizer.model is a pipe or a device"),
    "pipe beside": (pipe("tokenizer.x"), "tokenizer.x is a pipe or a device"),
    "pipe for a shortlist": (pipe("ctranslate2/int8/vmap.txt"), "vmap.txt is a pipe or a device"),
}
COPY: dict[str, tuple[Change, str]] = {
    "pickle for a copy": (copy_file("model.bin", b"\x80\x04\x95."), "model.bin is of another version"),
    "empty copy": (copy_file("model.bin", b""), "model.bin is cut short"),
    "copy cut short": (
        lambda run: os.truncate(run / "ctranslate2" / "float32" / "model.bin", 20_000),
        "which disagree",
    ),
    "copy that claims 4 gigabytes": (
        copy_file(
            "model.bin", struct.pack("<IH2sIIH2sBIIBI", 6, 2, b"x\0", 7, 1, 2, b"y\0", 2, 2**15, 2**15, 0, 2**32 - 1)
        ),
        "which disagree",
    ),
    "embeddings of fewer tokens": (copy_array("decoder/embeddings/weight", [20, 16]), "(20, 16), where (300, 16) fits"),
    "matrix too narrow": (copy_array("decoder/layer_0/ffn/linear_0/weight", [32, 8]), "where (32, 16) fits"),
    "bias too short": (copy_array("encoder/layer_0/ffn/linear_0/bias", [1]), "where (32,) fits"),
    "norm too short": (copy_array("encoder/layer_0/ffn/layer_norm/gamma", [1]), "where (16,) fits"),
    "no heads": (copy_heads(0), "0 heads"),
    "vocabulary too long": (
        copy_file("shared_vocabulary.json", json.dumps([*SPECIAL, *map(str, range(896))])),
        "where (900, 16) fits",
    ),
    "vocabulary without its beginning": (
        copy_file("shared_vocabulary.json", json.dumps([str(number) for number in range(300)])),
        "shared_vocabulary.json does not begin with <pad> <unk> <s> </s>",
    ),
    "vocabulary of numbers": (copy_file("shared_vocabulary.json", "[1, 2]"), "no list of strings"),
    "nested vocabulary": (copy_file("shared_vocabulary.json", "[" * 100_000), "nested too deep"),
    "nested settings": (copy_file("config.json", "[" * 100_000), "nested too deep"),
    "settings of a token that is none": (
        copy_file("config.json", '{"unk_token": "none", "bos_token": "none"}'),
        "config.json has unk_token 'none', where <unk> fits",
    ),
    "empty shortlist": (copy_file("vmap.txt", b""), "vmap.txt is not a line for each token"),
    "shortlist without tabs": (copy_file("vmap.txt", "at\n"), "vmap.txt is not a line for each token"),
    "shortlist of a token twice": (copy_file("vmap.txt", "at\tat\nat\tat\n"), "vmap.txt is not a line for each token"),
    "shortlist of other tokens": (copy_file("vmap.txt", "\tat\nnone\tat\n"), "vmap.txt has 'none', no token"),
    "shortlist of control characters": (copy_file("vmap.txt", b"\x1b[2J\x00\tat\n"), "no token of the source"),
    "shortlist of noise": (copy_file("vmap.txt", os.urandom(5000)), "vmap.txt"),
    "shortlist of a phrase without end": (
        copy_file("vmap.txt", b" " * (60 << 20) + b"\tat\n"),
        "no token of the source",
    ),
    "shortlist without end": (copy_file("vmap.txt", b" " * (65 << 20)), "over 67,108,864 bytes long"),
    "beam of 10**9 in the copy": (copy_record(beam_size=10**9), "copy.json is damaged"),
    "output without end in the copy": (copy_record(max_extra=10**12), "copy.json is damaged"),
    "text for a number in the copy": (copy_record(positions="many"), "copy.json is damaged"),
}
STRANGE = {"weights.safetensors": "is missing or damaged", "optimiser.safetensors": "is missing or damaged"}
CHECKPOINTS: dict[str, tuple[Change, str]] = {
    **{
        f"{what} for {name}": (file_of_all(name, contents), words)
        for name, words in STRANGE.items()
        for what, contents in {
            "pickle": lambda folder: pickled(folder.parents[1]),
            "header of 2**60 bytes": lambda _: struct.pack("<Q", 2**60) + b"{}",
            "tensor of 4 terabytes": lambda _: claims([10**12]),
            "nested header": lambda _: safetensors(b"[" * 100_000),
        }.items()
    },
    "no weights": (file_of_all("weights.safetensors", lambda _: safetensors(b"{}")), "is on one side only"),
    "no random state": (file_of_all("optimiser.safetensors", lambda _: safetensors(b"{}")), "random.cpu"),
    "weights of a terabyte": (stretched("weights.safetensors", 1 << 40), "weights.safetensors has 1,099,511,627,776"),
    "moments of a terabyte": (stretched("optimiser.safetensors", 1 << 40), "optimiser.safetensors has 1,099,511,627,7"),
    **{
        what: (tensors_of_all(f"{file}.safetensors", change), words)
        for what, (file, change, words) in {
            "weights of whole numbers": (
                "weights",
                retyped("embedding.weight", "int32"),
                "embedding.weight is int32 (300, 16) in the file, float32 (300, 16) in the recipe",
            ),
            "weights that are true or false": ("weights", retyped("norm.weight", "bool"), "norm.weight is bool (16,)"),
            "moments of half the bits": (
                "optimiser",
                retyped("embedding.weight/exp_avg", "float16"),
                "embedding.weight/exp_avg is torch.float16, (300, 16)",
            ),
            "random state of numbers": ("optimiser", retyped("random.cpu", "float32"), "is damaged"),
            "weights of another shape": ("weights", halved("embedding.weight"), "does not fit this recipe's model"),
            "moments of another shape": (
                "optimiser",
                halved("embedding.weight/exp_avg"),
                "embedding.weight/exp_avg is torch.float32, (150, 16)",
            ),
            "moments that are missing": ("optimiser", without("/exp_avg_sq"), "another optimiser's"),
            "random state of another size": ("optimiser", halved("random.cpu"), "is damaged"),
        }.items()
    },
    "state that is no JSON": (unfinished(lambda folder: (folder / "state.json").write_text("{{") and None), "damaged"),
    "nested state": (unfinished(lambda folder: (folder / "state.json").write_text("[" * 100_000) and None), "too deep"),
    "giant state": (stretched("state.json", 1 << 40), "over 67,108,864 bytes long"),
    "list for a state": (unfinished(lambda folder: (folder / "state.json").write_text("[]") and None), "is damaged"),
    "state of another step": (state_of_all(step=7), "it is of step 7"),
    "text for a step": (state_of_all(step="7"), "is damaged"),
    "checksums that are none": (sums_of_all(5), "is damaged"),
    "checksums of files elsewhere": (sums_of_all({"../../../../etc/passwd": "", "/etc/passwd": ""}), "is damaged"),
    "list for a memory": (state_of_all(memory=[]), "is damaged"),
    "place below zero": (memory_of_all(place=[-1, -1, -1]), "place.0"),
    "place of two numbers": (memory_of_all(place=[0, 0]), "place: List should have at least 3 items"),
    "best that is no number": (memory_of_all(best=[[0.5, float("nan")]]), "best.0.1"),
    "text for tokens": (memory_of_all(tokens="many"), "tokens: Input should be a valid integer"),
    "list for health": (state_of_all(health=[]), "is damaged"),
    "text for a rate": (state_of_all(health={"rate": "fast"}), "rate: Input should be a valid number"),
}
LOGS: dict[str, tuple[Change, str]] = {
    "nested log": (both(unfinished(_as_it_is), put("metrics.jsonl", "[" * 100_000 + "\n")), "nested too deep"),
    "list for an entry": (both(unfinished(_as_it_is), put("metrics.jsonl", "[]\n")), "metrics.jsonl is damaged"),
    "text for a step of the log": (both(unfinished(_as_it_is), put("metrics.jsonl", '{"step": "x"}\n')), "is damaged"),
    "entry without end": (
        both(unfinished(_as_it_is), put("metrics.jsonl", ""), lambda run: os.truncate(run / "metrics.jsonl", 1 << 40)),
        "line 1 is over 16,777,216 bytes long",
    ),
}
RECORDS: dict[str, tuple[Change, str]] = {
    "nested record": (put("run.json", "[" * 100_000), "run.json is damaged: nested too deep"),
    "list for a record": (put("run.json", "[]"), "run.json is damaged: a JSON object is needed"),
    "text for scores": (put("run.json", '{"finished": {}, "scores": "x"}'), "'scores' is not a JSON object"),
}
SETS: dict[str, tuple[Change, str]] = {
    "nested test set": (put("test.jsonl", "[" * 100_000), "test.jsonl, line 1: not a test sentence (nested too deep)"),
    "pipe for a test set": (pipe("test.jsonl"), "test.jsonl is a pipe or a device"),
    "numbers for text": (put("test.jsonl", '{"source": 1, "references": [2]}\n'), "test.jsonl, line 1"),
    "no references": (put("test.jsonl", '{"source": "un", "references": []}\n'), "test.jsonl, line 1"),
}
