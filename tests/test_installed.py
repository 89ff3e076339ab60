"""What a wheel installs, laid out as pyproject.toml says: one package, complete, whose command works anywhere."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.command import ROOT
from tests.support.processes import environment

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def site_packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("site-packages")
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    for source, installed in [*zip(wheel["packages"], wheel["packages"]), *wheel["force-include"].items()]:
        shutil.copytree(ROOT / source, path / installed, ignore=shutil.ignore_patterns("__pycache__"))
    return path


def _run(code: str, site_packages: Path, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-P", "-c", code, *arguments]
    started_with = environment(PYTHONPATH=str(site_packages))
    done = subprocess.run(command, cwd=folder, env=started_with, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_one_package_is_installed(site_packages: Path) -> None:
    """Packages called `cli` or `recipes` could be those of another distribution."""
    assert [path.name for path in site_packages.iterdir()] == ["seq2seq"]


def test_every_module_of_the_command_line_is_imported_from_there(site_packages: Path, tmp_path: Path) -> None:
    names = sorted(path.stem for path in (ROOT / "cli").glob("[a-z]*.py"))
    code = f"from seq2seq.cli import {', '.join(names)}; import sys; print('cli' in sys.modules)"
    assert _run(code, site_packages, tmp_path) == "False\n"


def test_the_command_has_its_recipes_and_its_text(site_packages: Path, tmp_path: Path) -> None:
    module, function = PROJECT["project"]["scripts"]["seqx"].split(":")
    seqx = f"from {module} import {function}; {function}()"
    shown = _run(seqx, site_packages, tmp_path, "recipes")
    assert all(path.stem in shown for path in (ROOT / "recipes").glob("*.toml"))
    code = "from seq2seq.data.bundled import phrasebook; print(len(phrasebook.pairs('dev')), len(phrasebook.typed()))"
    assert _run(code, site_packages, tmp_path) == "1000 100\n"
