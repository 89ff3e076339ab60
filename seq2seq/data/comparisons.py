"""Comparisons: two completions of a prompt, of which a person, or a simulated rater, chose one."""

from __future__ import annotations

import html
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from seq2seq.data.audit import Tally
from seq2seq.data.conversations import Turn, prompt_to_json, turn_of
from seq2seq.data.corpus import Source
from seq2seq.data.findings import JsonObject
from seq2seq.data.folding import fold
from seq2seq.data.lines import Reading
from seq2seq.data.records import Kind
from seq2seq.data.rows import cell
from seq2seq.errors import DataError
from seq2seq.recipe import Hub
from seq2seq.storage.jsonl import json_line

_SIDES = ("chosen", "rejected")
_LINE_END = re.compile(r"\r\n|\r")
_ESCAPED = "escapes unescaped that one side alone has"
_LEAKS = 5  # that are reported
_FEWEST, _SURE = 20, 0.8  # pairs that a sign tells apart, and the share of them that makes it a leak


class Comparison(NamedTuple):
    """A prompt, and two completions of it."""

    prompt: tuple[Turn, ...]
    chosen: str
    rejected: str


@dataclass(frozen=True)
class ComparisonSource(Source[Comparison]):
    """Comparisons; where seqx made them, `of` has the prompts, and `made` says how."""

    records = "comparisons"

    of: Source[Any] | None = None
    made: Mapping[str, Any] = field(default_factory=dict)


class ComparisonKind(Kind[Comparison, ComparisonSource]):
    """Rows of `prompt`, `chosen` and `rejected`, each a text; in .jsonl and .parquet files and on the Hub each may be
    messages, `{"role", "content"}`, and the two sides may repeat the prompt, or have it alone."""

    noun = "comparison"
    reads = "comparisons"
    record_type = Comparison
    source_type = ComparisonSource
    blank = " but such as teach nothing: with a blank prompt, an empty side, or sides that do not differ"
    held_out_share = 10
    compared_by = slice(1)  # the prompt: all comparisons of one are in one split

    def record(self, cells: Sequence[str]) -> Comparison:
        """One turn of a user, and two answers."""
        prompt, chosen, rejected = cells
        return Comparison((Turn("user", prompt),), chosen, rejected)

    def texts(self, record: Comparison) -> Sequence[str]:
        """All turns of the prompt, and both sides."""
        return "\n".join(turn.content for turn in record.prompt), record.chosen, record.rejected

    def as_bytes(self, record: Comparison) -> bytes:
        """With the roles."""
        return row_of(record)

    def is_empty(self, source: ComparisonSource) -> bool:
        """Whether no comparison can be learnt from."""
        return all(map(unusable, source.read()))

    def file(self, path: Path, reading: Reading) -> ComparisonSource:
        """With messages, in .jsonl and .parquet files."""
        return self.file_of_rows(path, reading, of_row, (".jsonl", ".parquet"))

    def on_hub(self, hub: Hub) -> Callable[[Mapping[str, Any], str], Comparison]:
        """With messages."""
        return of_row

    def line(self, record: Comparison) -> bytes:
        """Prompts of one user's turn as text, others as messages."""
        return row_of(record)


def row_of(record: Comparison) -> bytes:
    """A comparison as a line of a .jsonl file."""
    prompt = prompt_to_json(record.prompt)
    return json_line({"prompt": prompt, "chosen": record.chosen, "rejected": record.rejected})


def append(path: Path, record: Comparison) -> None:
    """Add a comparison to a .jsonl file, as a whole line that is on the disk when this returns."""
    with path.open("ab") as file:
        file.write(row_of(record))
        file.flush()
        os.fsync(file.fileno())


def of_row(row: Mapping[str, Any], place: str) -> Comparison:
    """The comparison of a row. Raises DataError: a key is missing, a strange role, no answer, different prompts."""
    for name in _SIDES:
        if name not in row:
            raise DataError(
                f"{place}: no {name}; there are: {', '.join(map(str, row))[:200]}; a comparison has prompt, chosen and "
                "rejected"
            )
    sides = [_side(row, name, place) for name in _SIDES]
    prompts = {turns for turns, _ in sides if turns}
    if row.get("prompt") is not None:
        listed = isinstance(row["prompt"], list)
        given = _turns(row, "prompt", place) if listed else (Turn("user", cell(row, "prompt", place)),)
        # Sides may repeat the prompt, also one whose earlier turns `prompt` leaves out.
        agree = all(turns[-len(given) :] == given for turns in prompts)
        prompts = prompts or {given} if agree else {given, *prompts}
    if len(prompts) != 1 or not all(prompts):
        why = "chosen and rejected answer different prompts" if any(prompts) else "no prompt"
        raise DataError(f"{place}: {why}; both sides are to answer one prompt, which ends with what the user says")
    (prompt,) = prompts
    if prompt[-1].role != "user":
        raise DataError(f"{place}: the last message of the prompt must have the role user")
    return Comparison(prompt, *(answer for _, answer in sides))


def _side(row: Mapping[str, Any], name: str, place: str) -> tuple[tuple[Turn, ...], str]:
    """The prompt that a side repeats, empty where it does not, and its answer."""
    if not isinstance(row[name], list):
        return (), cell(row, name, place)
    turns = _turns(row, name, place)
    if not turns or turns[-1].role != "assistant":
        raise DataError(f"{place}: the last message of {name} must have the role assistant")
    return turns[:-1], turns[-1].content


def _turns(row: Mapping[str, Any], name: str, place: str) -> tuple[Turn, ...]:
    return tuple(turn_of(message, f"{place}, {name}") for message in row[name])


def usable(records: Iterable[Comparison]) -> tuple[list[Comparison], Counter[str]]:
    """The comparisons that teach something, and why others do not, counted. Line ends become \\n; character references
    such as &#039; that one side alone has become characters, counted too: a model would learn to tell sides by them."""
    kept, counted = [], Counter[str]()
    for record in records:
        why = unusable(record)
        counted[why] += bool(why)
        if why:
            continue
        sides = [_LINE_END.sub("\n", side) for side in record[1:]]
        if escaped(record):
            counted[_ESCAPED] += 1
            sides = [html.unescape(side) for side in sides]
        kept.append(Comparison(record.prompt, *sides))
    return kept, +counted


def dropped(counted: Mapping[str, int]) -> dict[str, int]:
    """Of the counts of `usable`, those of comparisons that were left out."""
    return {why: count for why, count in counted.items() if why != _ESCAPED}


def unusable(record: Comparison) -> str:
    """Why a comparison teaches nothing; empty where it does."""
    if not all(fold(turn.content) for turn in record.prompt):
        return "blank prompt"
    if not all(side.strip() for side in record[1:]):
        return "empty side"
    if record.chosen == record.rejected:
        return "equal sides"
    if _plain(record.chosen) == _plain(record.rejected):
        return "sides that differ by escapes, line ends or blanks alone"
    return ""


def escaped(record: Comparison) -> bool:
    """Whether one side alone has character references."""
    chosen, rejected = (html.unescape(side) != side for side in record[1:])
    return chosen != rejected


def _plain(side: str) -> str:
    return " ".join(html.unescape(side).split())


class ComparisonTally(Tally[Comparison]):
    """Finds comparisons that teach nothing, and what tells chosen from rejected sides without reading them: their
    length, and signs that nearly all chosen, or all rejected sides have alone."""

    findings = ("equal", "escapes")
    labels: ClassVar[Mapping[str, str]] = {
        "equal": "sides that do not differ",
        "escapes": "escapes on one side alone",
        "chosen_longer": "chosen longer, %",
        "chosen_shorter": "chosen shorter, %",
        "leaks": "signs that tell the sides apart",
    }

    def __init__(self, kind: Kind[Comparison, Any]) -> None:
        super().__init__(kind)
        self._count = 0
        self._longer = Counter[bool]()
        self._signs: tuple[Counter[str], Counter[str]] = (Counter(), Counter())  # that the chosen, the rejected has

    def checks(self, record: Comparison, shown: Sequence[str]) -> Iterable[str]:
        """What is wrong with a comparison; counts its lengths and signs."""
        self._count += 1
        if len(record.chosen) != len(record.rejected):
            self._longer[len(record.chosen) > len(record.rejected)] += 1
        signs = [_signs(side) for side in record[1:]]
        self._signs[0].update(signs[0] - signs[1])
        self._signs[1].update(signs[1] - signs[0])
        if unusable(record):
            yield "equal"
        elif escaped(record):
            yield "escapes"

    def figures(self) -> JsonObject:
        """Shares of comparisons by length, and the signs, strongest first: how many chosen and how many rejected sides
        have one that the other side has not."""
        leaks = []
        for sign in {*self._signs[0], *self._signs[1]}:
            chosen, rejected = (counts[sign] for counts in self._signs)
            if chosen + rejected >= _FEWEST and max(chosen, rejected) >= _SURE * (chosen + rejected):
                leaks.append((-abs(chosen - rejected), {"sign": sign, "chosen": chosen, "rejected": rejected}))
        leaks.sort(key=lambda leak: (leak[0], str(leak[1]["sign"])))
        share = 100 / max(1, self._count)
        return {
            "leaks": [leak for _, leak in leaks[:_LEAKS]],
            "chosen_longer": share * self._longer[True],
            "chosen_shorter": share * self._longer[False],
        }

    def cell(self, name: str, value: Any) -> str:
        """Shares, and the strongest sign."""
        if name == "leaks":
            return "".join(f"{leak['sign']}: {leak['chosen']:,} / {leak['rejected']:,}" for leak in value[:1]) or "none"
        return f"{value:.1f}" if name in ("chosen_longer", "chosen_shorter") else super().cell(name, value)


def _signs(side: str) -> set[str]:
    """What can be seen of a text without reading it: its punctuation and symbols, and its last character."""
    found = {character for character in side if unicodedata.category(character)[0] in "PSC"}
    named = {"line end" if character in "\r\n" else character for character in found}
    last = side.rstrip()[-1:]
    return named | ({f"{last} at the end"} if last and not last.isalnum() else {"no sign at the end"})
