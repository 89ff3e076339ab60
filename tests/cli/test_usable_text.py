"""Text that nothing can be judged by is refused before training; of what is partly so, the count is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq import device as devices
from seq2seq import recipe
from seq2seq.data.corpus import Corpus
from seq2seq.run import Run
from seq2seq.tasks.translation import Translation
from tests.phrasebook.generator import phrases
from tests.support import tiny
from tests.support.command import Seqx
from tests.support.samples import text

LONG = "un chat " * 40


def _dev(folder: Path, sources: list[str], split: str = "dev") -> list[str]:
    given = tiny.arguments(folder)
    for side in ("fr", "en"):
        (folder / f"{split}.{side}").write_text("".join(line + "\n" for line in sources), encoding="utf-8")
    return ["train", *given, "--run", str(folder / "run"), "--device", "cpu"]


@pytest.mark.parametrize(
    ("split", "lines", "message"),
    [
        (
            "dev",
            [LONG] * 3,
            "none of 3 pairs for dev can be used (3 too long); give other text for dev, or raise model",
        ),
        ("dev", ["", " ", "\u200b"], "no pair for dev but such as are blank on a side; give more text"),
        ("dev", [LONG, ""], "none of 2 pairs for dev can be used (1 blank on a side, 1 too long)"),
        ("test", ["", "\u3000"], "no pair for test but such as are blank on a side; give more text"),
    ],
)
def test_a_split_of_no_use_is_an_error_before_training(
    seqx: Seqx, tmp_path: Path, split: str, lines: list[str], message: str
) -> None:
    done = seqx(*_dev(tmp_path, lines, split))
    assert done.code == 1 and message in done.err, done.err
    assert not list((tmp_path / "run").glob("checkpoints/*"))


def test_lines_of_no_use_are_counted_and_the_others_judge(seqx: Seqx, tmp_path: Path) -> None:
    done = seqx(*_dev(tmp_path, [LONG, "", *["un chat", "deux chien"] * 3]), "--set", "training.steps=2")
    assert done.code == 0, done.err
    assert "NOTE: 2 of 8 pairs for dev cannot be used (1 blank on a side, 1 too long)" in done.err
    assert "dev loss nan" not in done.err


@pytest.mark.parametrize("split", ["dev", "test"])
def test_running_text_too_short_to_judge_by_is_an_error_before_training(seqx: Seqx, tmp_path: Path, split: str) -> None:
    given = tiny.text_arguments(tmp_path)
    (tmp_path / "short.txt").write_text("x", encoding="utf-8")
    done = seqx("train", *given, f"--{split}-data", "short.txt", "--run", "run")
    assert done.code == 1 and f"short.txt: 1 token for {split}, nothing to predict; give more text" in done.err, (
        done.err
    )
    assert not list((tmp_path / "run").glob("checkpoints/*"))


def test_inputs_typed_in_french_do_not_judge_a_model_from_english(own: Path) -> None:
    recipe, record = own / "recipe.toml", own / "run.json"
    values = json.loads(record.read_text(encoding="utf-8"))
    values["corpora"]["train"][0]["origin"] = "bundled phrasebook, reversed"
    record.write_text(json.dumps({**values, "scores": {}}), encoding="utf-8")
    turned = recipe.read_text(encoding="utf-8").replace('"fr"', '"xx"').replace('"en"', '"fr"').replace('"xx"', '"en"')
    recipe.write_text(turned, encoding="utf-8")
    said: list[str] = []
    Translation(Run(own).recipe()).judge(Run(own), devices.choose("cpu", "float32"), said.append)
    assert list(Run(own).record()["scores"]) == ["test"]
    assert said == ["The set `typed` is French: not used for a model that translates from en"]


def test_sides_in_each_others_language_are_said_before_training() -> None:
    said: list[str] = []
    for pairs in (phrases(), [pair[::-1] for pair in phrases()], [pair[::-1] for pair in phrases()[:50]]):
        source = text(pairs, "a.tsv")
        said += Translation(recipe.Recipe()).remarks(Corpus("own", "files", (source,), source, source))
    assert len(said) == 1
    assert "the source of a.tsv looks like en, the target like fr: if so, swap the files, or the columns" in said[0]
