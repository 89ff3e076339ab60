"""What the pages of the repository say of files and recipes is true, and they are easy to read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from seq2seq.recipe import files as recipe_files
from tests.support.documents import PAGES, ROOT, blocks, text

pytestmark = pytest.mark.skipif(not (ROOT / "README.md").is_file(), reason="not a checkout of the repository")


@pytest.mark.parametrize("page", PAGES)
def test_no_line_is_longer_than_120_characters(page: str) -> None:
    assert [line for line in text(page).splitlines() if len(line) > 120] == []


def test_the_front_page_fits_on_a_page() -> None:
    assert len(text("README.md").splitlines()) <= 150


def test_the_front_page_has_the_two_commands_that_set_everything_up() -> None:
    shown = blocks("README.md", "sh")
    for command in (
        "python -m pip install . && seqx train --recipe fr-en",
        'python -m pip install ".[dev]" && python -m pytest',
    ):
        assert any(command in block for block in shown), command


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings_that_exist(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", text(page)):
        if target.startswith("https://"):
            continue
        path, _, heading = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if heading:
            assert heading in _anchors(file), f"{page}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_the_files_that_a_page_names_exist(page: str) -> None:
    for path in re.findall(r"`((?:seq2seq|cli|recipes|tests)/[\w/.-]*)`", text(page)):
        assert (ROOT / path).exists(), f"{page}: {path}"


def test_the_answers_of_the_map_exist() -> None:
    """A file without a folder lies beside the one before it."""
    rows = [line for line in text("seq2seq/README.md").splitlines() if line.startswith("| ") and "?" in line]
    assert len(rows) >= 20
    for row in rows:
        folder = Path()
        for name in re.findall(r"`([\w/]+\.py)`", row):
            folder = Path(name).parent if "/" in name else folder
            assert (ROOT / folder / Path(name).name).is_file(), row


def test_every_recipe_is_described() -> None:
    described = text("recipes/README.md")
    assert all(f"`{name}`" in described for name in recipe_files.names())


def test_the_recipe_that_a_page_writes_out_is_valid(tmp_path: Path) -> None:
    shown = blocks("recipes/README.md", "toml")
    assert shown
    for number, each in enumerate(shown):
        (tmp_path / f"{number}.toml").write_text(each, encoding="utf-8")
        recipe_files.load(str(tmp_path / f"{number}.toml"))


def _anchors(page: Path) -> set[str]:
    """The anchors that a repository page gives to headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
