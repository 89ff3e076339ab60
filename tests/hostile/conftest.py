"""The fixtures of the command's tests."""

from __future__ import annotations

from tests.cli.conftest import seqx, trained

__all__ = ["seqx", "trained"]
