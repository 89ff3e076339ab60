"""Conversations: turns of a user and of an assistant, with an instruction of the system before them or without."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.data.bundled import assistant
from seq2seq.data.corpus import SPLITS, Source, SplitName
from seq2seq.data.folding import fold
from seq2seq.data.lines import Reading
from seq2seq.data.records import Kind
from seq2seq.data.rows import cell, column_names
from seq2seq.data.tables import Columns
from seq2seq.data.unchanged import digest
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub
from seq2seq.storage.jsonl import json_line

ROLES = ("system", "user", "assistant")
# Names of columns of single demonstrations: what is asked, more of it (may be blank or missing), the answer.
_LAYOUTS = (
    ("prompt", "", "completion"),
    ("instruction", "input", "output"),
    ("instruction", "context", "response"),
)
_MESSAGES = ("messages", "conversation")


class Turn(NamedTuple):
    """What one side says."""

    role: str  # system, user or assistant
    content: str


class Conversation(NamedTuple):
    """Turns in their order."""

    turns: tuple[Turn, ...]


ConversationSource = Source[Conversation]


class ConversationColumns(Columns):
    """Columns of one question and its answer, in one of the usual layouts. On the Hub `hub.text_column` names the
    question, with commas between several columns, and `hub.label_column` the answer."""

    def __init__(self) -> None:
        super().__init__(("prompt", "input", "completion"))

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Where there is no second column of the question, the first stands for it (`ConversationKind.record`)."""
        stripped = [name.strip() for name in names]
        for question, more, answer in _LAYOUTS:
            if question in stripped and answer in stripped:
                return tuple(
                    stripped.index(name if name in stripped else question) for name in (question, more, answer)
                )
        return None

    def missing(self, where: str, names: Sequence[str]) -> str:
        """The layouts that are known."""
        return (
            f"{where} has no columns prompt and completion, instruction and output, or messages; there are: "
            f"{', '.join(names)[:200]}; rename them"
        )

    def on_hub(self, hub: Hub) -> tuple[str, ...]:
        """One or two columns of the question, and that of the answer."""
        question, _, more = (name.strip() for name in hub.text_column.partition(","))
        return question, more or question, hub.label_column


class ConversationKind(Kind[Conversation, ConversationSource]):
    """Conversations. Rows have `messages`, `{"role", "content"}` each, or one question and its answer."""

    noun = "conversation"
    reads = "conversations"
    record_type = Conversation
    blank = " but blank ones"
    # The prompt: two answers to one are in one split, and equal answers to different ones are usual.
    compared_by = slice(1)

    def __init__(self, data: Data) -> None:
        super().__init__(data, ConversationColumns())

    @property
    def fields(self) -> tuple[str, ...]:
        """All turns but the last, and the last."""
        return ("prompt", "completion")

    def record(self, cells: Sequence[str]) -> Conversation:
        """One question and its answer."""
        question, more, answer = cells
        asked = question if more in ("", question) else f"{question}\n\n{more}"
        return Conversation((Turn("user", asked), Turn("assistant", answer)))

    def texts(self, record: Conversation) -> Sequence[str]:
        """All turns but the last, and the last."""
        *asked, last = record.turns
        return "\n".join(turn.content for turn in asked), last.content

    def as_bytes(self, record: Conversation) -> bytes:
        """With the roles."""
        return self.line(record)

    def file(self, path: Path, reading: Reading) -> ConversationSource:
        """With messages, in .jsonl and .parquet files."""
        return self.file_of_rows(path, reading, self.of_row, (".jsonl", ".parquet"))

    def bundled(self) -> dict[SplitName, ConversationSource] | None:
        """Demonstrations of the bundled assistant; of dev and test, prompts with their right answers."""
        return {split: _bundled(split) for split in SPLITS} if self.data.corpus == "assistant" else None

    def of_row(self, row: Mapping[str, Any], place: str) -> Conversation:
        """The conversation of a row. Raises DataError: no columns that are known, a strange role, no text."""
        for name in _MESSAGES:
            if isinstance(row.get(name), list):
                turns = tuple(turn_of(message, f"{place}, {name}") for message in row[name])
                if not turns:
                    raise DataError(f"{place}: {name} is empty; leave the row out")
                return Conversation(turns)
        names = list(column_names(row))
        columns = self.columns.choose(names)
        if columns is None:
            raise DataError(self.columns.missing(place, names))
        return self.record([cell(row, names[column], place) for column in columns])

    def line(self, record: Conversation) -> bytes:
        """As messages."""
        return json_line({"messages": [turn._asdict() for turn in record.turns]})


def _bundled(split: SplitName) -> ConversationSource:
    def records() -> Iterator[Conversation]:
        for prompt, answer in assistant.demonstrations(split):
            yield Conversation((Turn("user", prompt), Turn("assistant", answer)))

    checksum_of = functools.cache(lambda: digest(assistant.demonstrations(split)))
    return Source(f"bundled assistant, {split} part", records, checksum_of)


def turn_of(message: Any, place: str) -> Turn:
    """A message as a turn. Raises DataError: a role that is not one of `ROLES`, no text."""
    if not isinstance(message, Mapping) or message.get("role") not in ROLES:
        raise DataError(f"{place}: {message!r:.60} is no message with a role of {', '.join(ROLES)}")
    return Turn(message["role"], cell(message, "content", place))


def prompt_to_json(turns: Sequence[Turn]) -> str | list[dict[str, str]]:
    """A prompt as a value of JSON: the text of one turn of a user, else messages."""
    single = len(turns) == 1 and turns[0].role == "user"
    return turns[0].content if single else [turn._asdict() for turn in turns]


def unusable(record: Conversation) -> str:
    """Why a conversation cannot be learnt from; empty where it can: after the system's, turns of the user and of the
    assistant alternate, and the last is the assistant's."""
    turns = record.turns[1:] if record.turns[0].role == "system" else record.turns
    roles = [turn.role for turn in turns]
    if not all(fold(turn.content) for turn in record.turns):
        return "with a blank turn"
    if not roles or roles != ["user", "assistant"] * (len(roles) // 2):
        return "not user and assistant in turns"
    return ""


def usable(records: Iterable[Conversation]) -> list[Conversation]:
    """Those that can be learnt from."""
    return [record for record in records if not unusable(record)]
