"""What holds for every command before it begins."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.command import Command
from cli.main import app
from seq2seq import torchrun
from seq2seq.errors import DeviceError
from seq2seq.run import Run
from seq2seq.tasks import open_run
from seq2seq.training.parallel import launch
from tests.support.command import Seqx

SHARED = ("train", "translate", "evaluate")


def commands(group: Any = None, *names: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with its words."""
    for name, command in (group or get_command(app)).commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *names, name)
        else:
            yield (*names, name), command


ALL = dict(commands())


def test_all_are_of_the_class_that_looks_first() -> None:
    assert len(ALL) > 12 and all(isinstance(command, Command) for command in ALL.values())


# Options and what is read of them.


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_an_option_of_one_value_is_given_once(seqx: Seqx, words: tuple[str, ...]) -> None:
    for parameter in ALL[words].params:
        if parameter.opts[0].startswith("--") and not (parameter.is_flag or parameter.multiple):
            option = parameter.opts[0]
            done = seqx(*words, option, "one", f"{option}=two")
            assert done.code == 2 and done.out == ""
            assert f"{option}" in done.err and "one and two" in done.err, done.err


def test_a_flag_given_twice_says_the_same_unless_it_says_the_opposite(seqx: Seqx) -> None:
    assert seqx("tokenizer", "show", "un", "--kind", "byte", "--debug", "--debug").code == 0
    done = seqx("train", "--recipe", "fr-en", "--fallback", "--no-fallback")
    assert done.code == 2 and "both --fallback and --no-fallback were given" in done.err


def test_a_dash_is_standard_input_and_output(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    expected = seqx("translate", "--run", trained, "un chat\ndeux").out
    text = b"un chat\ndeux\n"
    for given in (["-i", "-"], ["--input=-", "-o", "-"], ["-"], ["-", "-o-"]):
        done = seqx("translate", "--run", trained, *given, stdin=text)
        assert (done.code, done.out) == (0, expected), given
    assert seqx("translate", "--run", trained, "-i", "-", "un").code == 2
    assert not (tmp_path / "-").exists()
    (tmp_path / "-").write_bytes(text)
    assert seqx("translate", "--run", trained, "-i", "./-", "-o", "./-").code == 0
    assert (tmp_path / "-").read_text() == expected


@pytest.mark.parametrize(
    "command",
    [
        "score --source-file - --target-file -",
        "evaluate --source-file - --target-file x",
        "evaluate --output -",
        "evaluate --input -",
        "train --recipe fr-en --data -",
        "train --recipe fr-en --source-file - --target-file -",
        "data check fr-en --data -",
        "tokenizer compare -",
        "recipes copy fr-en -",
    ],
)
def test_a_dash_for_what_must_be_a_file_is_refused(seqx: Seqx, tmp_path: Path, command: str) -> None:
    done = seqx(*command.split())
    assert done.code == 2 and "-: a file is needed here" in done.err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["translate", "generate"])
def test_a_text_that_is_the_name_of_a_file_is_questioned(seqx: Seqx, tmp_path: Path, command: str) -> None:
    (tmp_path / "doc.fr").write_text("un chat\n")
    done = seqx(command, "doc.fr")
    assert done.code == 2 and done.err.startswith("seqx: doc.fr is a file: ") and "--input doc.fr" in done.err


# Paths.

BYTES = os.fsdecode(b"caf\xe9")
PATHS = [
    ("translate", "--run", "{}", "un"),
    ("translate", "-i", "{}"),
    ("translate", "un", "-o", "{}"),
    ("translate", "{}"),
    ("generate", "-i", "{}"),
    ("score", "--source-file", "{}", "--target-file", "x"),
    ("evaluate", "--source-file", "x", "--target-file", "{}"),
    ("evaluate", "--input", "{}"),
    ("compare", "{}", "x"),
    ("train", "--recipe", "{}"),
    ("train", "--recipe", "fr-en", "--run", "{}"),
    ("train", "--recipe", "fr-en", "--data", "x", "--data", "{}"),
    ("train", "--recipe", "fr-en", "--data", "x", "{}"),
    ("train", "--recipe", "fr-en", "--set", "data.corpus={}"),
    ("data", "check", "--data", "{}"),
    ("data", "get", "fr-en", "--to", "{}"),
    ("tokenizer", "compare", "{}"),
    ("tokenizer", "show", "un", "--kind", "bpe", "--file", "{}"),
    ("recipes", "copy", "fr-en", "{}"),
    ("export", "--run", "{}"),
    ("bench", "--run", "{}"),
]


@pytest.mark.parametrize("command", PATHS, ids=" ".join)
def test_a_path_of_other_bytes_than_utf8_is_refused_at_the_start(
    seqx: Seqx, tmp_path: Path, command: tuple[str, ...]
) -> None:
    done = seqx(*(word.format(BYTES) for word in command))
    assert done.code == 2 and done.out == ""
    assert "\\udce9" in done.err and "the byte 0xe9, which is not UTF-8" in done.err and done.err.count("\n") == 1
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("variable", ["SEQX_RUNS", "SEQX_DATA"])
def test_so_is_one_in_the_environment(seqx: Seqx, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, BYTES)
    done = seqx("translate", "un")
    assert done.code == 2 and done.err.startswith(f"seqx: {variable}: caf\\udce9 has the byte 0xe9")


def test_and_one_in_a_folder_of_texts(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / f"{BYTES}.txt").write_text("one\n" * 200)
    done = seqx("train", "--recipe", "gpt-text", "--data", "texts", "--run", "run")
    assert done.code == 1 and "texts/caf\\udce9.txt: the name of this file is not UTF-8; rename it" in done.err
    assert not (tmp_path / "run").exists()


# Processes.

STRAY = [
    {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    {"MASTER_ADDR": "h", "WORLD_SIZE": "4"},
    {"RANK": "2", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    {"RANK": "0", "WORLD_SIZE": "2", "LOCAL_RANK": "3", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    {"RANK": "1", "WORLD_SIZE": "x", "LOCAL_RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    {"RANK": "-1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "1"},
    {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0", "MASTER_ADDR": "h", "MASTER_PORT": "0"},
]
TWO = {"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}


@pytest.mark.parametrize("stray", STRAY, ids=lambda each: " ".join(f"{name}={value}" for name, value in each.items()))
def test_variables_that_name_no_group_are_said_and_one_process_does_all(
    seqx: Seqx, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stray: dict[str, str]
) -> None:
    (tmp_path / "x").write_text("un chat\ndeux\n")
    for name, value in stray.items():
        monkeypatch.setenv(name, value)
    done = seqx("translate", "--run", trained, "--input", "x", "--output", "y")
    assert done.code == 0
    assert len((tmp_path / "y").read_text().splitlines()) == 2
    note, written = done.err.splitlines()
    assert note.startswith("NOTE: ") and note.endswith(": not set by torchrun; running as one process")
    assert all(name in note for name in stray) and written == "Written: y"


def test_a_group_of_one_is_one_process(
    seqx: Seqx, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**TWO, "RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "x").write_text("un chat\n")
    assert seqx("translate", "--run", trained, "--input", "x", "--output", "y").err == "Written: y\n"
    assert seqx("doctor", "--recipe", "nosuch").code == 1


@pytest.mark.parametrize("words", [words for words in ALL if words[0] not in SHARED], ids=" ".join)
def test_several_processes_are_refused_where_they_share_no_work(
    seqx: Seqx, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    for name, value in TWO.items():
        monkeypatch.setenv(name, value)
    needed = {
        "score": ["--source-file", "x", "--target-file", "x"],
        "compare": ["x", "x"],
        "frontier": ["x"],
        "get": ["fr-en", "--to", "x"],
        "show": ["fr-en"],
        "copy": ["fr-en", "x"],
        "attention": ["x"],
        "finish": ["--run", "x"],
        "sweep": ["--recipe", "fr-en"],
        "pack": ["--to", "x"],
        "delete": ["x"],
        "average": ["x", "--steps", "1", "--to", "y"],
    }
    done = seqx(*words, *needed.get(words[-1], []))
    assert done.code == 2 and f"not {words[-1]}: leave out torchrun, or unset RANK" in done.err


def test_a_meeting_place_that_nobody_answers_at_is_an_error(
    seqx: Seqx, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in TWO.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(launch, "CONNECT_TIMEOUT", 0.1)
    (tmp_path / "x").write_text("un chat\n")
    done = seqx("translate", "--run", trained, "--input", "x", "--output", "y")
    assert done.code == 1 and not (tmp_path / "y").exists()
    assert "process 1 of 2 does not reach the first at 127.0.0.1:1" in done.err and "or unset RANK" in done.err
    with pytest.raises(DeviceError, match="does not reach"), launch.joined():
        pass
    assert torchrun.place() == torchrun.ProcessPlace(1, 2, 1, 1)


# Runs.


def make_run(name: str, time: str | None, modified: float) -> Path:
    """A run that looks finished."""
    run = Run(Path("runs") / name)
    run.path.mkdir(parents=True)
    (run.path / "recipe.toml").write_text("[data]\n")
    run.weights.write_bytes(b"")
    os.utime(run.weights, (modified, modified))
    (run.path / "run.json").write_text(json.dumps({"finished": {"step": 1} | ({"time": time} if time else {})}))
    return run.path


def test_the_newest_run_is_so_by_its_record_not_by_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQX_RUNS", raising=False)
    make_run("new", "2026-11-03T00:00:00+00:00", 1e9)
    make_run("old", "2026-11-01T00:00:00+00:00", 2e9)
    make_run("old-copy", "2026-11-01T00:00:00+00:00", 3e9)
    assert open_run(None).path == Path("runs/new")
    make_run("before-there-were-times", None, 1.5e9)  # July 2017
    assert open_run(None).path == Path("runs/new")
    (Path("runs/old-copy") / "run.json").write_text("{")  # damaged: looked at after all others
    assert open_run(None).path == Path("runs/new")


def test_runs_without_a_time_on_record_come_before_all_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEQX_RUNS", raising=False)
    make_run("copied-today", None, 4e9)
    make_run("a-copy", None, 1e9)
    assert open_run(None).path == Path("runs/a-copy")  # the first by name, whatever the times of files are
    make_run("timed", "2001-01-01T00:00:00", 0)
    assert open_run(None).path == Path("runs/timed")


def test_the_run_that_answers_is_named_once(
    seqx: Seqx, own: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEQX_RUNS", str(tmp_path))
    assert seqx("translate", "un", "deux").err == f"Run: {own}\n"
    assert seqx("translate", "un", "-q").err == ""
    assert seqx("translate", "un", "--run", own).err == ""
    assert "time" in Run(own).record()["finished"]
    for command in (["evaluate"], ["score", "--source-file", "x", "--target-file", "x"]):
        (tmp_path / "x").write_text("un\n")
        assert seqx(*command).err.splitlines()[0] == f"Run: {own}"
