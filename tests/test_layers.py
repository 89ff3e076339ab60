"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

# Import one another alone, and serve all.
FREE = ("__init__", "device_names", "errors", "limits", "pipeline", "storage", "torchrun")

# A part of the library -> the parts that it may import besides itself and FREE. A module
# that is named itself stands above its part.
ALLOWED = {
    "recipe": set(),
    "run": {"recipe"},
    "model": {"recipe"},
    "sizes": {"recipe", "model"},
    "data": {"recipe"},
    "device": set(),
    "decoding": {"data", "model", "device"},
    "evaluation": {"recipe", "run", "data", "decoding", "device"},
    "interop": {"recipe", "run", "data", "model", "decoding", "evaluation", "device"},
    "training": {"recipe", "run", "data", "model", "device"},
}
ALLOWED["tasks"] = {*ALLOWED}
ALLOWED["library"] = {"run", "decoding", "interop", "tasks"}
ALLOWED["measure"] = {*ALLOWED["tasks"], "tasks"}


def imports(path: Path) -> set[str]:
    """Modules that a file imports, inside functions too, but for those that it names relatively."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


# But for the one that starts the command line, wherever that is.
LIBRARY = sorted({*(ROOT / "seq2seq").rglob("*.py")} - {ROOT / "seq2seq/__main__.py"})


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_part_imports_only_what_it_may(path: Path) -> None:
    part, *inside = path.relative_to(ROOT / "seq2seq").with_suffix("").parts
    if part == "__init__":  # the front door, which imports what is asked for when it is asked for
        parts = {".".join(name.split(".")[:2]) for name in imports(path) if name.startswith("seq2seq.")}
        assert parts <= {"seq2seq.errors", "seq2seq.library"}
        return
    if part in FREE:
        assert all(name.split(".")[1] in FREE for name in imports(path) if name.startswith("seq2seq."))
        return
    allowed = ALLOWED.get(".".join([part, *inside]), ALLOWED[part])
    for name in imports(path):
        if name.startswith("seq2seq."):
            inner = name.removeprefix("seq2seq.")
            own = inner.split(".")[0] in (part, *FREE)
            assert own or any(inner == other or inner.startswith(other + ".") for other in allowed), (
                f"{path} imports {name}"
            )


@pytest.mark.parametrize(
    "path",
    [ROOT / "seq2seq/decoding/search.py", ROOT / "seq2seq/decoding/sampling.py", ROOT / "seq2seq/training/loop.py"],
)
def test_search_and_the_loop_know_no_model(path: Path) -> None:
    assert not {
        name
        for name in imports(path)
        if name.startswith("seq2seq.model") and not name.startswith("seq2seq.model.state")
    }


@pytest.mark.parametrize("path", LIBRARY, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_library_knows_nothing_of_its_command_line(path: Path) -> None:
    assert not {name for name in imports(path) if name.split(".")[0] in ("typer", "click", "cli", "rich", "argparse")}


@pytest.mark.parametrize("path", sorted((ROOT / "cli").glob("*.py")), ids=lambda path: path.name)
def test_the_command_line_is_imported_under_any_name(path: Path) -> None:
    """It is `cli` in the repository and `seq2seq.cli` once installed."""
    assert not {name for name in imports(path) if name.split(".")[0] == "cli" or name.startswith("seq2seq.cli")}


@pytest.mark.parametrize("code", ["import seq2seq", "import cli.main", "import seq2seq.recipe.files, seq2seq.run"])
def test_torch_is_not_imported_before_it_is_needed(code: str) -> None:
    check = f"{code}; import sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT).returncode == 0


def test_help_does_not_import_torch() -> None:
    check = (
        "import sys; sys.argv = ['seqx', '--help']\nfrom cli.main import main\ntry: main()\nexcept "
        "SystemExit: pass\nsys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0
    assert "translate" in done.stdout
