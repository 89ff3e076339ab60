"""A disk that is full, or a folder that cannot be written to: one line says so, what was saved stays, and with room the
same command comes to the same end."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from seq2seq.storage.atomic import write_json
from seq2seq.training.checkpoints import checkpoint
from tests.support import tiny
from tests.support.kill_harness import Place, assert_same

ARGUMENTS = ["--set", "training.steps=12", "--set", "training.validate_every=4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("disk")


@pytest.fixture(scope="module")
def arguments(folder: Path) -> list[str]:
    return [*tiny.arguments(folder), *ARGUMENTS]


@pytest.fixture(scope="module")
def reference(folder: Path, arguments: list[str]) -> Place:
    place = Place(folder / "reference", arguments)
    place.finish()
    return place


def size(path: Path) -> int:
    return path.stat().st_size


def nothing(place: Place, reference: Place) -> int:
    return 10


def a_recipe(place: Place, reference: Place) -> int:
    place.run.mkdir()
    shutil.copy(reference.run / "recipe.toml", place.run)
    return size(reference.run / "tokenizer.model") - 1


def a_tokenizer(place: Place, reference: Place) -> int:
    a_recipe(place, reference)
    shutil.copy(reference.run / "tokenizer.model", place.run)
    (tokens,) = reference.root.glob(".cache/*/tokens")
    return size(tokens) - 1


def half_a_training(place: Place, reference: Place) -> int:
    shutil.copytree(reference.root, place.root, dirs_exist_ok=True)
    shutil.rmtree(place.run / "checkpoints/step-0000012")
    unfinished(place)
    return size(place.run / "model.safetensors") - 1


def all_steps(place: Place, reference: Place) -> int:
    shutil.copytree(reference.root, place.root, dirs_exist_ok=True)
    unfinished(place)
    largest = size(place.run / "model.safetensors") - 1
    (place.run / "model.safetensors").unlink()
    return largest


def a_model(place: Place, reference: Place) -> int:
    shutil.copytree(reference.root, place.root, dirs_exist_ok=True)
    forget(place, "ctranslate2", "scores")
    shutil.rmtree(place.run / "ctranslate2")
    return size(place.run / "model.safetensors") // 2


def a_copy(place: Place, reference: Place) -> int:
    shutil.copytree(reference.root, place.root, dirs_exist_ok=True)
    forget(place, "scores")
    return 20


def unfinished(place: Place) -> None:
    forget(place, "finished", "weights", "ctranslate2", "scores")
    shutil.rmtree(place.run / "ctranslate2")


def forget(place: Place, *names: str) -> None:
    record = json.loads((place.run / "run.json").read_bytes())
    write_json(place.run / "run.json", {name: value for name, value in record.items() if name not in names})


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (nothing, "cannot write to {run}: File too large"),
        (a_recipe, "{run}/tokenizer.model: File too large"),
        (a_tokenizer, "cannot write tokens under {root}/.cache: File too large"),
        (half_a_training, "cannot save a checkpoint in {run}/checkpoints: "),
        (all_steps, "cannot write {run}/model.safetensors: "),
        (a_model, "cannot write the CTranslate2 copy in {run}: File too large"),
        (a_copy, "{run}/test.translations.txt: File too large"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_full_disk_is_said_and_with_room_the_same_command_finishes(
    tmp_path: Path, arguments: list[str], reference: Place, there: Callable[[Place, Place], int], said: str
) -> None:
    place = Place(tmp_path / "full", arguments)
    largest = there(place, reference)
    before = {
        step: checkpoint.folder(place.run / "checkpoints", step) for step in checkpoint.steps(place.run / "checkpoints")
    }
    assert said.format(run=place.run, root=place.root) in place.refused(largest)
    place.check(reference)
    assert all(path.is_dir() for path in before.values())
    place.finish()
    assert_same(place, reference)


def test_a_log_that_cannot_be_written_is_an_error(tmp_path: Path, arguments: list[str], reference: Place) -> None:
    place = Place(tmp_path / "full", arguments)
    half_a_training(place, reference)
    (place.run / "metrics.jsonl").unlink()
    (place.run / "metrics.jsonl").mkdir()
    assert f"cannot write to {place.run}/metrics.jsonl: Is a directory" in place.refused()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """A disk of its own at tmp_path / "disk", and a function that mounts it with options."""
    path = tmp_path / "disk"
    path.mkdir()

    def mount(options: str) -> None:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path], capture_output=True)
        if done.returncode:
            pytest.skip("may not mount a disk")

    yield mount
    subprocess.run(["umount", path], capture_output=True)


def test_a_folder_that_cannot_be_written_to_is_named(
    tmp_path: Path, arguments: list[str], reference: Place, disk: Callable[[str], None]
) -> None:
    disk("size=64m")
    place = Place(tmp_path / "disk", arguments)
    half_a_training(place, reference)
    disk("remount,ro")
    assert place.refused().startswith(f"seqx: cannot write to {place.run}: Read-only file system; name another folder")
    disk("remount,rw")
    place.finish()
    assert_same(place, reference)


@pytest.mark.slow
def test_a_disk_that_grows_little_by_little_is_full_everywhere_once(
    tmp_path: Path, arguments: list[str], reference: Place, disk: Callable[[str], None]
) -> None:
    disk("size=16k")
    place = Place(tmp_path / "disk", arguments)
    said = []
    for kilobytes in range(16, 4000, 32):
        disk(f"remount,size={kilobytes}k")
        try:
            said.append(place.refused())
        except AssertionError:
            break
        place.check(reference)
    disk("remount,size=64m")  # a run is complete without its report, which is written again where there is room
    place.finish()
    assert_same(place, reference)
    assert len(said) > 10 and len({line.rpartition("/")[2][:10] for line in said}) > 3, said
