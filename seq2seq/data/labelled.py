"""Texts with labels: one text, or two that are judged together, and the name of a class."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple

from seq2seq.data.audit import Tally
from seq2seq.data.bundled import reviews
from seq2seq.data.corpus import SPLITS, Source, SplitName
from seq2seq.data.findings import JsonObject
from seq2seq.data.folding import fold
from seq2seq.data.hold_out import fingerprint
from seq2seq.data.records import Kind
from seq2seq.data.tables import Columns
from seq2seq.data.unchanged import digest
from seq2seq.errors import DataError
from seq2seq.recipe import Data, Hub

_LINE_END = re.compile(r"\r\n|\r|\n")
_MOST_CLASSES = 1000
_SHOWN = 10  # classes in a message


class Labelled(NamedTuple):
    """A text, or two that are judged together, and the name of its class."""

    texts: tuple[str, ...]
    label: str


LabelledSource = Source[Labelled]


class LabelledColumns(Columns):
    """Columns named by `data.text` and `data.label`; on the Hub by `hub.text_column` and `hub.label_column`. A label
    may be a whole number."""

    def __init__(self, data: Data) -> None:
        super().__init__((*_split(data.text), data.label.strip()), (data.label.strip(),))

    def on_hub(self, hub: Hub) -> tuple[str, ...]:
        """Raises DataError where there are not as many columns of text."""
        names = (*_split(hub.text_column), hub.label_column)
        if len(names) != len(self.fields):
            raise DataError(
                f"data.hub.text_column = {hub.text_column!r} has another number of texts than data.text = "
                f"{', '.join(self.fields[:-1])!r}: name as many columns"
            )
        return names


class LabelledKind(Kind[Labelled, LabelledSource]):
    """Texts with labels, of the columns and with the classes of a recipe."""

    noun = "text"
    reads = "texts with labels"
    record_type = Labelled
    blank = " but such as are blank or have no label"
    held_out_share = 10  # the figures of few texts say little
    compared_by = slice(-1)  # all but the label: a text that has two labels is in one split

    def __init__(self, data: Data) -> None:
        super().__init__(data, LabelledColumns(data))

    def record(self, cells: Sequence[str]) -> Labelled:
        """Line ends within a text become blanks; the number of one of the recipe's classes becomes its name."""
        *texts, label = cells
        return Labelled(tuple(_LINE_END.sub(" ", text) for text in texts), self.class_of(label))

    def class_of(self, label: str) -> str:
        """The name of the class that a label stands for."""
        label, classes = label.strip(), self.data.classes
        if label not in classes and label.isdecimal() and int(label) < len(classes):
            return classes[int(label)]
        return label

    def texts(self, record: Labelled) -> Sequence[str]:
        """The texts, then the label."""
        return (*record.texts, record.label)

    def bundled(self) -> dict[SplitName, LabelledSource] | None:
        """The reviews."""
        return {split: bundled(split) for split in SPLITS} if self.data.corpus == "reviews" else None


class LabelledTally(Tally[Labelled]):
    """Counts classes too, and finds texts that occur with two labels."""

    findings = ("other_label",)
    labels: ClassVar[Mapping[str, str]] = {
        "other_label": "texts with another label before",
        "classes": "classes",
        "largest_class": "largest class",
        "smallest_class": "smallest class",
    }

    def __init__(self, kind: Kind[Labelled, Any]) -> None:
        super().__init__(kind)
        self._classes: dict[str, int] = {}
        self._first: dict[int, str] = {}  # label of each text, by digest

    def checks(self, record: Labelled, shown: Sequence[str]) -> Iterable[str]:
        """Whether a text, in any form, had another label before."""
        self._classes[record.label] = self._classes.get(record.label, 0) + 1
        key = fingerprint("\n".join(fold(text).decode("utf-8", "replace") for text in record.texts))
        if self._first.setdefault(key, record.label) != record.label:
            yield "other_label"

    def figures(self) -> JsonObject:
        """Texts of each class, the largest first."""
        ranked = sorted(self._classes.items(), key=lambda item: (-item[1], item[0]))
        return {"classes": dict(ranked), "largest_class": ranked[:1], "smallest_class": ranked[-1:]}

    def cell(self, name: str, value: Any) -> str:
        """A class with its number of texts."""
        if name == "classes":
            return f"{len(value):,}"
        if name in ("largest_class", "smallest_class"):
            return "".join(f"{label[:30]} {count:,}" for label, count in value)
        return super().cell(name, value)


def classes_of(kind: LabelledKind, sources: Iterable[LabelledSource]) -> tuple[str, ...]:
    """The classes of the recipe, else the labels of all texts, sorted (numbers by value).

    Raises DataError: a label that is not one of the recipe's classes, fewer than two labels, too many to be classes.
    """
    known: dict[str, None] = dict.fromkeys(kind.data.classes)
    for source in sources:
        for number, record in source.numbered():
            if not record.label or record.label in known:
                continue
            place = f"{source.origin}, text {number:,}"
            if kind.data.classes:
                raise unknown_label(record.label, kind.data.classes, place, "add it to data.classes, or leave it unset")
            known[record.label] = None
            if len(known) > _MOST_CLASSES:
                raise DataError(
                    f"{place}: over {_MOST_CLASSES:,} different labels, the last is {record.label[:40]!r}: set "
                    f"data.label to the column of classes; it is {kind.data.label}"
                )
    if len(known) < 2:
        raise DataError(f"all texts have the label {', '.join(known) or '(none)'}: there is nothing to learn")
    return kind.data.classes or tuple(sorted(known, key=lambda label: (not label.isdecimal(), _number(label), label)))


def unknown_label(label: str, classes: Sequence[str], place: str, remedy: str) -> DataError:
    """The error for a label that is not one of some classes."""
    more = f" and {len(classes) - _SHOWN} more" if len(classes) > _SHOWN else ""
    return DataError(
        f"{place}: the label {label[:40]!r} is not one of the classes {', '.join(classes[:_SHOWN])}{more}; {remedy}"
    )


def bundled(split: SplitName) -> LabelledSource:
    """A split of the bundled reviews."""
    records = functools.cache(lambda: [Labelled((text,), label) for label, text in reviews.reviews(split)])
    content = functools.cache(lambda: digest((text, label) for (text,), label in records()))
    return LabelledSource("bundled reviews", lambda: iter(records()), content)


def _split(columns: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in columns.split(","))


def _number(label: str) -> int:
    return int(label) if label.isdecimal() else 0
