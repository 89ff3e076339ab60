"""What every test stands on: one thread, a fixed seed, no deadline on a busy machine.

Torch is imported when tests are collected: a process that only hands them out to others does without.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.support import tiny
from tests.support.command import LONGER, Done, Seqx, run

if TYPE_CHECKING:
    from seq2seq.run import Run
    from seq2seq.training.session import Event

settings.register_profile("seqx", deadline=None, derandomize=True, max_examples=40)
settings.load_profile("seqx")
# Tests in the background of a shell, or under nohup, would have their processes ignore signals, as they do themselves.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _name in ("SIGQUIT", "SIGHUP"):
    if hasattr(signal, _name):
        signal.signal(getattr(signal, _name), signal.SIG_DFL)
os.environ["HF_HUB_OFFLINE"] = "1"  # no test reaches for the network
_cache = tempfile.TemporaryDirectory(prefix="seqx-tests-")  # which ends with the tests
os.environ["XDG_CACHE_HOME"] = _cache.name  # nor for what a user has kept


def pytest_collection() -> None:
    gc.disable()  # what tests import stays to the end
    from tests.support import torch_settings

    torch_settings.apply()


def pytest_collection_finish() -> None:
    gc.freeze()  # so searches for cycles leave it out
    gc.set_threshold(5000)  # new objects between two searches, in place of 700: most are gone by then
    gc.enable()


@pytest.fixture
def use_threads() -> Iterator[Callable[[int], None]]:
    """Lets a test compute with more than one thread."""
    import torch

    yield torch.set_num_threads
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _seed() -> None:
    import torch

    torch.manual_seed(1)


@pytest.fixture
def seqx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Seqx:
    """`seqx(*arguments, stdin=b"")` in a fresh folder, without the corpora or the runs of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQX_DATA", raising=False)
    monkeypatch.delenv("SEQX_RUNS", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    def call(*arguments: str | Path, stdin: bytes = b"") -> Done:
        return run([str(argument) for argument in arguments], stdin, monkeypatch)

    return call


def _train(folder: Path, arguments: list[str]) -> Path:
    """A run that the command trained; what it showed is beside it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setenv("SEQX_RUNS", str(folder / "runs"))
        done = run(["train", *arguments, "--run", str(folder / "run")], b"", monkeypatch)
    assert done.code == 0, done.err
    (folder / "stdout").write_text(done.out, encoding="utf-8")
    (folder / "stderr").write_text(done.err, encoding="utf-8")
    return folder / "run"


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run, trained by the command; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained")
    return _train(folder, [*tiny.arguments(folder), "--device", "cpu", *LONGER])


@pytest.fixture(scope="session")
def trained_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run of running text, trained by the command; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained_text")
    return _train(folder, tiny.text_arguments(folder))


@pytest.fixture(scope="session")
def trained_classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished tiny run of texts with labels, trained by the command; tests must not change it."""
    folder = tmp_path_factory.mktemp("trained_classifier")
    return _train(folder, [*tiny.labelled_arguments(folder), "--device", "cpu", *LONGER])


@pytest.fixture(scope="session")
def assistant_base(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A finished tiny language model, which that of conversations starts from; tests must not change it."""
    from tests.support import assistants

    return assistants.base(tmp_path_factory.mktemp("assistant_base"))


@pytest.fixture(scope="session")
def taught_assistant(assistant_base: Run, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, list[Event]]:
    """A finished tiny chat model, and the events of its training; tests must not change it."""
    from tests.support import assistants

    return assistants.assistant(tmp_path_factory.mktemp("assistant"), assistant_base)


@pytest.fixture(scope="session")
def assistant(taught_assistant: tuple[Run, list[Event]]) -> Run:
    """The chat model alone."""
    return taught_assistant[0]


@pytest.fixture
def own(trained: Path, tmp_path: Path) -> Path:
    """A copy of the tiny run that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "own"))
