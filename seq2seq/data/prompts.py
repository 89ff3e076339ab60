"""Prompts, which a model completes: the turns of a conversation before an answer, or one source sentence; some with a
reference by which a simulated rater judges completions."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from seq2seq.data.bundled import assistant
from seq2seq.data.conversations import Conversation, ConversationSource, Turn, prompt_to_json, turn_of
from seq2seq.data.corpus import SPLITS, Source, SplitName
from seq2seq.data.lines import Reading
from seq2seq.data.records import Kind
from seq2seq.data.rows import cell
from seq2seq.data.tables import Columns
from seq2seq.data.unchanged import digest
from seq2seq.errors import DataError
from seq2seq.recipe import Data
from seq2seq.storage.jsonl import json_line

_REFERENCES = ("reference", "answer")  # names of the column


class Prompt(NamedTuple):
    """Turns that end with a user's, and a right answer, where one is known."""

    prompt: tuple[Turn, ...]
    reference: str = ""


PromptSource = Source[Prompt]


def prompt_of(pair: tuple[str, str]) -> Prompt:
    """A sentence pair as a prompt: its source, whose reference is its target."""
    source, target = pair
    return Prompt((Turn("user", source),), target)


def text_of(prompt: Prompt) -> str:
    """The text of a prompt, for people and for raters: that of its last turn."""
    return prompt.prompt[-1].content


def conversations_of(source: PromptSource) -> ConversationSource:
    """Prompts with their references as answers."""

    def read() -> Iterator[Conversation]:
        return (Conversation((*prompt, Turn("assistant", reference))) for prompt, reference in source.read())

    return ConversationSource(source.origin, read, source.checksum)


class PromptColumns(Columns):
    """A column `prompt`, and one of references where there is one: `reference` or `answer`."""

    def __init__(self) -> None:
        super().__init__(("prompt", "reference"))

    def choose(self, names: Sequence[str]) -> tuple[int, ...] | None:
        """Without a column of references the prompt stands for it, and a reference that equals its prompt is none."""
        stripped = [name.strip() for name in names]
        if "prompt" not in stripped:
            return None
        reference = next((name for name in _REFERENCES if name in stripped), "prompt")
        return stripped.index("prompt"), stripped.index(reference)

    def missing(self, where: str, names: Sequence[str]) -> str:
        """Only the prompt is needed."""
        return f"{where} has no column prompt; there are: {', '.join(names)[:200]}; rename one, or use --columns"


class PromptKind(Kind[Prompt, PromptSource]):
    """Prompts; in .jsonl files their turns may be written as messages, `{"role", "content"}` each."""

    noun = "prompt"
    reads = "prompts"
    record_type = Prompt
    blank = " but blank ones"
    compared_by = slice(1)  # the prompt: two references of one are in one split

    def __init__(self, data: Data) -> None:
        super().__init__(data, PromptColumns())

    def record(self, cells: Sequence[str]) -> Prompt:
        """One turn of a user."""
        prompt, reference = cells
        return Prompt((Turn("user", prompt),), "" if reference == prompt else reference)

    def texts(self, record: Prompt) -> Sequence[str]:
        """All turns, and the reference."""
        return "\n".join(turn.content for turn in record.prompt), record.reference

    def is_empty(self, source: PromptSource) -> bool:
        """A reference may be missing."""
        return not any(text_of(record).strip() for record in source.read())

    def bundled(self) -> dict[SplitName, PromptSource] | None:
        """Those of the bundled assistant, with their right answers."""
        return {split: _bundled(split) for split in SPLITS} if self.data.corpus == "assistant" else None

    def file(self, path: Path, reading: Reading) -> PromptSource:
        """With messages in a .jsonl file."""
        return self.file_of_rows(path, reading, _of_row, (".jsonl",))

    def line(self, record: Prompt) -> bytes:
        """Prompts of one user's turn as text, others as messages."""
        prompt = {"prompt": prompt_to_json(record.prompt)}
        return json_line(prompt | ({"reference": record.reference} if record.reference else {}))


def _bundled(split: SplitName) -> PromptSource:
    checksum_of = functools.cache(lambda: digest(assistant.prompts(split)))
    return Source(f"bundled assistant, {split} part", lambda: map(prompt_of, assistant.prompts(split)), checksum_of)


def _of_row(row: Mapping[str, Any], place: str) -> Prompt:
    name = "prompt" if "prompt" in row else "messages"
    if name not in row:
        raise DataError(f"{place}: no prompt; there are: {', '.join(map(str, row))[:200]}; name it prompt or messages")
    given = next((key for key in _REFERENCES if key in row), None)
    reference = cell(row, given, place) if given else ""
    if not isinstance(row[name], list):
        return Prompt((Turn("user", cell(row, name, place)),), reference)
    turns = tuple(turn_of(message, f"{place}, {name}") for message in row[name])
    if not turns or turns[-1].role != "user":
        raise DataError(f"{place}: the last message of {name} must have the role user")
    return Prompt(turns, reference)
