"""What the README tells people to type exists, and what it says of files is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from cli.main import app
from seq2seq import recipe_files

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8") if README.is_file() else ""
BLOCKS = re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
COMMANDS = [
    part.strip()
    for block in BLOCKS
    for line in block.splitlines()
    for part in re.split(r"\||&&|--no-python -- ", line.partition("#")[0])
    if part.strip().startswith("seqx")
]


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_has_the_options_that_it_is_shown_with(line: str) -> None:
    words = shlex.split(line.partition(">")[0])[1:]
    command: Any = get_command(app)
    while words and hasattr(command, "commands") and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {word for word in words if word.startswith("--")} <= known
    if "--recipe" in words and not words[words.index("--recipe") + 1].endswith(".toml"):
        recipe_files.load(words[words.index("--recipe") + 1])
    for place, word in enumerate(words):
        if word == "--set":
            recipe_files.load("fr-en", [words[place + 1]])


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 10


def test_the_files_that_it_sends_readers_to_exist() -> None:
    for path in re.findall(r"`((?:seq2seq|cli|recipes|tests)/[\w/.]*)`", TEXT):
        assert (README.parent / path).exists(), path


def test_it_names_every_recipe() -> None:
    assert all(f"`{name}`" in TEXT for name in recipe_files.names())
