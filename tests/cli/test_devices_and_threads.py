"""--device takes the same names everywhere, --threads and OMP_NUM_THREADS say how many threads compute."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch

from seq2seq.run import Run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.translation_opening import open_translator
from tests.support import tiny
from tests.support.bad_input import snapshot
from tests.support.command import Seqx

STRANGE = ["cpu:0", "mps:0", "cuda:00", " CPU", "CUDA", "cuda:", "cuda:-1", "cuda:²", "cpu,cuda", ""]


@pytest.mark.parametrize("name", STRANGE)
def test_no_command_takes_a_device_of_another_name(seqx: Seqx, trained: Path, tmp_path: Path, name: str) -> None:
    given = tiny.arguments(tmp_path)
    before = snapshot(tmp_path)
    sides = ["--source-file", given[3], "--target-file", given[5]]
    for command in (
        ["train", *given, "--run", "out"],
        ["train", *given, "--run", "out", "--dry-run"],
        ["translate", "--run", trained, "un"],
        ["translate", "--run", trained, "un", "--engine", "torch"],
        ["generate", "--run", trained, "un"],
        ["evaluate", "--run", trained],
        ["score", "--run", trained, *sides],
        ["compare", trained, trained],
        ["bench", "--run", trained],
        ["doctor"],
    ):
        done = seqx(*command, "--device", name)
        assert done.code == 1 and done.out == "", command
        assert f"--device {name}: there are auto, cpu, cuda and mps" in done.err and done.err.count("\n") == 1, command
    assert snapshot(tmp_path) == before


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("name", ["cuda", "cuda:1"])
def test_training_on_a_device_that_is_not_there_begins_nothing(seqx: Seqx, tmp_path: Path, name: str) -> None:
    given = tiny.arguments(tmp_path)
    before = snapshot(tmp_path)
    done = seqx("train", *given, "--run", "out", "--device", name)
    assert done.code == 1 and f"--device {name}" in done.err and "has no such device" in done.err
    assert snapshot(tmp_path) == before


def test_the_environment_says_how_many_threads_serve(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = []
    plain = ctranslate2.Translator

    def recorded(*given: Any, inter_threads: int, **options: Any) -> Any:
        threads.append(inter_threads)
        return plain(*given, inter_threads=inter_threads, **options)

    monkeypatch.setattr(ctranslate2, "Translator", recorded)
    for count in (1, 3):
        monkeypatch.setenv("OMP_NUM_THREADS", str(count))
        open_translator(Run(trained), EngineChoice(device="cpu"))
    assert threads == [1, 3]


def test_threads_are_those_of_the_option(
    seqx: Seqx, trained: Path, monkeypatch: pytest.MonkeyPatch, use_threads: object
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # put back after the test
    done = seqx("translate", "--run", trained, "--engine", "torch", "--threads", "2", "un chat")
    assert done.code == 0 and torch.get_num_threads() == 2 and os.environ["OMP_NUM_THREADS"] == "2"
    same = seqx("translate", "--run", trained, "--threads", "1", "un chat")
    assert same.code == 0 and torch.get_num_threads() == 1


@pytest.mark.parametrize("count", ["0", "-1", "many", "1.5", "100000"])
def test_no_command_takes_what_is_no_number_of_threads(seqx: Seqx, trained: Path, count: str) -> None:
    for command in (["train", "--recipe", "fr-en"], ["translate", "--run", trained, "un"], ["doctor"]):
        done = seqx(*command, "--threads", count)
        assert done.code == 2 and "--threads" in done.err


def test_a_wrong_variable_is_named_before_anything_is_written(
    seqx: Seqx, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = tiny.arguments(tmp_path)
    before = snapshot(tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "all")
    for command in (["train", *given, "--run", "out"], ["translate", "--run", trained, "un"]):
        done = seqx(*command)
        assert done.code == 1 and "OMP_NUM_THREADS = all: not a number of threads" in done.err
    assert snapshot(tmp_path) == before
