"""Conversations: the formats of the field are one record; what cannot be learnt from is found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from seq2seq.data.audit import audit
from seq2seq.data.audit_conversations import ConversationTally
from seq2seq.data.conversations import Conversation, ConversationKind, Turn, unusable
from seq2seq.data.corpus import Given
from seq2seq.data.hub import from_hub
from seq2seq.data.lines import PLAIN
from seq2seq.data.sources import find
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub
from seq2seq.recipe import files as recipe_files

KIND = ConversationKind(Data())
ONE = Conversation((Turn("user", "2 + 2?\n\nbriefly"), Turn("assistant", "4")))
PLAIN_ONE = Conversation((Turn("user", "2 + 2?"), Turn("assistant", "4")))


def read(path: Path) -> list[Conversation]:
    return list(KIND.file(path, PLAIN).read())


def written(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "2 + 2?", "completion": "4"},
        {"messages": [{"role": "user", "content": "2 + 2?"}, {"role": "assistant", "content": "4"}]},
        {"instruction": "2 + 2?", "input": "", "output": "4"},
        {"instruction": "2 + 2?", "output": "4", "id": 3},
        {"instruction": "2 + 2?", "context": "", "response": "4"},
    ],
)
def test_the_formats_of_the_field_are_one_record(tmp_path: Path, row: dict[str, object]) -> None:
    assert read(written(tmp_path / "a.jsonl", row)) == [PLAIN_ONE]
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row]), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [PLAIN_ONE]


def test_tables_and_the_hub_are_read_by_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("instruction,input,output\n2 + 2?,briefly,4\n2 + 2?,,4\n")
    assert read(tmp_path / "a.csv") == [ONE, PLAIN_ONE]
    import pyarrow
    import pyarrow.parquet

    rows = [{"instruction": "2 + 2?", "context": "briefly", "response": "4"}]
    (tmp_path / "hub").mkdir()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "hub" / "train.parquet")
    hub = Hub(path=str(tmp_path / "hub"), text_column="instruction,context", label_column="response")
    assert list(from_hub(KIND, hub, "train").read()) == [ONE]


def test_the_set_of_the_hub_that_a_recipe_names_is_read(tmp_path: Path) -> None:
    """Dolly, which is JSON lines, by its columns."""
    (tmp_path / "hub").mkdir()
    row = {"instruction": "2 + 2?", "context": "briefly", "response": "4", "category": "open_qa"}
    written(tmp_path / "hub" / "databricks-dolly-15k.jsonl", *[row] * 4)
    data = recipe_files.load("sft").data
    assert data.hub is not None
    hub = data.hub.model_copy(update={"path": str(tmp_path / "hub"), "dev": "train[:2]"})
    assert list(from_hub(ConversationKind(data), hub, "dev").read()) == [ONE, ONE]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": [{"role": "admin", "content": "a"}]}, "line 2, messages: .* role of system, user, assistant"),
        ({"messages": [{"role": "user"}]}, "line 2, messages: no column content"),
        ({"messages": [{"role": "user", "content": 3}]}, "3 is not text"),
        ({"messages": []}, "line 2: messages is empty"),
        ({"messages": ["a"]}, "is no message"),
        ({"question": "a"}, "has no columns prompt and completion"),
        ({"prompt": "a", "completion": ["b"]}, "is not text"),
    ],
)
def test_a_damaged_row_is_named(tmp_path: Path, row: dict[str, object], message: str) -> None:
    path = written(tmp_path / "a.jsonl", {"prompt": "a", "completion": "b"}, row)
    with pytest.raises(DataError, match=message):
        read(path)


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        ("ua", ""),
        ("sua", ""),
        ("uaua", ""),
        ("u", "not user and assistant in turns"),
        ("uau", "not user and assistant in turns"),
        ("uuaa", "not user and assistant in turns"),
        ("au", "not user and assistant in turns"),
        ("s", "not user and assistant in turns"),
        ("usa", "not user and assistant in turns"),
    ],
)
def test_what_cannot_be_learnt_from(roles: str, reason: str) -> None:
    names = {"s": "system", "u": "user", "a": "assistant"}
    assert unusable(Conversation(tuple(Turn(names[role], "text") for role in roles))) == reason
    assert unusable(Conversation((Turn("user", " "), Turn("assistant", "b")))) == "with a blank turn"


def test_a_row_written_is_the_record_read_and_equal_prompts_stay_together(tmp_path: Path) -> None:
    talk = Conversation((Turn("system", "s"), *ONE.turns, *PLAIN_ONE.turns))
    (tmp_path / "a.jsonl").write_bytes(KIND.line(talk) + KIND.line(ONE))
    assert read(tmp_path / "a.jsonl") == [talk, ONE]
    rows = [{"prompt": f"question {number // 2}", "completion": f"{number}"} for number in range(400)]
    corpus = find(KIND, {"train": Given(data=(written(tmp_path / "b.jsonl", *rows),))})
    prompts = [{record.turns[0].content for record in source.read()} for (source,) in corpus.splits().values()]
    assert not (prompts[0] & prompts[1] or prompts[0] & prompts[2] or prompts[1] & prompts[2])


def test_the_audit_counts_turns_and_finds_what_is_dropped(tmp_path: Path) -> None:
    rows = [{"prompt": f"question {number}", "completion": "yes"} for number in range(300)]
    bad = {"messages": [{"role": "user", "content": "only a question"}]}
    corpus = find(KIND, {"train": Given(data=(written(tmp_path / "a.jsonl", *rows, bad),))})
    report = audit(corpus, KIND, ConversationTally)
    found = json.dumps(report.record() if hasattr(report, "record") else report, default=str)
    assert "unusable" in found and "turns" in found
