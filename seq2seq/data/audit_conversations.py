"""An audit of conversations: what cannot be learnt from, and how long they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from seq2seq.data.audit import Tally
from seq2seq.data.conversations import Conversation, unusable
from seq2seq.data.findings import JsonObject
from seq2seq.data.records import Kind


class ConversationTally(Tally[Conversation]):
    """Counts turns too, and finds conversations that training drops."""

    findings = ("unusable",)
    labels: ClassVar[Mapping[str, str]] = {
        "unusable": "dropped: a blank turn, or not user and assistant in turns",
        "turns": "turns",
        "with_system": "with an instruction of the system",
    }

    def __init__(self, kind: Kind[Conversation, Any]) -> None:
        super().__init__(kind)
        self._turns: Counter[int] = Counter()
        self._with_system = 0

    def checks(self, record: Conversation, shown: Sequence[str]) -> Iterable[str]:
        """Whether training drops it."""
        self._turns[len(record.turns)] += 1
        self._with_system += record.turns[0].role == "system"
        if unusable(record):
            yield "unusable"

    def figures(self) -> JsonObject:
        """How many turns, and how many conversations have an instruction of the system."""
        return {"turns": sum(turns * count for turns, count in self._turns.items()), "with_system": self._with_system}
