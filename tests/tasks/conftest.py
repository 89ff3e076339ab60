"""A run that other tasks start from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.sessions import session, tiny_corpus, tiny_recipe


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished translator; its tests must not change it."""
    folder = tmp_path_factory.mktemp("start") / "start"
    list(session(tiny_recipe(), tiny_corpus(), folder).events())
    return folder
