"""What the tests of serving share: finished runs, and a server of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.servers import Served, named, serving


@pytest.fixture(scope="session")
def runs(
    trained: Path, trained_text: Path, trained_classifier: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    """Tiny runs of several tasks, each with a name of its own."""
    folder = tmp_path_factory.mktemp("served")
    kinds = {"fr-en": trained, "verse": trained_text, "kinds": trained_classifier}
    return [named(run, folder, name) for name, run in kinds.items()]


@pytest.fixture(scope="session")
def served(runs: list[Path]) -> Iterator[Served]:
    """A server of all of them, with the usual settings."""
    with serving(*runs) as server:
        yield server
