"""Pages as people meet them: in a browser, small and wide, light and dark, by keyboard, on paper, read aloud."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from seq2seq.evaluation.compare import Changed, TranslationComparison
from seq2seq.evaluation.metrics import Difference
from seq2seq.report.attention_page import captioned
from seq2seq.report.attention_page import page as attention_page
from seq2seq.report.of_run import report
from seq2seq.report.of_runs import compared, overview
from seq2seq.run import Run
from tests.support.attention import of_translator
from tests.support.reported import kept, light, policy

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install '.[dev]'")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed: pip install '.[dev]'")
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium here: apt-get install chromium")

SIZES = [(width, scheme) for width in (375, 1280) for scheme in ("light", "dark")]


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
        "policy": report(Run(own), [captioned(of_translator())]),
        "attention": attention_page(of_translator(), "runs/mine"),
        "comparison": compared(older, TranslationComparison(2, 1, (difference,), (changed,), ())),
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
@pytest.mark.parametrize("name", ["translator", "classifier", "policy", "attention", "comparison", "runs"])
def test_everyone_can_read_it(browser: Any, pages: dict[str, Path], name: str, width: int, scheme: str) -> None:
    opened = Opened(browser, pages[name], width, scheme)
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
    opened.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    found = axe.Axe().run(opened.page)
    assert found.violations_count == 0, found.generate_report()
    assert opened.requests == [pages[name].as_uri()] and opened.complaints == []


@pytest.mark.parametrize("name", ["policy", "attention"])
def test_a_word_shows_what_it_attends_to(browser: Any, pages: dict[str, Path], name: str) -> None:
    """By keyboard and by pointer, on the page of a run as on its own."""
    page = Opened(browser, pages[name], 1280, "light").page
    kinds, layers, heads = page.locator(".attention select").all()
    rows, columns = page.locator(".words").all()
    said, cross = page.locator(".said"), of_translator().maps[0]

    def shares(words: Any) -> list[float]:
        found = [float(each.evaluate("word => word.style.getPropertyValue('--share')")) for each in words.all()]
        return [max(0.0, share - 0.06) for share in found]  # so that a little can be told from nothing

    def expected(weights: Any) -> Any:
        return pytest.approx(weights.tolist(), abs=6e-3)

    rows.locator("button").nth(1).focus()
    assert shares(columns.locator("button")) == expected(cross.weights()[1])
    most = cross.weights()[1].argmax()
    shown = columns.locator("button").nth(int(most)).evaluate("word => word.firstChild.textContent")
    assert said.inner_text().startswith(f"“is” attends to: {shown} {100 * cross.weights()[1][most]:.0f}")
    columns.locator("button").nth(2).hover()
    assert shares(rows.locator("button")) == expected(cross.weights()[:, 2])
    assert said.inner_text().startswith("“la” is attended to by: ")
    page.get_by_role("button", name="layer 2, head 3").click()
    assert (layers.input_value(), heads.input_value()) == ("1", "2")
    rows.locator("button").nth(0).hover()
    assert shares(columns.locator("button")) == expected(cross.weights(2, 3)[0])
    page.locator(".attention summary").click()
    table = [row.split("\t") for row in page.locator(".attention table").inner_text().splitlines()]
    assert [float(cell) for cell in table[1][1:]] == pytest.approx(cross.weights(2, 3)[0].tolist(), abs=1e-3)
    kinds.select_option("1")  # of the decoder: what comes later is hidden
    rows.locator("button").nth(0).hover()
    assert columns.locator(".hidden").count() == len(cross.queries) - 1


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
    page = Opened(browser, pages["policy"], 1280, "light").page
    chart = page.locator("figure", has_text="Loss").first
    drawing = chart.locator("svg[role=img]")
    drawing.hover(position={"x": drawing.bounding_box()["width"] - 15, "y": 60})
    assert chart.locator(".readout").inner_text() == "training 0.125 at 8"


@pytest.mark.parametrize("name", ["translator", "classifier"])
def test_on_paper_everything_is_open_and_fits_and_dark_is_light(
    browser: Any, pages: dict[str, Path], name: str
) -> None:
    page = Opened(browser, pages[name], 700, "dark").page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("[...document.querySelectorAll('details')].every((each) => each.open)")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    assert page.pdf()[:4] == b"%PDF"
