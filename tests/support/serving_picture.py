"""The pictures of the page that the documents show, taken in Chromium, in a light and a dark scheme.

python -m tests.support.serving_picture --run runs/fr-en-general [--folder tests/docs]
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.support.documents import ROOT
from tests.support.servers import serving

FOLDER = ROOT / "tests" / "docs"
PICTURES = ("serve-light.png", "serve-dark.png")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
_TEXT = "Où est la gare, s'il vous plaît ?"


def take(browser: Browser, run: Path, folder: Path, text: str = _TEXT) -> None:
    """Write the pictures of the page with a text and its translation into a folder."""
    with serving(run) as server:
        for name in PICTURES:
            scheme = name.removesuffix(".png").removeprefix("serve-")
            page = browser.new_page(viewport={"width": 760, "height": 560}, locale="en-GB")
            page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
            page.goto(server.url)
            page.check("#shade")
            page.fill("#source", text)
            page.wait_for_selector("#translation .word")
            page.screenshot(path=folder / name)
            page.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="a translator")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        take(browser, given.run, given.folder)


if __name__ == "__main__":
    main()
