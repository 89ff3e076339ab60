"""Run folders as reports read them, without weights; and what a page is made of."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.support.command import ROOT

LOGS = ("metrics.jsonl", "updates.jsonl", "faults.jsonl")
_READ = ("recipe.toml", "run.json", "test.jsonl", "test.translations.txt", *LOGS)


def light(run: Path, folder: Path) -> Path:
    """A copy of what a report reads of a run, in a folder of the same name."""
    made = folder / run.name
    made.mkdir(parents=True)
    for name in _READ:
        if (run / name).is_file():
            shutil.copy(run / name, made / name)
    return made


def kept(name: str, folder: Path) -> Path:
    """A run folder that an older seqx left."""
    with tarfile.open(ROOT / "tests" / "kept_runs" / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def policy(folder: Path) -> Path:
    """What is read of a policy's run: eight updates, two validations, scores beside those of the start."""
    folder.mkdir(parents=True)
    (folder / "recipe.toml").write_text('task = "policy"\n[start]\ntask = "translation"\nrun = "somewhere"\n')
    figures = {"reward": 0.5, "gold": 0.25, "kl": 3.5, "kl_k3": 4.0, "entropy": 2.0, "length": 6.0, "ended": 1.0}
    write_rows(
        folder / "updates.jsonl",
        [
            {"step": step, "updates": 1, "skipped": 0, "loss": 1 / step, "gradient_norm": 0.5, "learning_rate": 1e-3}
            | {"tokens": 20, "seconds": 0.5, "clip_share": 0.1 * step, **figures}
            for step in range(1, 9)
        ],
    )
    sample = {"source": "un chat", "reference": "one cat", "output": "one dog"}
    write_rows(
        folder / "metrics.jsonl",
        [
            {"step": step, "train_loss": 0.2, "best": True, "samples": [sample]}
            | {f"dev_{name}": value * step / 8 for name, value in figures.items()}
            for step in (4, 8)
        ],
    )
    write_rows(folder / "faults.jsonl", [{"step": 3, "kind": "skipped", "message": "step 3: non-finite gradient"}])
    start = {name: value / 2 for name, value in figures.items()}
    record = {
        "format": 1,
        "best_of": [{"n": 1, "kl": 0.0, "reward": 0.1, "gold": 0.2}, {"n": 2, "kl": 0.19, "reward": 0.3, "gold": 0.2}],
        "scores": {"test": {"set": "test", "prompts": 8, "temperature": 1.0, **figures, "start": start}},
        "lineage": [{"run": "somewhere", "recipe": "fr-en", "task": "translation", "weights": {"sha256": "ab" * 32}}],
        "finished": {"time": "2026-11-29T11:00:00+00:00", "step": 8, "reason": "all steps done", "seconds": 90.0},
        "prompts": {"kept": 30, "dropped": {"blank": 2, "too long": 1}, "held_out": 8},
    }
    (folder / "run.json").write_text(json.dumps(record))
    return folder


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def read_rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.is_file() else []


def change_text(run: Path, change: Callable[[str], str]) -> None:
    """Change every text in the record, the logs and the test set of a run, names in the record too."""
    path = run / "run.json"
    path.write_text(json.dumps(_changed(json.loads(path.read_text()), change, names=True)))
    for name in (*LOGS, "test.jsonl"):
        if (run / name).is_file():
            write_rows(run / name, [_changed(row, change) for row in read_rows(run / name)])
    if (outputs := run / "test.translations.txt").is_file():
        lines = outputs.read_text(encoding="utf-8").splitlines()
        outputs.write_text("".join(change(line) + "\n" for line in lines), encoding="utf-8")


def _changed(value: Any, change: Callable[[str], str], *, names: bool = False, inside: bool = False) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_changed(each, change, names=names) for each in value]
    if isinstance(value, dict):
        return {
            change(key) if inside and names else key: _changed(each, change, names=names, inside=key == "dropped")
            for key, each in value.items()
        }
    return value


class Page(HTMLParser):
    """What a browser finds in a page: elements with their attributes, and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.inline: dict[str, str] = {}  # the content of the last style and script
        self._inside = ""
        self.feed(text)
        self.close()
        self.text = " ".join("".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._inside = tag
        if tag in ("td", "th", "dd", "dt", "li", "p"):
            self.words.append(" ")

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside in ("style", "script"):
            self.inline[self._inside] = data
        else:
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str]]:
        """The attributes of the elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def shapes(self) -> set[tuple[str, ...]]:
        """The kinds of element, each with the names of its attributes."""
        return {(tag, *sorted(attributes)) for tag, attributes in self.elements}
