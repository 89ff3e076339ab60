"""Run folders that an older seqx left (version 0.1.0, before formats had numbers) open, serve, resume and evaluate.

`kept_runs/` holds a finished and a stopped run of each kind, as `tests/support/tiny.py` trains them; never make them
again with newer code.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from seq2seq.run import Run
from seq2seq.storage.checksums import checksum_of
from seq2seq.storage.tensors import read_weights
from tests.support import tiny
from tests.support.command import Seqx

KEPT = Path(__file__).parent / "kept_runs"
PAIRS = ("--device", "cpu", "--set", "training.steps=60", "--set", "training.validate_every=20")
FINISHED = ("--device", "cpu", "--set", "training.steps=500", "--set", "training.validate_every=100",
            "--set", "training.learning_rate=1e-2")  # fmt: skip

# How far, as a share of their norm, the weights of a resumed run may be from an uninterrupted one's; not to the bit,
# since the processor that began it may be another. Muon, of "text", multiplies in bfloat16 where that is fast. Measured
# with AVX-512 and with AVX2 alone: 6e-8 and 6e-8, 5e-4 and 1.5e-3; one batch skipped: 6e-3 and 1e-2.
NEAR = {"translator": 1e-6, "text": 3e-3}


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(KEPT / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_a_translator_translates_as_when_it_was_made(seqx: Seqx, tmp_path: Path, engine: str) -> None:
    run = unpacked("translator", tmp_path)
    lines = [source for source, _ in tiny.pairs(12, seed=3)]
    done = seqx(
        "translate", "--run", run, "--engine", engine, "--precision", "float32", stdin="\n".join(lines).encode()
    )
    assert done.code == 0, done.err
    assert done.out == (KEPT / "translations.txt").read_text(encoding="utf-8")


def test_a_shortlist_of_an_older_seqx_may_be_deleted(seqx: Seqx, tmp_path: Path) -> None:
    run = unpacked("translator", tmp_path)
    expected = seqx("translate", "un chat", "--run", run, "--precision", "int8", "--engine", "ctranslate2")
    (run / "shortlist.json").unlink()
    assert seqx("doctor", "--run", run).code == 0
    assert seqx("export", "--run", run).code == 0
    assert not (run / "ctranslate2" / "int8" / "vmap.txt").exists()
    again = seqx("translate", "un chat", "--run", run, "--precision", "int8", "--engine", "ctranslate2")
    assert expected.code == 0 and again.out == expected.out


def test_its_scores_are_shown_and_it_is_evaluated_again(seqx: Seqx, tmp_path: Path) -> None:
    run = unpacked("translator", tmp_path)
    done = seqx("evaluate", "--run", run, "--precision", "float32")
    assert done.code == 0 and "BLEU     7.0" in done.out, done.err
    done = seqx("evaluate", "--run", unpacked("text", tmp_path))
    assert done.code == 0 and "3.0229 nats" in done.out, done.err


@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_a_text_model_generates_as_when_it_was_made(seqx: Seqx, tmp_path: Path, engine: str) -> None:
    run = unpacked("text", tmp_path)
    done = seqx("generate", "one", "--run", run, "--engine", engine, "--precision", "float32", "--temperature", "0",
                "--max-tokens", "20")  # fmt: skip
    assert done.code == 0, done.err
    assert done.out == "one         aaaaaaaaaaa\n"


@pytest.mark.parametrize("kind", NEAR)
def test_a_stopped_training_ends_as_one_that_was_not_stopped(
    seqx: Seqx, trained: Path, trained_text: Path, tmp_path: Path, kind: str
) -> None:
    whole = trained if kind == "translator" else trained_text
    given = [*tiny.arguments(tmp_path), *PAIRS] if kind == "translator" else tiny.text_arguments(tmp_path)
    run = unpacked(f"{kind}-stopped", tmp_path)
    recipe = (run / "recipe.toml").read_bytes()
    done = seqx("train", *given, "--run", run)
    assert done.code == 0, done.err
    assert (run / "recipe.toml").read_bytes() == recipe and '"format": 1' in (run / "run.json").read_text()
    assert "step 20:" not in done.err and "step 2:" not in done.err  # it resumed after them
    assert distance(run, whole) < NEAR[kind]
    # A run that goes on one batch too far is another one.
    other = unpacked(f"{kind}-stopped", tmp_path / "other")
    skip_a_batch(other)
    assert seqx("train", "--quiet", *given, "--run", other).code == 0
    assert distance(other, whole) > 2 * NEAR[kind]


def skip_a_batch(run: Path) -> None:
    """Move the last checkpoint's place by one."""
    path = max((run / "checkpoints").glob("step-*/state.json"))
    state = json.loads(path.read_text(encoding="utf-8"))
    state["memory"]["place"][-1] += 1
    state["sha256"]["state"] = checksum_of({name: state[name] for name in state.keys() - {"step", "sha256"}})
    path.write_text(json.dumps(state), encoding="utf-8")


def distance(run: Path, other: Path) -> float:
    """The norm of the difference between the weights of two runs, as a share of the weights' norm."""
    weights, others = (read_weights(Run(each).weights) for each in (run, other))
    assert weights.keys() == others.keys()
    if any(name.startswith("encoder.") for name in weights):
        for each in (weights, others):
            _without_key_biases(each)
    vectors = [torch.cat([each[name].flatten() for name in others]) for each in (weights, others)]
    return float((vectors[0] - vectors[1]).norm() / vectors[1].norm())


def _without_key_biases(weights: dict[str, Tensor]) -> None:
    """Without rotary positions they change no output: their gradients are rounding, which Adam magnifies."""
    for name, weight in weights.items():
        if name.endswith("query_key_value.bias"):
            weight.chunk(3)[1].zero_()
        elif name.endswith("key_value.bias"):
            weight.chunk(2)[0].zero_()


@pytest.mark.parametrize("kind", ["translator", "text"])
def test_a_finished_training_is_not_repeated(seqx: Seqx, tmp_path: Path, kind: str) -> None:
    given = [*tiny.arguments(tmp_path), *FINISHED] if kind == "translator" else tiny.text_arguments(tmp_path)
    run = unpacked(kind, tmp_path)
    before = Run(run).weights.read_bytes()
    done = seqx("train", *given, "--run", run)
    assert done.code == 0 and "test: " in done.out, done.err
    assert Run(run).weights.read_bytes() == before


@pytest.mark.parametrize(("name", "newer"), [("recipe.toml", "format = 99\n"), ("run.json", '{"format": 99, ')])
def test_a_run_of_a_newer_version_is_refused_in_one_line(seqx: Seqx, tmp_path: Path, name: str, newer: str) -> None:
    run = unpacked("translator", tmp_path)
    text = (run / name).read_text(encoding="utf-8")
    (run / name).write_text(newer + text.removeprefix("{"), encoding="utf-8")
    train = ["train", *tiny.arguments(tmp_path), *FINISHED]
    translate = [["translate", "un"]] if name == "recipe.toml" else []  # which reads no record
    for command in (*translate, ["evaluate"], train):
        done = seqx(*command, "--run", run)
        assert done.code == 1 and done.out == "" and done.err.count("\n") == 1, done.err
        assert f"{run / name} has format 99, and this seqx reads up to" in done.err and "update seqx" in done.err
