"""Who may import whom, read from the imports themselves."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Collection
from functools import cache
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
    "report": {"decoding"},
    "training": {"recipe", "run", "data", "model", "device"},
}
ALLOWED["tasks"] = {*ALLOWED}
ALLOWED["library"] = {"run", "decoding", "interop", "tasks"}
ALLOWED["serving"] = {"data", "decoding", "interop", "run", "tasks"}
ALLOWED["measure"] = {*ALLOWED["tasks"], "tasks"}
ALLOWED["lifecycle"] = {*ALLOWED["tasks"], "tasks"} - {"report"}
ALLOWED["report"] = {*ALLOWED["tasks"], "tasks", "lifecycle"}
ALLOWED["learn"] = {*ALLOWED["measure"], "measure"}


@cache
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


def within(name: str, parts: set[str]) -> bool:
    """Whether a module is one of some parts of the library, or of theirs."""
    return any(name == part or name.startswith(f"{part}.") for part in parts)


def allowed(path: Path) -> set[str]:
    """The parts that a file of the library may import."""
    part, *inside = path.relative_to(ROOT / "seq2seq").with_suffix("").parts
    if part == "__init__":  # the front door, which imports what is asked for when it is asked for
        return {"errors", "library"}
    if part in FREE:
        return {*FREE}
    return {part, *FREE, *ALLOWED.get(".".join([part, *inside]), ALLOWED[part])}


def test_each_part_imports_only_what_it_may() -> None:
    for path in LIBRARY:
        names = {name.removeprefix("seq2seq.") for name in imports(path) if name.startswith("seq2seq.")}
        wrong = {name for name in names if not within(name, allowed(path))}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def imports_at_the_top(path: Path, modules: Collection[str]) -> set[str]:
    """Those of some modules that a file imports outside functions, for types alone too."""
    found, nodes = set(), [*ast.parse(path.read_text(encoding="utf-8")).body]
    for node in nodes:
        if isinstance(node, ast.If):
            nodes += node.body
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in modules else node.module for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & {*modules}


def test_no_module_imports_itself_through_others() -> None:
    """Inside functions it may: `tasks` imports each task as it is asked for."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in LIBRARY}
    left = {name: imports_at_the_top(path, paths) for name, path in paths.items()}
    while free := [name for name, imported in left.items() if not imported & {*left}]:
        for name in free:
            del left[name]
    assert not left, f"import one another, or what does: {', '.join(sorted(left))}"


@pytest.mark.parametrize("name", ["decoding/search.py", "decoding/sampling.py", "training/loop.py"])
def test_search_and_the_loop_know_no_model(name: str) -> None:
    names = {name for name in imports(ROOT / "seq2seq" / name) if within(name, {"seq2seq.model"})}
    assert not {name for name in names if not within(name, {"seq2seq.model.state"})}


# What asks which task a run is of, or which model it has. The module of a class may ask for that class.
KINDS = re.compile(
    r"data\.form|\b(task|architecture) (==|!=)|\.(task|architecture) (not )?in\b"
    r"|isinstance\([^)]*\b(?P<kind>Corpus|Gpt|Transformer|EncoderClassifier|MaskedEncoder|Scored|ActorCritic)\b"
)


def test_only_tasks_and_recipes_ask_which_kind_of_run_it_is() -> None:
    asked = []
    for path in [*LIBRARY, *(ROOT / "cli").rglob("*.py")]:
        place, text = path.relative_to(ROOT), path.read_text(encoding="utf-8")
        if place.parts[1] not in ("tasks", "recipe"):
            found = [match for match in KINDS.finditer(text) if f"class {match['kind']}(" not in text]
            asked += [f"{place}: {match[0]}" for match in found]
    assert not asked


def test_the_library_knows_nothing_of_its_command_line() -> None:
    for path in LIBRARY:
        wrong = {name for name in imports(path) if within(name, {"typer", "click", "cli", "rich", "argparse"})}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


def test_the_command_line_is_imported_under_any_name() -> None:
    """It is `cli` in the repository and `seq2seq.cli` once installed."""
    for path in (ROOT / "cli").glob("*.py"):
        wrong = {name for name in imports(path) if within(name, {"cli", "seq2seq.cli"})}
        assert not wrong, f"{path.relative_to(ROOT)} imports {wrong}"


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
