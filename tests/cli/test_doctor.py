"""`seqx doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from tests.support import tiny
from tests.support.command import Seqx

WITHOUT_GPU = pytest.mark.skipif(torch.accelerator.is_available(), reason="this machine has a GPU")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A recipe that takes no time."""
    path = tmp_path / "verse.toml"
    path.write_text(tiny.TEXT_RECIPE, encoding="utf-8")
    return path


def test_doctor_shows_what_it_measured_in_eighty_columns(
    seqx: Seqx, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    done = seqx("doctor", "--recipe", small, "--device", "cpu", "--quick")
    assert done.code == 0, done.err
    for part in ("Training step", "Decoding step", "Agreement", "How each device computes", "Verdict"):
        assert part in done.out
    assert "batch tokens" in done.out and "--device auto takes " in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert "cpu: training step of 16 tokens" in done.err and "training step of" not in done.out


def test_doctor_for_machines(seqx: Seqx, small: Path) -> None:
    done = seqx("doctor", "--recipe", small, "--device", "cpu", "--quick", "--json", "--quiet")
    assert done.code == 0 and done.err == ""
    found = json.loads(done.out)
    assert found["recipe"] == "verse" and found["machine"]["torch"] == torch.__version__
    (cpu,) = found["devices"]
    assert cpu["name"] == "cpu" and cpu["agreement"]["loss"] < 1e-4
    assert [row["size"] for row in cpu["decoding"]] == [1, 16]
    assert found["verdict"][0].startswith("--device auto takes ") and isinstance(found["findings"], list)


def test_doctor_takes_a_translator_and_changes_of_a_recipe(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(tiny.RECIPE, encoding="utf-8")
    done = seqx(
        "doctor", "-r", "tiny.toml", "--set", "training.batch_tokens=64", "--quick", "--json", "--device", "cpu"
    )
    assert done.code == 0, done.err
    (cpu,) = json.loads(done.out)["devices"]
    assert cpu["agreement"]["padded"] and cpu["training"][0]["size"] == 8


@WITHOUT_GPU
def test_doctor_names_a_device_that_is_not_there(seqx: Seqx, small: Path) -> None:
    done = seqx("doctor", "--recipe", small, "--device", "cuda")
    assert done.code == 1 and "has no such device; it has cpu" in done.err and len(done.err.splitlines()) == 1
    assert "there are auto, cpu, cuda and mps" in seqx("doctor", "--recipe", small, "--device", "tpu").err
