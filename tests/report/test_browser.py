"""Pages as people meet them: in a browser, small and wide, light and dark, by keyboard, on paper, read aloud."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seq2seq.evaluation.compare import Changed, Comparison
from seq2seq.evaluation.metrics import Difference
from seq2seq.evaluation.parts import Attention, Weights
from seq2seq.report.of_run import report
from seq2seq.report.of_runs import compared, overview
from seq2seq.run import Run
from tests.support.reported import kept, light, policy

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: pip install '.[dev]'")
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")

SIZES = [(width, scheme) for width in (375, 1280) for scheme in ("light", "dark")]
HEAD = Weights("layer 1, head 1", ["the", "station"], ["la", "gare"], [[0.9, 0.1], [0.25, 0.75]])
MEAN = Weights("mean of the heads", ["the", "station"], ["la", "gare"], [[0.5, 0.5], [0.5, 0.5]])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def pages(trained: Path, trained_classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The files of pages, by what they are of."""
    folder = tmp_path_factory.mktemp("pages")
    older = [Run(kept(name, folder / "runs")) for name in ("translator", "translator-stopped")]
    own = policy(folder / "runs" / "policy")
    changed = Changed("un chat", "a cat", "the dog", "a cat", 60.0)
    difference = Difference("BLEU", 20.0, 30.0, 0.01, "nrefs:1")
    made = {
        "translator": report(Run(light(trained, folder / "translator"))),
        "classifier": report(Run(light(trained_classifier, folder / "classifier"))),
        "attention": report(Run(own), [Attention("où est la gare ?", [HEAD, MEAN])]),
        "comparison": compared(older, Comparison(2, 1, (difference,), (changed,), ())),
        "runs": overview(folder / "runs"),
    }
    for name, text in made.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in made}


class Opened:
    """A page in the browser, and what it asked for or complained of."""

    def __init__(self, browser: Any, path: Path, width: int, scheme: str) -> None:
        self.page = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme).new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(path.as_uri())


@pytest.mark.parametrize(("width", "scheme"), SIZES)
@pytest.mark.parametrize("name", ["translator", "classifier", "attention", "comparison", "runs"])
def test_everyone_can_read_it(browser: Any, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    opened = Opened(browser, pages[name], width, scheme)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = axe.Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert opened.requests == [pages[name].as_uri()] and opened.complaints == []


def test_a_word_shows_what_it_attends_to_by_keyboard_and_by_pointer(browser: Any, pages: dict[str, Path]) -> None:
    page = Opened(browser, pages["attention"], 1280, "light").page
    head, other = page.locator(".head").all()
    assert head.is_visible() and not other.is_visible()
    head.locator("button").nth(1).focus()
    assert head.locator(".said").inner_text() == "station attends to: gare 0.75, la 0.25"
    colours = [key.evaluate("key => key.style.backgroundColor") for key in head.locator(".key").all()]
    assert len({*colours}) == 2 and all(colours)
    head.locator("button").nth(0).hover()
    assert head.locator(".said").inner_text().startswith("the attends to: la 0.90")
    page.locator("select").select_option("1")
    assert other.is_visible() and not head.is_visible()


def test_the_table_of_runs_is_sorted_by_the_heading_that_is_clicked(browser: Any, pages: dict[str, Path]) -> None:
    page = Opened(browser, pages["runs"], 1280, "light").page

    def names() -> list[str]:
        return [str(each) for each in page.locator("tbody th").all_inner_texts()]

    heading = page.locator("thead th", has_text="steps")
    for expected in (["policy", "translator-stopped", "translator"], ["translator", "translator-stopped", "policy"]):
        heading.locator("button").click()
        assert names() == expected
    assert heading.get_attribute("aria-sort") == "descending"
    page.locator("thead button", has_text="BLEU").click()
    assert names()[0] == "translator"  # those without a figure come last


def test_the_values_below_the_pointer_are_shown(browser: Any, pages: dict[str, Path]) -> None:
    page = Opened(browser, pages["attention"], 1280, "light").page
    chart = page.locator("figure", has_text="Loss").first
    drawing = chart.locator("svg[role=img]")
    drawing.hover(position={"x": drawing.bounding_box()["width"] - 15, "y": 60})
    assert chart.locator(".readout").inner_text() == "training 0.125 at 8"


def test_on_paper_everything_is_open_and_dark_is_light(browser: Any, pages: dict[str, Path]) -> None:
    page = Opened(browser, pages["classifier"], 1280, "dark").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every((each) => each.open)")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf()[:4] == b"%PDF"
