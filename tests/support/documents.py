"""The pages of the repository, and the commands and code that they show."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CHANGELOG.md",
    *sorted(
        page.relative_to(ROOT).as_posix()
        for part in ("cli", "recipes", "seq2seq", "tests")
        for page in (ROOT / part).rglob("README.md")
    ),
)


def text(page: str) -> str:
    """A page; empty where it is not there, as in an installation."""
    path = ROOT / page
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text(page), re.DOTALL | re.MULTILINE)


def commands() -> dict[str, str]:
    """Each command line of the ```sh blocks, without its comment, and the first page that shows it."""
    shown: dict[str, str] = {}
    for page in PAGES:
        for block in blocks(page, "sh"):
            for line in block.replace("\\\n", " ").splitlines():
                for command in re.split(r"\s&&\s", _without_comment(line)):
                    if command:
                        shown.setdefault(command, page)
    return shown


def words(command: str) -> list[str]:
    """The words of a command as a shell splits them; pipes and redirections are words too."""
    lexer = shlex.shlex(command, posix=True, punctuation_chars="|>")
    lexer.whitespace_split = True
    lexer.commenters = ""
    return list(lexer)


def _without_comment(line: str) -> str:
    return re.sub(r"(^|\s+)#.*$", "", line).strip()
