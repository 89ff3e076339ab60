"""Conversations: turns of a user and of an assistant."""

from __future__ import annotations

from typing import NamedTuple


class Turn(NamedTuple):
    """What one side says."""

    role: str  # system, user or assistant
    content: str
