"""Nothing in the sources can run what a file says: no pickle, no eval, no code of the Hub."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.support.command import ROOT

SOURCES = sorted(path for folder in ("seq2seq", "cli") for path in (ROOT / folder).rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "runpy", "imp", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {("torch", "load"), ("torch", "save"), ("torch", "hub"), ("importlib", "import_module"), ("os", "system")}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_runs_what_a_file_says(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & MODULES
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in MODULES
            assert not any((node.module, alias.name) in METHODS for alias in node.names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in CALLS
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) not in METHODS
        elif isinstance(node, ast.keyword):
            assert node.arg not in ("trust_remote_code", "allow_pickle")
            assert not (node.arg == "shell" and isinstance(node.value, ast.Constant) and node.value.value)


def test_the_library_of_the_hub_has_no_remote_code() -> None:
    """From version 4 on it knows no loading scripts."""
    import tomllib

    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (asked,) = (each for each in dependencies if each.startswith("datasets"))
    assert int(asked.partition(">=")[2].split(".")[0]) >= 4
