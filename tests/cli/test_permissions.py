"""A run of another user: readable where the umask says so, and what may not be read is said."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.support import tiny
from tests.support.bad_input import check
from tests.support.command import Seqx
from tests.support.users import another_user, open_to_all

TRANSLATE = ("translate", "un chat", "--quiet")


@pytest.mark.parametrize("mask", [0o022, 0o027])
def test_all_of_a_run_has_the_mode_of_any_other_file(seqx: Seqx, tmp_path: Path, mask: int) -> None:
    former = os.umask(mask)
    try:
        few = ("--set", "training.steps=2", "--device", "cpu")
        assert seqx("train", *tiny.arguments(tmp_path), "--run", "there/run", *few).code == 0
        assert seqx("evaluate", "--run", "there/run").code == 0
    finally:
        os.umask(former)
    for path in (tmp_path / "there").rglob("*"):
        wanted = (0o777 if path.is_dir() else 0o666) & ~mask
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    assert {path.name for path in (tmp_path / "there").iterdir()} == {"run", ".cache"}


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("model.safetensors", (*TRANSLATE, "--engine", "torch")),
        ("tokenizer.model", TRANSLATE),
        ("recipe.toml", TRANSLATE),
        ("run.json", ("evaluate", "--quiet")),
        ("test.jsonl", ("evaluate", "--quiet")),
        ("ctranslate2/copy.json", TRANSLATE),
        ("ctranslate2/int8/model.bin", (*TRANSLATE, "--precision", "int8")),
        ("ctranslate2/int8/config.json", (*TRANSLATE, "--precision", "int8")),
        ("ctranslate2/int8/shared_vocabulary.json", (*TRANSLATE, "--precision", "int8")),
        (".", TRANSLATE),
    ],
)
def test_what_may_not_be_read_is_not_called_damaged(
    seqx: Seqx, trained: Path, name: str, command: tuple[str, ...]
) -> None:
    with open_to_all() as folder:
        run = Path(shutil.copytree(trained, folder / "run"))
        assert seqx(*command, "--run", run).code == 0  # by who may import what it takes
        (run / name).chmod(0o700 if name == "." else 0o600)
        with another_user():
            if name != "." and os.access(run / name, os.R_OK, effective_ids=True):
                pytest.skip("may read everything")
            check(seqx(*command, "--run", run), 1, "run", "Permission denied", "ermissions")


@pytest.mark.parametrize("name", ["weights.safetensors", "optimiser.safetensors", "state.json", "."])
def test_a_checkpoint_that_may_not_be_read_is_not_set_aside(seqx: Seqx, trained: Path, name: str) -> None:
    with open_to_all() as folder:
        run = Path(shutil.copytree(trained, folder / "run"))
        record = Run(run)
        (run / "model.safetensors").unlink()
        newest = max(record.checkpoints.iterdir())
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o777 if path.is_dir() else 0o666)
        (newest / name).chmod(0o700 if name == "." else 0o600)
        from seq2seq.training.checkpoints import checkpoint

        with another_user(), pytest.raises(PermissionError):
            step = checkpoint.steps(record.checkpoints)[-1]
            checkpoint.state_of(checkpoint.folder(record.checkpoints, step), ["weights.safetensors"])
            checkpoint.state_of(checkpoint.folder(record.checkpoints, step), ["optimiser.safetensors"])
        assert newest.is_dir()
