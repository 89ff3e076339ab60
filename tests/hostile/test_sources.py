"""Nothing in the sources can run what a file says: no pickle, no eval, no code of the Hub."""

from __future__ import annotations

import ast

import pytest

from tests.support.command import ROOT

SOURCES = sorted(path for folder in ("seq2seq", "cli") for path in (ROOT / folder).rglob("*.py"))
MODULES = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml", "runpy", "imp", "code"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {("torch", "load"), ("torch", "save"), ("torch", "hub"), ("importlib", "import_module"), ("os", "system")}


def runs_text(node: ast.AST) -> bool:
    """Whether a part of a source runs, or could run, what a file says."""
    match node:
        case ast.Import():
            return any(alias.name.split(".")[0] in MODULES for alias in node.names)
        case ast.ImportFrom(module=str(module)):
            return module.split(".")[0] in MODULES or any((module, alias.name) in METHODS for alias in node.names)
        case ast.Call(func=ast.Name(id=name)):
            return name in CALLS
        case ast.Attribute(value=ast.Name(id=name)):
            return (name, node.attr) in METHODS
        case ast.keyword(arg="shell", value=ast.Constant(value=value)):
            return bool(value)
        case ast.keyword():
            return node.arg in ("trust_remote_code", "allow_pickle")
    return False


def test_no_source_runs_what_a_file_says() -> None:
    for path in SOURCES:
        wrong = [ast.unparse(node) for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if runs_text(node)]
        assert not wrong, f"{path.relative_to(ROOT)}: {wrong}"


@pytest.mark.parametrize(
    "code",
    ["import pickle", "from torch import load", "torch.load(f)", "eval(x)", "run(x, shell=True)", "f(allow_pickle=0)"],
)
def test_what_runs_text_is_seen(code: str) -> None:
    assert any(map(runs_text, ast.walk(ast.parse(code))))


def test_the_library_of_the_hub_has_no_remote_code() -> None:
    """From version 4 on it knows no loading scripts."""
    import tomllib

    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (asked,) = (each for each in dependencies if each.startswith("datasets"))
    assert int(asked.partition(">=")[2].split(".")[0]) >= 4
