"""Files that are not those that were written are refused by name, and `seqx doctor --run` finds every one."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from seq2seq.data.tokenizers import SentencePiece
from seq2seq.storage import checksums
from tests.support import tiny
from tests.support.command import LONGER, Seqx

Change = Callable[[Path], None]


def zeros(name: str, after: bytes = b"") -> Change:
    """Some of a file's numbers made zeros, in its middle or after a name; size and time stay."""

    def change(run: Path) -> None:
        path = run / name
        status, whole = path.stat(), bytearray(path.read_bytes())
        start = whole.index(after) + len(after) + 20 if after else len(whole) // 2
        whole[start : start + 200] = bytes(200)
        path.write_bytes(whole)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))

    return change


def replaced(name: str, old: str, new: str) -> Change:
    def change(run: Path) -> None:
        text = (run / name).read_text()
        assert old in text and len(old) == len(new)
        (run / name).write_text(text.replace(old, new))

    return change


def other_tokenizer(run: Path) -> None:
    """One that splits otherwise: two pieces of one length have changed places."""
    path = run / "tokenizer.model"
    model = path.read_bytes()
    pieces = [SentencePiece(model).piece(token).encode() for token in range(260, 300)]
    one, other = next((a, b) for a, b in combinations(pieces, 2) if len(a) == len(b) == 4)
    path.write_bytes(model.replace(one, b"#" * len(one)).replace(other, one).replace(b"#" * len(one), other))


TRANSLATE = ("translate", "--run", "own", "un chat")
TORCH = (*TRANSLATE, "--engine", "torch")
FAST = (*TRANSLATE, "--precision", "float32")
DAMAGES: dict[str, tuple[Change, str, str, list[tuple[str, ...]]]] = {
    "weights": (
        zeros("model.safetensors"),
        "own/model.safetensors is missing or damaged (its checksum has changed since it was written); restore",
        "model.safetensors",
        [TRANSLATE, TORCH, (*TRANSLATE, "--engine", "ctranslate2"), ("export", "--run", "own")],
    ),
    "copy": (
        zeros("ctranslate2/float32/model.bin", b"decoder/embeddings/weight\0"),
        "float32/model.bin: its checksum has changed since it was written); `seqx export --run own`",
        "ctranslate2/float32",
        [FAST],
    ),
    "copy without its settings": (
        lambda run: (run / "ctranslate2" / "float32" / "config.json").unlink(),
        "ctranslate2/float32 cannot be used",
        "ctranslate2/float32",
        [FAST],
    ),
    "copy with one more file": (
        lambda run: (run / "ctranslate2" / "float32" / "vmap.txt").write_text("\t</s>\n"),
        "float32/vmap.txt was added since",
        "ctranslate2/float32",
        [FAST],
    ),
    "record of the copy": (
        replaced("ctranslate2/copy.json", '"length_penalty": 0.6', '"length_penalty": 0.9'),
        "float32 cannot be used by CTranslate2 (copy.json: its checksum has changed",
        "ctranslate2/copy.json",
        [FAST],
    ),
    "tokenizer": (
        other_tokenizer,
        "own/tokenizer.model is missing or damaged (its checksum has changed",
        "tokenizer.model",
        [TRANSLATE, TORCH],
    ),
    "test set": (
        replaced("test.jsonl", "cat", "dog"),
        "own/test.jsonl is missing or damaged (its checksum has changed",
        "test.jsonl",
        [("evaluate", "--run", "own", "-q"), ("compare", "own", "own", "-q")],
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_what_was_not_written_so_is_refused_by_name(seqx: Seqx, own: Path, name: str) -> None:
    change, words, verdict, commands = DAMAGES[name]
    assert all(seqx(*command).code == 0 for command in commands)
    change(own)
    for command in commands:
        done = seqx(*command)
        assert (done.code, done.out) == (1, "") and words in done.err, done.err
        assert "Traceback" not in done.err and done.err.count("\n") <= 2
    examined = seqx("doctor", "--run", "own")
    (line,) = [line for line in examined.out.splitlines() if f"  {verdict}: " in line]
    assert examined.code == 1 and line.startswith("WRONG  ")


def test_other_weights_of_that_size_and_time_are_noticed(seqx: Seqx, own: Path) -> None:
    assert seqx(*TRANSLATE).code == 0
    path = own / "model.safetensors"
    status = path.stat()
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    assert path.stat().st_size == status.st_size
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    done = seqx(*TRANSLATE)
    assert done.code == 1 and "model.safetensors is missing or damaged" in done.err


def test_a_run_that_is_copied_to_another_place_is_whole(seqx: Seqx, own: Path, tmp_path: Path) -> None:
    for name, copy in (
        ("one", shutil.copytree),
        ("two", lambda *paths: shutil.copytree(*paths, copy_function=shutil.copy)),
    ):
        copy(own, tmp_path / name)
        for engine in ("torch", "ctranslate2"):
            assert seqx("translate", "--run", name, "--engine", engine, "un chat").code == 0
        assert seqx("doctor", "--run", name).code == 0


def test_a_run_without_checksums_opens_as_before(seqx: Seqx, own: Path) -> None:
    record = json.loads((own / "run.json").read_text())
    weights = {key: record["weights"][key] for key in ("made", "steps")}
    kept = {key: value for key, value in record.items() if key not in ("files", "caches", "sessions")}
    (own / "run.json").write_text(json.dumps({**kept, "weights": weights}))
    copy = json.loads((own / "ctranslate2" / "copy.json").read_text())
    older = json.dumps({key: value for key, value in copy.items() if key not in ("files", "sha256")})
    (own / "ctranslate2" / "copy.json").write_text(older)
    for command in (TRANSLATE, TORCH, FAST, ("evaluate", "--run", "own", "-q"), ("export", "--run", "own")):
        assert seqx(*command).code == 0
    (own / "ctranslate2" / "copy.json").write_text(older)
    done = seqx("doctor", "--run", "own")
    unknown = {line.split(": ")[0].split()[1] for line in done.out.splitlines() if line.startswith("unknown")}
    assert done.code == 0
    assert unknown == {"test.jsonl", "ctranslate2/float32", "ctranslate2/int8"}
    zeros("model.safetensors")(own)
    assert seqx("doctor", "--run", "own").code == 1
    for command in (TRANSLATE, TORCH):  # what the copy was made of tells
        done = seqx(*command)
        assert done.code == 1 and "own/model.safetensors is missing or damaged" in done.err
        assert "if it is meant to be another one, delete own/ctranslate2" in done.err


def test_the_doctor_reads_everything_whatever_is_remembered(
    seqx: Seqx, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(checksums, "SETTLED_AFTER", -(10**12))
    known = json.loads((own / "run.json").read_text())["weights"]["sha256"]
    zeros("model.safetensors")(own)
    zeroed = checksums.checksum(own / "model.safetensors")
    remembered = tmp_path / "cache" / "seqx" / "checksums.json"
    remembered.write_text(remembered.read_text().replace(zeroed, known))
    assert seqx(*TORCH).code == 0  # what is remembered is believed, which spares the reading
    done = seqx("doctor", "--run", "own", "--json")
    (wrong,) = [verdict for verdict in json.loads(done.out) if verdict["state"] == "wrong"]
    assert done.code == 1 and wrong["name"] == "model.safetensors"


def test_a_whole_run_has_a_clean_bill(seqx: Seqx, own: Path, trained: Path) -> None:
    done = seqx("doctor", "--run", "own")
    assert done.code == 0 and done.err == ""
    found = dict(line.split("  ", 1)[1].strip().split(": ", 1) for line in done.out.splitlines())
    names = {
        *("recipe.toml", "run.json", "model.safetensors", "tokenizer.model", "test.jsonl"),
        *("the model", "ctranslate2/copy.json", "ctranslate2/float32", "ctranslate2/int8", "metrics.jsonl"),
        *("checkpoints/step-0000040", "checkpoints/step-0000060"),
    }
    assert names <= found.keys()
    assert all(line.startswith("ok") for line in done.out.splitlines())
    assert any("tokens " in name or ".cache" in name for name in found)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (lambda run: (run / "recipe.toml").write_text("x"), "recipe.toml"),
        (lambda run: (run / "run.json").write_text("{"), "run.json"),
        (zeros("checkpoints/step-0000040/weights.safetensors"), "checkpoints/step-0000040"),
        (lambda run: (run / "checkpoints/step-0000060/weights.safetensors").unlink(), "checkpoints/step-0000060"),
        (lambda run: (run / "metrics.jsonl").write_text("{\n"), "metrics.jsonl"),
        (lambda run: (run / "tokenizer.model").unlink(), "tokenizer.model"),
        (lambda run: (run / "test.jsonl").unlink(), "test.jsonl"),
        (lambda run: shutil.rmtree(run / "ctranslate2"), "ctranslate2"),
        (replaced("recipe.toml", "max_extra = 6", "max_extra = 7"), "ctranslate2/copy.json"),
    ],
)
def test_the_doctor_names_what_is_wrong(seqx: Seqx, own: Path, change: Change, name: str) -> None:
    change(own)
    done = seqx("doctor", "--run", "own")
    wrong = [line for line in done.out.splitlines() if line.startswith("WRONG")]
    assert done.code == 1 and len(wrong) == 1 and f"  {name}: " in wrong[0], done.out
    assert "own: 1 of " in done.err and "Traceback" not in done.err


def test_the_doctor_knows_the_tokens_that_a_run_was_trained_on(
    seqx: Seqx, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path / "runs"))
    assert seqx("train", *tiny.text_arguments(tmp_path)).code == 0
    assert seqx("doctor", "--run", tmp_path / "runs" / "verse").code == 0
    (_, path) = sorted((tmp_path / "runs" / ".cache").glob("*/tokens"), key=lambda path: path.stat().st_size)
    zeros(path.name)(path.parent)
    done = seqx("doctor", "--run", tmp_path / "runs" / "verse")
    assert done.code == 1 and f"WRONG    {path.parent}: damaged: tokens: its checksum" in done.out


@pytest.mark.parametrize(("given", "words"), [(["--quick"], "leave out"), (["--recipe", "fr-en"], "leave out")])
def test_the_doctor_does_one_thing_at_a_time(seqx: Seqx, own: Path, given: list[str], words: str) -> None:
    done = seqx("doctor", "--run", "own", *given)
    assert done.code == 2 and words in done.err


def test_the_doctor_needs_a_run(seqx: Seqx) -> None:
    done = seqx("doctor", "--run", "none")
    assert done.code == 1 and "no run folder none" in done.err


def test_a_damaged_tokenizer_is_not_trained_with(seqx: Seqx, own: Path, trained: Path) -> None:
    (own / "model.safetensors").unlink()
    other_tokenizer(own)
    done = seqx("train", *tiny.arguments(trained.parent), "--run", "own", "--device", "cpu", *LONGER)
    assert done.code == 1 and "own/tokenizer.model is missing or damaged" in done.err


def stranger(run: Path) -> None:
    """Whoever changes a run on purpose leaves no checksum."""
    record = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**record, "weights": {"made": "average", "steps": [60]}}))


@pytest.mark.parametrize(
    "kind",
    [
        *(torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64, torch.float64, torch.float16),
        *(torch.bfloat16, torch.float8_e4m3fn),
    ],
    ids=str,
)
def test_weights_of_another_type_are_refused_by_name(seqx: Seqx, own: Path, kind: torch.dtype) -> None:
    stranger(own)
    weights = load_file(own / "model.safetensors")
    (name, *_) = [name for name in weights if "feed_forward" in name and name.endswith("weight")]
    save_file({**weights, name: weights[name].to(kind)}, own / "model.safetensors")
    done = seqx(*TORCH)
    found = f"{str(kind).removeprefix('torch.')} {tuple(weights[name].shape)}"
    assert done.code == 1 and f"{name} is {found} in the file, float32 (" in done.err, done.err


@pytest.mark.parametrize("shape", [(), (0,), (300,), (1, 300, 16), (300, 16, 1)])
def test_embeddings_of_another_shape_are_refused_by_name(seqx: Seqx, own: Path, shape: Any) -> None:
    stranger(own)
    weights = load_file(own / "model.safetensors")
    (name,) = [name for name in weights if name == "target_embedding.weight"]
    save_file({**weights, name: torch.zeros(shape)}, own / "model.safetensors")
    done = seqx(*TORCH)
    assert done.code == 1 and "model.safetensors" in done.err and "Error" not in done.err, done.err


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_copy_with_arrays_of_another_type_is_refused_by_name(seqx: Seqx, own: Path, precision: str) -> None:
    record = json.loads((own / "ctranslate2" / "copy.json").read_text())
    (own / "ctranslate2" / "copy.json").write_text(json.dumps({**record, "files": None, "sha256": None}))
    path = own / "ctranslate2" / precision / "model.bin"
    model = bytearray(path.read_bytes())
    name = b"decoder/layer_0/ffn/linear_0/bias\0"
    kind = model.index(name) + len(name) + 1 + 4  # after the rank and one dimension
    assert model[kind] == 0
    model[kind] = 3
    path.write_bytes(model)
    done = seqx(*TRANSLATE, "--precision", precision)
    assert done.code == 1 and "ffn/linear_0/bias of the decoder is int32, where float32 fits" in done.err, done.err
