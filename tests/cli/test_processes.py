"""Commands under torchrun: one process prints and writes, a dead one ends or restarts all, a signal saves."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seq2seq.run import Run
from tests.support import tiny
from tests.support.command import Seqx
from tests.support.together import ROOT, environment, torchrun

pytestmark = pytest.mark.slow
LONG = ["--set", "training.steps=800", "--set", "training.validate_every=50", "--device", "cpu"]


def until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait for what a process will bring about."""
    end = time.monotonic() + 120
    while not true():
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.02)


def rank(number: int, launcher: int) -> int:
    """The process of a number among those that a launcher started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
            if parent == launcher and f"RANK={number}".encode() in (folder / "environ").read_bytes().split(b"\0"):
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError(f"no process {number}")


def training(folder: Path, *more: str, restarts: int = 0, module: str = "cli.main") -> subprocess.Popen[str]:
    """A training run by two processes."""
    given = [module, "train", *tiny.arguments(folder), "--run", str(folder / "run"), *more]
    return subprocess.Popen(
        torchrun(2, *given, restarts=restarts),
        cwd=ROOT,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def saved(folder: Path) -> list[Path]:
    """The states of checkpoints that were saved after the beginning."""
    states = (folder / "run" / "checkpoints").glob("step-*/state.json")
    return [state for state in states if state.parent.name != "step-0000000"]


def test_one_process_prints_and_writes(tmp_path: Path) -> None:
    process = training(tmp_path, "--device", "cpu")
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert out.count("test: 12 sentences") == 1
    for line in ("Device: cpu", "Loss before training", "Trained: 6 steps", "Try it: seqx translate"):
        assert err.count(line) == 1
    rows = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows == [2, 4, 6]
    assert Run(tmp_path / "run").record()["processes"] == 2
    again = training(tmp_path, "--device", "cpu")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0 and err.count("is trained already") == 1 and out.count("test: 12 sentences") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [0, 1])
def test_a_killed_process_ends_all_and_a_restart_goes_on(tmp_path: Path, number: int) -> None:
    process = training(tmp_path, *LONG)
    until(lambda: saved(tmp_path), process)
    os.kill(rank(number, process.pid), signal.SIGKILL)
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0 and "SIGKILL" in err

    process = training(tmp_path, *LONG, "--parallel", "fsdp", restarts=1)
    before = len(saved(tmp_path)), max(saved(tmp_path))
    until(lambda: saved(tmp_path) and max(saved(tmp_path)) > before[1], process)
    os.kill(rank(number, process.pid), signal.SIGKILL)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert err.count("Resuming from step") == 2 and out.count("test: 12 sentences") == 1
    rows = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert rows == list(range(50, 801, 50))


def test_an_error_in_one_process_ends_all(tmp_path: Path) -> None:
    process = training(tmp_path, *LONG, module="tests.support.faulty")
    _, err = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "a fault of the second process" in err
    assert not (tmp_path / "run" / "model.safetensors").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_torchrun_saves_and_the_same_command_goes_on(tmp_path: Path, number: signal.Signals) -> None:
    process = training(tmp_path, *LONG, "--set", "training.validate_every=800")
    until((tmp_path / "run" / "run.json").is_file, process)
    assert process.stderr is not None
    assert any("Loss before training" in line for line in iter(process.stderr.readline, ""))
    process.send_signal(number)
    _, err = process.communicate(timeout=120)
    assert err.count("all saved. The same command resumes from there") == 1, err
    (state,) = saved(tmp_path)
    step = int(state.parent.name.removeprefix("step-"))
    assert 0 < step < 800
    more = ["--set", "training.steps=800", "--set", "training.validate_every=800", "--device", "cpu"]
    alone = subprocess.run(
        [sys.executable, "-m", "cli.main", "train", *tiny.arguments(tmp_path), "--run", str(tmp_path / "run"), *more],
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
    )
    assert alone.returncode == 0 and f"Resuming from step {step:,};" in alone.stderr


@pytest.mark.parametrize("shared", [True, False])
def test_several_machines_need_one_run_folder(tmp_path: Path, shared: bool) -> None:
    given = tiny.arguments(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    machines = []
    for node in (0, 1):
        place = tmp_path / ("disk" if shared else f"disk {node}")
        launch = [sys.executable, "-m", "torch.distributed.run", "--nnodes=2", f"--node-rank={node}"]
        launch += ["--nproc-per-node=1", "--master-addr=127.0.0.1", f"--master-port={port}"]
        machines.append(
            subprocess.Popen(
                [*launch, "-m", "--", "cli.main", "train", *given, "--device", "cpu"],
                cwd=ROOT,
                env=environment(place),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    done = [machine.communicate(timeout=200) for machine in machines]
    if shared:
        assert all(machine.returncode == 0 for machine in machines), done
        assert done[0][0].startswith("test: 12 sentences") and done[1][0] == ""
    else:
        assert all(machine.returncode != 0 for machine in machines)
        assert "is not the folder that the first process writes" in done[1][1]
        assert not (tmp_path / "disk 1" / "runs" / "tiny").exists()


@pytest.mark.parametrize("processes", [2, 4])
@pytest.mark.parametrize("engine", ["torch", "ctranslate2"])
def test_a_file_is_translated_as_by_one_process(
    seqx: Seqx, trained: Path, tmp_path: Path, engine: str, processes: int
) -> None:
    rows = [source if number % 7 else "" for number, (source, _) in enumerate(tiny.pairs(7000, 5))]
    (tmp_path / "in.txt").write_text("".join(row + "\n" for row in rows))
    given = ["translate", "--run", str(trained), "--input", str(tmp_path / "in.txt"), "--engine", engine]
    (tmp_path / "one").mkdir()
    one = seqx(*given, "--output", str(tmp_path / "one.txt"))
    assert one.code == 0, one.err
    several = subprocess.run(
        torchrun(processes, "cli.main", *given), cwd=ROOT, env=environment(tmp_path), capture_output=True
    )
    assert several.returncode == 0, several.stderr
    assert several.stdout == (tmp_path / "one.txt").read_bytes()
    assert several.stdout.count(b"\n") == 7000


def test_a_test_set_is_judged_as_by_one_process(seqx: Seqx, trained: Path, tmp_path: Path) -> None:
    one = seqx("evaluate", "--run", trained, "--json", "--output", "one.txt")
    given = ["cli.main", "evaluate", "--run", str(trained), "--json", "--output", str(tmp_path / "two.txt")]
    two = subprocess.run(torchrun(2, *given), cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert two.returncode == 0, two.stderr
    assert (tmp_path / "one.txt").read_bytes() == (tmp_path / "two.txt").read_bytes()
    records = [json.loads(text) for text in (one.out, two.stdout)]
    for record in records:
        del record["seconds"]
    assert records[0] == records[1]


def test_text_is_judged_as_by_one_process(seqx: Seqx, tmp_path: Path) -> None:
    assert seqx("train", *tiny.text_arguments(tmp_path), "--run", tmp_path / "gpt").code == 0
    one = seqx("evaluate", "--run", tmp_path / "gpt", "--json", "--input", "verse.txt")
    given = ["cli.main", "evaluate", "--run", str(tmp_path / "gpt"), "--json", "--input", str(tmp_path / "verse.txt")]
    two = subprocess.run(torchrun(2, *given), cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True)
    assert two.returncode == 0, two.stderr
    records = [json.loads(text) for text in (one.out, two.stdout)]
    assert records[0]["nats_per_token"] == records[1]["nats_per_token"]


def test_several_processes_translate_files_only(tmp_path: Path, trained: Path) -> None:
    done = subprocess.run(
        torchrun(2, "cli.main", "translate", "--run", str(trained), "un chat"),
        cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and done.stdout == ""
    assert "give --input FILE" in done.stderr
