"""The page, in a real browser: no error, no request to another host, usable by keyboard, accessible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import seq2seq
from seq2seq.serving.settings import ServerSettings
from tests.support.servers import Served, serving

pytest.importorskip("playwright")
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.serving_picture import ARGUMENTS, CHROMIUM, FOLDER, PICTURES, take

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@pytest.fixture
def page(browser: Browser, served: Served) -> Iterator[Page]:
    """The page of the server; at the end it must have shown no error, and asked no other host."""
    opened = browser.new_page(viewport={"width": 375, "height": 800}, locale="en-GB")
    problems: list[str] = []
    opened.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith(served.url) else problems.append(sent.url))
    opened.goto(served.url)
    opened.wait_for_selector("#translate:not([hidden])")
    yield opened
    opened.close()
    assert not problems


def test_text_is_translated_while_it_is_typed(page: Page, runs: list[Path]) -> None:
    page.locator("#source").press_sequentially("un chat rouge", delay=5)
    best, *others = seq2seq.load(runs[0]).translate("un chat rouge", n_best=4)
    expect(page.locator("#translation")).to_have_text(best)
    expect(page.locator("#alternatives li")).to_have_text(others)
    page.check("#shade")
    page.wait_for_selector("#translation .word")
    page.click("#past summary")
    assert page.locator("#history li").count() == 1
    page.click("#forget")
    assert page.locator("#history li").count() == 0


def test_pointing_at_a_word_marks_those_that_it_comes_from(page: Page, served: Served) -> None:
    body = {"source": "fr", "target": "en", "q": "un chat rouge\ndeux chiens", "alignment": True}
    lines = httpx.post(f"{served.url}/translate", json=body).json()["alignment"]
    wanted = [
        [source for number, source in enumerate(line["source_words"]) if [number, place] in line["alignment"]]
        for line in lines
        for place, _ in enumerate(line["target_words"])
    ]
    page.check("#shade")
    page.fill("#source", body["q"])
    expect(page.locator("#from")).to_contain_text("Point at a word")
    text = page.text_content("#translation")
    page.hover("#translation")
    words = page.locator("#translation .word")
    expect(words).to_have_text([word for line in lines for word in line["target_words"]])
    assert page.text_content("#translation") == text
    for number, own in enumerate(wanted):
        words.nth(number).hover()
        expect(page.locator("#shown mark")).to_have_text(own)
    assert page.text_content("#shown") == body["q"]
    page.hover("h1")
    expect(page.locator("#shown mark")).to_have_count(0)
    page.focus("#translation")
    for own in (wanted[0], wanted[1]):
        page.keyboard.press("ArrowRight")
        expect(page.locator("#shown mark")).to_have_text(own)
        expect(page.locator("#from")).to_contain_text(" ".join(own))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#translation .pointed")).to_have_count(1)
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()


def test_the_better_of_two_translations_is_kept(browser: Browser, runs: list[Path], tmp_path: Path) -> None:
    file = tmp_path / "ratings.jsonl"
    with serving(runs[0], settings=ServerSettings(ratings=file)) as server:
        page = browser.new_page(locale="fr-FR")
        page.goto(server.url)
        page.fill("#source", "un chat rouge")
        for choice in ("Passer", "2 : Celle-ci est meilleure"):
            page.click("#rate")
            drafts = page.locator("#drafts .choice div").all_text_contents()
            if choice == "Passer":
                results = Axe().run(page)
                assert results.violations_count == 0, results.generate_report()
            page.get_by_role("button", name=choice.replace("2 :", "2:")).click()
            expect(page.locator("#drafts .choice")).to_have_count(0)
        expect(page.locator("#drafts")).to_contain_text("Choix enregistré")
        assert page.evaluate("document.activeElement.id") == "rate"
        page.close()
    assert sorted(drafts) == sorted(seq2seq.load(runs[0]).translate("un chat rouge", n_best=4)[:2])
    (row,) = (json.loads(line) for line in file.read_text().splitlines())
    assert (row["prompt"], row["chosen"], row["rejected"]) == ("un chat rouge", drafts[1], drafts[0])


def test_the_page_is_small() -> None:
    folder = Path(seq2seq.__file__).parent / "serving/page"
    assert sum(len(file.read_text().splitlines()) for file in folder.iterdir()) < 600


def test_pictures_of_the_documents_are_taken_by_a_command(browser: Browser, runs: list[Path], tmp_path: Path) -> None:
    take(browser, runs[0], tmp_path, "un chat rouge")
    for name in PICTURES:
        for picture in (tmp_path / name, FOLDER / name):
            content = picture.read_bytes()
            assert content.startswith(b"\x89PNG") and len(content) <= 60_000
    light, dark = ((tmp_path / name).read_bytes() for name in PICTURES)
    assert light != dark


def test_page_is_usable_by_keyboard_alone(page: Page) -> None:
    page.keyboard.press("Tab")  # the field of the source has the focus at first
    for _ in range(40):
        if page.evaluate("document.activeElement.id") == "model":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("#generate:not([hidden])")
    reached = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.id"))
    assert {"prompt", "begin", "temperature", "top_k", "tokens", "seed", "generated"} <= reached


def test_text_is_generated_and_stopped(page: Page) -> None:
    page.select_option("#model", "verse")
    page.fill("#prompt", "the ")
    page.fill("#tokens", "30")
    page.fill("#seed", "3")
    page.click("#begin")
    expect(page.locator("#generated")).to_have_text(re.compile("the .+"))
    expect(page.locator("#stop")).to_be_disabled()


def test_classes_are_shown_with_probabilities(page: Page, runs: list[Path]) -> None:
    page.select_option("#model", "kinds")
    page.fill("#judged", "un chat")
    page.wait_for_selector("#classes:not([hidden])")
    assert page.inner_text("#classes tbody tr:first-child th") == seq2seq.load(runs[2]).classify("un chat").label


def test_file_is_translated(page: Page, tmp_path: Path, runs: list[Path]) -> None:
    (tmp_path / "text.txt").write_text("un chat\n")
    with page.expect_download() as download:
        page.set_input_files("#file", tmp_path / "text.txt")
    assert download.value.path().read_text() == seq2seq.load(runs[0]).translate("un chat\n")


def test_interface_is_french_too(page: Page) -> None:
    page.select_option("#language", "fr")
    assert page.inner_text("#translate h2") == "Traduire"
    assert page.get_attribute("html", "lang") == "fr"
    assert page.inner_text("#source-name") == "Français"


def test_every_word_of_the_interface_is_in_both_languages(page: Page) -> None:
    names = page.evaluate("import('/page/words.js').then(({ WORDS }) => Object.values(WORDS).map(Object.keys))")
    assert len(names) == 2 and names[0] == names[1]
    used = page.evaluate("[...document.querySelectorAll('[data-word]')].map((each) => each.dataset.word)")
    assert {*used} <= {*names[0]}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("model", ["fr-en", "verse", "kinds"])
def test_axe_finds_no_violation(page: Page, scheme: str, model: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.select_option("#model", model)
    if model == "fr-en":
        page.fill("#source", "un chat rouge")
        page.check("#shade")
        page.wait_for_selector("#translation .word")
    results = Axe().run(page)
    assert results.violations_count == 0, results.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_server_that_stops_is_said_and_that_returns_is_used_again(browser: Browser, runs: list[Path]) -> None:
    with serving(runs[0]) as server:
        page = browser.new_page(locale="en-GB")
        page.goto(server.url)
        page.wait_for_selector("#translate:not([hidden])")
    page.fill("#source", "un chat")
    page.wait_for_selector("#problem:not([hidden])")
    assert "does not answer" in page.inner_text("#problem")
    with serving(runs[0], port=server.port):
        page.wait_for_selector("#problem", state="hidden")
        expect(page.locator("#translation")).to_have_text(seq2seq.load(runs[0]).translate("un chat", n_best=4)[0])
    page.close()


def test_key_is_asked_for(browser: Browser, runs: list[Path]) -> None:
    with serving(runs[0], settings=ServerSettings(keys=("secret",))) as server:
        page = browser.new_page(locale="en-GB")
        page.goto(server.url)
        page.fill("#source", "un chat")
        page.wait_for_selector("#problem:not([hidden])")
        page.fill("#key", "secret")
        page.keyboard.press("Enter")
        expect(page.locator("#translation")).to_have_text(seq2seq.load(runs[0]).translate("un chat", n_best=4)[0])
        assert page.is_hidden("#problem")
        page.close()
