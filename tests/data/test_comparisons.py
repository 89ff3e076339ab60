"""Comparisons: the layouts in which they are written, what cannot be learnt from, and what tells the sides apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from seq2seq.data.audit import audit
from seq2seq.data.batches import JOINED, SIDE_BY_SIDE, Layout
from seq2seq.data.comparison_batches import EncodedComparison, collate, sides
from seq2seq.data.comparisons import Comparison, ComparisonKind, ComparisonTally, append, usable
from seq2seq.data.conversations import Turn
from seq2seq.data.corpus import SPLITS, Corpus
from seq2seq.data.hub import from_hub
from seq2seq.data.lines import PLAIN
from seq2seq.errors import DataError
from seq2seq.recipe import Data
from seq2seq.recipe import files as recipe_files

KIND = ComparisonKind(Data())
ASKED = (Turn("user", "2 + 2?"),)
EXPECTED = Comparison(ASKED, "4", "5")


def message(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def read(path: Path, *rows: dict[str, Any]) -> list[Comparison]:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return list(KIND.file(path, PLAIN).read())


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "2 + 2?", "chosen": "4", "rejected": "5", "score": 3},
        {"prompt": [message("user", "2 + 2?")], "chosen": "4", "rejected": "5"},
        {
            "chosen": [message("user", "2 + 2?"), message("assistant", "4")],
            "rejected": [message("user", "2 + 2?"), message("assistant", "5")],
        },
        {"prompt": "2 + 2?", "chosen": [message("assistant", "4")], "rejected": [message("assistant", "5")]},
        {
            "prompt": "2 + 2?",
            "chosen": [message("user", "2 + 2?"), message("assistant", "4")],
            "rejected": [message("user", "2 + 2?"), message("assistant", "5")],
        },
    ],
)
def test_every_usual_layout_is_read_from_json_lines_and_parquet(row: dict[str, Any], tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", row) == [EXPECTED]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert list(KIND.file(tmp_path / "a.parquet", PLAIN).read()) == [EXPECTED]


@pytest.mark.parametrize("recipe", ["reward", "dpo"])
def test_the_set_of_the_hub_that_a_recipe_names_is_read(recipe: str, tmp_path: Path) -> None:
    """UltraFeedback, by its columns and splits."""
    sides = {
        side: [message("user", "2 + 2?"), message("assistant", answer)]
        for side, answer in (("chosen", "4"), ("rejected", "5"))
    }
    row = {"prompt": "2 + 2?", "prompt_id": "a", **sides, "messages": sides["chosen"], "score_chosen": 8.0}
    (tmp_path / "data").mkdir()
    for split in ("train_prefs", "test_prefs"):
        table = pyarrow.Table.from_pylist([row] * 3)
        pyarrow.parquet.write_table(table, tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    data = recipe_files.load(recipe).data
    assert data.hub is not None
    hub = data.hub.model_copy(update={"path": str(tmp_path)})
    assert all(list(from_hub(KIND, hub, split).read()) == [EXPECTED] * 3 for split in SPLITS[:2])


def test_tables_are_read_and_what_is_written_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("prompt,rejected,chosen\n2 + 2?,5,4\n")
    assert list(KIND.file(tmp_path / "a.csv", PLAIN).read()) == [EXPECTED]
    turns = (Turn("system", "Be brief."), Turn("user", "a"), Turn("assistant", "b"), Turn("user", "c"))
    for record in (EXPECTED, Comparison(turns, "x\ny", "é")):
        append(tmp_path / "b.jsonl", record)
    assert list(KIND.file(tmp_path / "b.jsonl", PLAIN).read()) == [EXPECTED, Comparison(turns, "x\ny", "é")]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"prompt": "a", "chosen": "b"}, "line 1: no rejected; there are: prompt, chosen"),
        ({"chosen": "b", "rejected": "c"}, "no prompt"),
        ({"prompt": "a", "chosen": 4, "rejected": "c"}, "column chosen: 4 is not text"),
        ({"prompt": [message("bot", "a")], "chosen": "b", "rejected": "c"}, "no message with a role of system, user"),
        (
            {"prompt": [message("assistant", "a")], "chosen": "b", "rejected": "c"},
            "must have the role user",
        ),
        ({"prompt": [], "chosen": "b", "rejected": "c"}, "no prompt"),
        ({"prompt": "a", "chosen": [message("user", "a")], "rejected": "c"}, "chosen must have the role assistant"),
        (
            {
                "chosen": [message("user", "a"), message("assistant", "x")],
                "rejected": [message("user", "b"), message("assistant", "y")],
            },
            "answer different prompts",
        ),
        (
            {"prompt": "z", "chosen": [message("user", "a"), message("assistant", "x")], "rejected": "y"},
            "answer different prompts",
        ),
    ],
)
def test_a_row_that_is_no_comparison_is_an_error_that_names_it(row: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        read(tmp_path / "a.jsonl", row)


def test_what_teaches_nothing_is_left_out_and_counted() -> None:
    given = [
        Comparison(ASKED, "4", "5"),
        Comparison(ASKED, "four", ""),
        Comparison(ASKED, "four", "four"),
        Comparison(ASKED, "it&#039;s 4", "it's  4\r\n"),
        Comparison(ASKED, "It&#039;s 4.\r\nYes.", "It's 5."),
        Comparison(ASKED, "write &lt;b&gt;", "write &lt;i&gt;"),
        Comparison((Turn("user", " "),), "4", "5"),
    ]
    kept, counted = usable(given)
    assert kept == [given[0], Comparison(ASKED, "It's 4.\nYes.", "It's 5."), given[5]]
    assert sum(counted.values()) == 5 and len(counted) == 5


def test_an_audit_finds_lengths_and_signs_that_tell_the_sides_apart() -> None:
    records = [Comparison((Turn("user", f"{n}?"),), f"it’s {n}", f"it's {n} indeed") for n in range(40)]
    records.append(Comparison(ASKED, "equal", "equal"))
    source = KIND.source("mine", lambda: iter(records))
    found = audit(Corpus("mine", "files", (source,), source, source), KIND, ComparisonTally)
    train = found.report["splits"][0]
    assert train["chosen_longer"] == 0 and train["chosen_shorter"] == pytest.approx(100 * 40 / 41)
    assert {(leak["sign"], leak["chosen"], leak["rejected"]) for leak in train["leaks"]} == {("’", 40, 0), ("'", 0, 40)}
    assert train["equal"]["count"] == 1 and any("signs that tell" in row[0] for row in found.figures)


@pytest.mark.parametrize("layout", [SIDE_BY_SIDE, JOINED])
def test_a_batch_is_cut_between_comparisons_alone(layout: Layout) -> None:
    rows = [EncodedComparison([4] * (1 + n), [5] * (2 + n), [6] * (4 - n)) for n in range(4)]
    batch = collate(layout, rows)
    pairs = [pair for row in rows for pair in row.pairs]
    whole = layout.collate([prompt for prompt, _ in pairs], [side for _, side in pairs])
    assert batch.tokens == 4 and (sides(batch).labels == whole.labels).all()
    for piece, some in zip(batch.pieces(2), (pairs[:4], pairs[4:])):
        rowwise = sides(piece)
        for number, (_, side) in enumerate(some):
            assert rowwise.mask is not None
            assert rowwise.labels[number][rowwise.mask[number]].tolist()[:-1] == side
