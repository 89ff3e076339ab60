"""Tests see the library and the command line as their users do: by public names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent

# Names that begin with an underscore and yet are public, of others.
PUBLIC = {
    *("_replace", "_asdict", "_fields"),  # of named tuples
    "_exit",  # of os
    "_dynamo",  # of torch
}
# What reads torch's own tables of operators, which have no public names.
EXEMPT = {TESTS / "test_mps_operators.py"}


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def own(value: ast.expr) -> bool:
    """Whether this is a test's own object: self, cls or super()."""
    name = value.func if isinstance(value, ast.Call) else value
    return isinstance(name, ast.Name) and name.id in ("self", "cls", "super")


def private_names(code: str) -> Iterator[str]:
    """Private names of others that some code imports, takes or replaces."""
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in ("seq2seq", "cli"):
                names = [*module.split("."), *(alias.name for alias in node.names)]
                yield from (f"{module}: {name}" for name in names if private(name))
            case ast.Attribute() if private(node.attr) and not own(node.value):
                yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(attr="setattr" | "delattr") | ast.Name(id="getattr" | "setattr")):
                texts = [each.value for each in node.args if isinstance(each, ast.Constant)]
                if any(private(part) for text in texts if isinstance(text, str) for part in text.split(".")):
                    yield ast.unparse(node)


def test_no_test_uses_a_private_name_of_what_it_tests() -> None:
    for path in {*TESTS.rglob("*.py")} - EXEMPT:
        found = [*private_names(path.read_text(encoding="utf-8"))]
        assert not found, f"{path.relative_to(TESTS)}: {found}"


def test_each_way_to_a_private_name_is_seen() -> None:
    for code in (
        "from cli.main import _run",
        "from seq2seq._hidden import name",
        "session._model.parameters()",
        "module._LIMIT = 3",
        "monkeypatch.setattr(module, '_LIMIT', 3)",
        "monkeypatch.setattr('seq2seq.limits._OWN', 3)",
        "getattr(session, '_model')",
    ):
        assert [*private_names(code)], code
    assert not [*private_names("self._seed = super()._replace(x)._asdict()")]
