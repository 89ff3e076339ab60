"""What a process may use: threads by the environment and a container's quota, memory by a container's limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seq2seq import limits
from seq2seq.errors import DeviceError, RecipeError
from seq2seq.recipe import Recipe
from seq2seq.sizes import must_fit_machine

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@pytest.fixture
def container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control groups of a container without a limit, and no variable that says how many threads to take."""
    (tmp_path / "own").write_text("0::/\n")
    monkeypatch.setattr(limits, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(limits, "OWN_GROUPS", tmp_path / "own")
    for name in ("OMP_NUM_THREADS", "LOCAL_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in files.items():
        (folder / name.replace("__", ".")).write_text(contents + "\n")


def test_without_a_limit_the_cores_and_the_memory_are_the_machines(container: Path) -> None:
    write(container, cpu__max="max 100000", memory__max="max", memory__current="1000")
    assert limits.threads() == CORES
    assert 1 << 28 < (limits.memory_left() or 0) <= limits.memory()


@pytest.mark.parametrize("quota, cores", [("100000", 1), ("20000", 1), ("150000", 2), ("99900000", 999)])
def test_a_quota_of_cores_is_kept(container: Path, quota: str, cores: int) -> None:
    write(container, cpu__max=f"{quota} 100000")
    assert limits.threads() == min(cores, CORES)


def test_an_old_kind_of_quota_is_kept(container: Path) -> None:
    (container / "own").write_text("3:cpuset:/\n4:cpu,cpuacct:/machines/here\n9:name=systemd:/\n")
    write(container / "cpu", cpu__cfs_quota_us="-1", cpu__cfs_period_us="100000")
    assert limits.threads() == CORES
    write(container / "cpu" / "machines" / "here", cpu__cfs_quota_us="50000", cpu__cfs_period_us="100000")
    assert limits.threads() == 1


def test_the_smallest_limit_on_memory_around_the_process_holds(container: Path) -> None:
    (container / "own").write_text("0::/outer/inner\n")
    write(container / "outer", memory__max=f"{100 << 20}", memory__current=f"{60 << 20}")
    write(container / "outer" / "inner", memory__max="max", memory__current="1")
    write(container / "outer", memory__stat=f"anon 5\ninactive_file {20 << 20}\n")
    assert limits.memory() == 100 << 20
    assert limits.memory_left() == 60 << 20  # what is only read from files can be taken back


def test_an_old_kind_of_limit_on_memory_is_kept_and_one_without_bound_is_none(container: Path) -> None:
    (container / "own").write_text("4:memory:/machines/here\n")
    write(container / "memory", memory__limit_in_bytes="9223372036854771712", memory__usage_in_bytes="5")
    assert limits.memory() > 100 << 20
    write(container / "memory", memory__limit_in_bytes=f"{100 << 20}", memory__usage_in_bytes=f"{30 << 20}")
    assert limits.memory() == 100 << 20 and limits.memory_left() == 70 << 20


def test_a_model_larger_than_the_container_is_refused(container: Path) -> None:
    must_fit_machine(Recipe())
    write(container, memory__max=f"{100 << 20}", memory__current="0")
    with pytest.raises(RecipeError, match="this machine has 0 GiB"):
        must_fit_machine(Recipe())


@pytest.mark.parametrize("value, count", [("3", 3), (" 2 ", 2), ("4,2", 4)])
def test_the_environment_decides(container: Path, monkeypatch: pytest.MonkeyPatch, value: str, count: int) -> None:
    write(container, cpu__max="100000 100000")
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert limits.threads() == count


@pytest.mark.parametrize("value", ["0", "-1", "two", "1.5", "99999", "²", ","])
def test_what_is_no_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    with pytest.raises(DeviceError, match="not a number of threads"):
        limits.threads()


def test_processes_that_torchrun_started_share_the_cores(container: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    size = str(CORES)
    started = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": size, "LOCAL_WORLD_SIZE": size}
    for name, value in (started | {"MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}).items():
        monkeypatch.setenv(name, value)
    assert limits.threads() == 1


def test_training_starts_where_the_system_does_not_tell_what_a_process_takes() -> None:
    """As on Windows, which has no module `resource`."""
    check = (
        "import sys; sys.modules['resource'] = None; import cli.train, seq2seq.tasks.preparation, cli.checks; "
        "import torch; from seq2seq.measure import memory; assert memory.peak(torch.device('cpu')) == 0"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parent.parent, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
