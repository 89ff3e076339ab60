"""Whatever is wrong is said in one or two lines that name it, with exit code 1 (2 for usage), and nothing is
written."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import tiny
from tests.support.command import LONGER, Done, Seqx


def check(done: Done, code: int, *words: str) -> None:
    """One or two lines on standard error, naming the thing; no traceback."""
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    lines = [line for line in done.err.splitlines() if line]
    assert 1 <= len(lines) <= (2 if code == 1 else 12), done.err
    for word in words:
        assert word in done.err, done.err


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "three.fr").write_text("un\ndeux\ntrois\n")
    (tmp_path / "two.en").write_text("one\ntwo\n")
    (tmp_path / "empty").write_text("")
    (tmp_path / "latin1.fr").write_bytes("un\ncafé\n".encode("latin-1"))
    (tmp_path / "utf16.fr").write_bytes("un\n".encode("utf-16"))
    (tmp_path / "bad.toml").write_text("[model\n")
    (tmp_path / "odd.toml").write_text("[model]\nn_heads = 3\nd_model = 16\n")
    (tmp_path / "dropout.toml").write_text("[model]\ndropout = 1.5\n")
    (tmp_path / "fallback.toml").write_text("[fallback.trainning]\nsteps = 3\n")
    (tmp_path / "three.toml").write_text("fallback = 3\n")
    return tmp_path


TRAIN = ("train", "--quiet", "--recipe", "fr-en-multi30k")
CASES = {
    "unknown recipe": (1, ("train", "--recipe", "fr-enn"), ("fr-enn", "did you mean fr-en")),
    "missing recipe file": (1, ("train", "--recipe", "./no.toml"), ("no.toml", "seqx recipes")),
    "recipe that is no TOML": (1, ("train", "--recipe", "bad.toml"), ("bad.toml", "TOML")),
    "heads that do not divide": (1, ("train", "--recipe", "odd.toml"), ("n_heads = 3", "d_model = 16")),
    "dropout of 1.5": (1, ("train", "--recipe", "dropout.toml"), ("model.dropout", "1.5")),
    "unknown key": (1, (*TRAIN, "--set", "model.d_modell=3"), ("d_modell", "did you mean d_model")),
    "unknown section": (1, (*TRAIN, "--set", "modell.d_model=3"), ("modell", "did you mean model")),
    "wrong type": (1, (*TRAIN, "--set", "training.steps=many"), ("training.steps", "'many'")),
    "negative size": (1, (*TRAIN, "--set", "model.d_ff=-1"), ("model.d_ff", "-1")),
    "set into a value": (1, (*TRAIN, "--set", "data.corpus.x=1"), ("data.corpus.x=1", "corpus holds a value")),
    "fallback of no section": (
        1,
        ("train", "--recipe", "fallback.toml"),
        ("fallback.trainning", "did you mean training"),
    ),
    "fallback that is none": (1, ("train", "--recipe", "three.toml", "--set", "data.corpus=2014"), ("fallback",)),
    "set without value": (1, (*TRAIN, "--set", "training.steps"), ("training.steps", "section.key=value")),
    "no recipe": (2, ("train",), ("--recipe",)),
    "unknown device": (
        1,
        (*TRAIN, "--source-file", "three.fr", "--target-file", "three.fr", "--device", "abacus"),
        ("abacus", "cuda"),
    ),
    "absent device": (
        1,
        (*TRAIN, "--source-file", "three.fr", "--target-file", "three.fr", "--device", "mps"),
        ("mps", "has no such device"),
    ),
    "missing file": (1, (*TRAIN, "--source-file", "no.fr", "--target-file", "two.en"), ("no.fr",)),
    "one side alone": (1, (*TRAIN, "--source-file", "three.fr"), ("target",)),
    "unequal sides": (
        1,
        (*TRAIN, "--source-file", "three.fr", "--target-file", "two.en"),
        ("three.fr has 3 lines", "two.en has 2"),
    ),
    "empty file": (1, (*TRAIN, "--source-file", "empty", "--target-file", "empty"), ("empty",)),
    "latin-1 file": (
        1,
        (*TRAIN, "--source-file", "latin1.fr", "--target-file", "two.en"),
        ("latin1.fr, line 2", "0xe9", "--encoding cp1252"),
    ),
    "utf-16 file": (1, (*TRAIN, "--source-file", "utf16.fr", "--target-file", "two.en"), ("utf16.fr", "UTF-16")),
    "folder as data": (1, (*TRAIN, "--data", "."), (".",)),
    "unknown data format": (1, (*TRAIN, "--data", "two.en"), (".tsv, .jsonl, .csv or .parquet",)),
    "bad encoding option": (2, (*TRAIN, "--encoding-errors", "ignore"), ("ignore",)),
    "corpus that is not available": (1, TRAIN, ("multi30k", "SEQX_DATA")),
    "no trained model": (1, ("translate", "bonjour"), ("seqx train --recipe fr-en",)),
    "no such run": (1, ("translate", "--run", "nowhere", "bonjour"), ("nowhere",)),
    "folder that is no run": (1, ("translate", "--run", ".", "bonjour"), ("not a run folder",)),
    "text and input": (2, ("translate", "--input", "three.fr", "bonjour"), ("bonjour", "three.fr")),
    "beam of none": (2, ("translate", "--beam-size", "0", "bonjour"), ("beam-size",)),
    "negative penalty": (2, ("translate", "--length-penalty", "-1", "bonjour"), ("length-penalty",)),
    "temperature of none": (2, ("translate", "--sample", "--temperature", "0", "bonjour"), ("temperature",)),
    "more best than beams": (2, ("translate", "--beam-size", "2", "--n-best", "3", "bonjour"), ("--n-best 3",)),
    "evaluate half a pair": (2, ("evaluate", "--source-file", "three.fr"), ("--target-file",)),
    "evaluate without a model": (1, ("evaluate",), ("seqx train",)),
    "compare without runs": (1, ("compare", "a", "b"), ("no run folder a",)),
    "score without a file": (2, ("score", "--source-file", "three.fr"), ("--target-file",)),
    "copy of no recipe": (1, ("recipes", "copy", "nothing", "out.toml"), ("nothing",)),
    "unknown command": (2, ("trian",), ("trian",)),
    "unknown option": (2, ("train", "--recipes", "fr-en"), ("--recipes",)),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_said_and_nothing_is_written(seqx: Seqx, files: Path, name: str) -> None:
    code, arguments, words = CASES[name]
    before = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    check(seqx(*arguments), code, *words)
    after = {path: path.read_bytes() for path in files.rglob("*") if path.is_file()}
    assert {path: contents for path, contents in after.items() if path in before} == before
    # A run folder may have been begun with its recipe; nothing more.
    assert {path.name for path in after if path not in before} <= {"recipe.toml"}


@pytest.mark.parametrize(
    ("name", "damage", "words"),
    [
        ("weights missing", lambda run: (run / "model.safetensors").unlink(), ("re-run the same `seqx train`",)),
        (
            "weights cut short",
            lambda run: (run / "model.safetensors").write_bytes(b"\x08"),
            ("model.safetensors is missing or damaged",),
        ),
        (
            "pickle as weights",
            lambda run: (run / "model.safetensors").write_bytes(b"\x80\x04\x95."),
            ("model.safetensors is missing or damaged",),
        ),
        ("tokenizer missing", lambda run: (run / "tokenizer.model").unlink(), ("no tokenizer.model",)),
        (
            "tokenizer damaged",
            lambda run: (run / "tokenizer.model").write_bytes(b"no"),
            ("tokenizer.model is not a tokenizer",),
        ),
        ("recipe missing", lambda run: (run / "recipe.toml").unlink(), ("recipe.toml",)),
        (
            "recipe of another shape",
            lambda run: _replace(run / "recipe.toml", "d_ff = 32", "d_ff = 48"),
            ("does not fit", "(32, 16) in the file, (48, 16) in the recipe"),
        ),
        (
            "recipe with more layers",
            lambda run: _replace(run / "recipe.toml", "encoder_layers = 1", "encoder_layers = 2"),
            ("encoder.blocks.1.",),
        ),
    ],
)
def test_a_damaged_run_folder_is_named(
    seqx: Seqx, trained: Path, tmp_path: Path, name: str, damage: object, words: tuple[str, ...]
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    damage(run)  # type: ignore[operator]
    check(seqx("translate", "--run", run, "un chat"), 1, *words)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_run_folder_of_another_recipe_is_refused_with_the_difference(
    seqx: Seqx, trained: Path, tmp_path: Path
) -> None:
    run = Path(shutil.copytree(trained, tmp_path / "run"))
    done = seqx("train", *tiny.arguments(tmp_path), "--run", run, "--set", "model.dropout=0.3", *LONGER)
    check(done, 1, "model.dropout: 0.1 -> 0.3", "--run")


def test_a_folder_with_other_files_is_not_taken_for_a_run(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("dear\n")
    check(seqx("train", *tiny.arguments(tmp_path), "--run", "letters"), 1, "letters", "not a run folder")
    assert [path.name for path in (tmp_path / "letters").iterdir()] == ["dear.txt"]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond `size` bytes: what a full disk looks like to whoever writes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_while_saving_is_said_and_leaves_no_half_checkpoint(seqx: Seqx, tmp_path: Path) -> None:
    given = tiny.arguments(tmp_path)
    with largest_file(500_000):  # the tokenizer fits, the weights do not
        done = seqx("train", *given, "--quiet", "--run", "run", "--set", "model.d_ff=8192")
    check(done, 1, "cannot save a checkpoint", "run")
    assert list((tmp_path / "run" / "checkpoints").iterdir()) == []
    assert seqx("train", *given, "--quiet", "--run", "run", "--set", "model.d_ff=8192").code == 0


def test_a_full_disk_while_translating_leaves_the_output_as_it_was(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("un chat\n" * 200)
    (tmp_path / "out.txt").write_text("before\n")
    with largest_file(50):
        done = seqx("translate", "--run", trained, "--input", "in.txt", "--output", "out.txt")
    check(done, 1, "out.txt: File too large")
    assert (tmp_path / "out.txt").read_text() == "before\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]
