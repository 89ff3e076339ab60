"""Text of files and users steers no terminal, and square brackets are square brackets: one door for all of it."""

from __future__ import annotations

import ast
import json
import re
import shutil
from pathlib import Path

import pytest

from cli.console import Console, figures
from cli.printing import printable, to_json
from tests.support import tiny
from tests.support.command import ROOT, Seqx
from tests.support.processes import Terminal

EVIL = "\x1b[31m\x07\x9b1m\x7f\x85\r\u2028\u202e\u2066"  # each steers a terminal in its own way
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
DOORS = ("printing.py", "console.py", "streams.py")


def test_what_steers_is_shown_as_an_escape_and_letters_of_all_scripts_stay() -> None:
    assert printable(EVIL) == r"\x1b[31m\x07\x9b1m\x7f\x85\r\u2028\u202e\u2066"
    stays = "é 你 हिन्दी \u200d\u200c 👩\u200d👧 العربية \u200f [/nosuch] \\x1b"
    assert printable(stays) == stays and printable("a\tb\n", "\t\n") == "a\tb\n"
    assert printable("caf\udce9") == r"caf\udce9"


def test_json_is_the_same_value_without_a_steering_byte() -> None:
    text = to_json({"text": EVIL + "é\udce9"}, indent=2)
    assert not STEERING.search(text) and "é" in text
    assert json.loads(text) == {"text": EVIL + "é\udce9"}


def test_rich_shows_brackets_and_escapes_wherever_text_stands(capsys: pytest.CaptureFixture[str]) -> None:
    console = Console()
    console.print(f"[/nosuch] [red]{EVIL}")
    console.print(figures(("[bold]", "b"), [(f"[/x] {EVIL}", ":smile:")]))
    shown = capsys.readouterr().out
    assert not STEERING.search(shown)
    assert shown.startswith(r"[/nosuch] [red]\x1b[31m\x07\x9b1m") and "[/x]" in shown and ":smile:" in shown


def test_nothing_else_in_the_command_line_prints() -> None:
    """A print, an echo or a console of its own would be a second door."""
    for path in (ROOT / "cli").glob("*.py"):
        if path.name in DOORS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in ("print", "typer.echo", "typer.secho", "json.dumps"), f"{path}:{node.lineno}"
                assert not called.endswith((".from_markup", "stdout.write", "stderr.write")), f"{path}:{node.lineno}"
            if isinstance(node, ast.ImportFrom):
                assert node.module not in ("rich.console", "rich.markup", "rich"), f"{path}:{node.lineno}"


@pytest.fixture
def hostile(tmp_path: Path) -> list[str]:
    """What `seqx train` takes for a corpus whose every source has control characters and markup."""
    given = tiny.arguments(tmp_path)
    for name in ("train", "dev", "test"):
        path = tmp_path / f"{name}.fr"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("".join(f"{line} [/nosuch] {EVIL}\n" for line in lines), encoding="utf-8")
    return [*given, "--device", "cpu"]


def test_no_command_passes_on_what_a_file_holds(seqx: Seqx, hostile: list[str], tmp_path: Path) -> None:
    files = ("--source-file", "dev.fr", "--target-file", "dev.en")
    commands: list[tuple[str, ...]] = [
        ("compare", "run", "other", "--device", "cpu"),
        ("compare", "run", "other", "--device", "cpu", "--json"),
        ("evaluate", "--run", "run"),
        ("score", "--run", "run", *files, "--json"),
        ("translate", "--run", "run", "-i", "dev.fr", "--json"),
        ("translate", "--run", "run", EVIL, "--json"),
        ("tokenizer", "show", "--run", "run", EVIL),
        ("data", "check", "--recipe", "tiny.toml", *files),
        ("data", "check", "--recipe", "tiny.toml", *files, "--json"),
        ("doctor", "--recipe", EVIL),
        ("translate", "--run", f"[/nosuch]{EVIL}", "un"),
        ("translate", f"--{EVIL}", "un"),
        (EVIL,),
        ("recipes", "copy", "tiny", EVIL),
    ]
    seen = ""

    def look(*command: str) -> None:
        nonlocal seen
        done = seqx(*command)
        assert not STEERING.search(done.out + done.err), command
        assert "MarkupError" not in done.err and "Traceback" not in done.err
        seen += done.out + done.err

    look("train", *hostile, "--run", "run")
    shutil.copytree("run", "other")
    for command in commands:
        look(*command)
    assert seen.count("[/nosuch]") > 10 and r"\x1b[31m\x07" in seen


def test_a_record_of_a_stranger_is_shown_as_text(seqx: Seqx, own: Path) -> None:
    record = json.loads((own / "run.json").read_text())
    shutil.rmtree(own / "ctranslate2")
    record["ctranslate2"] = {"refused": f"[/nosuch]{EVIL}"}
    (own / "run.json").write_text(json.dumps(record))
    done = seqx("translate", "--run", own, "un chat")
    assert done.code == 0 and "NOTE: [/nosuch]\\x1b" in done.err and not STEERING.search(done.err)


def test_results_are_as_they_are_in_a_pipe_and_escaped_on_a_terminal(seqx: Seqx, tmp_path: Path) -> None:
    (tmp_path / "evil.toml").write_text('summary = "\\u009b1m"\n', encoding="utf-8")
    assert "\x9b1m" in seqx("recipes", "show", "evil.toml").out
    with Terminal("recipes", "show", "evil.toml", folder=tmp_path) as terminal:
        terminal.until("summary = .*1m")
        assert r'summary = "\x9b1m"' in terminal.text and "\x9b" not in terminal.text
