"""Small matrices where speeds are not what is tested."""

from __future__ import annotations

from functools import partial

import pytest

from seq2seq.measure import throughput
from seq2seq.measure.throughput import PeakFlops


def small_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the peak that updates are compared with measured by small products: each round of the usual ones takes a
    third of a second of one thread."""
    monkeypatch.setattr(throughput, "PeakFlops", partial(PeakFlops, sizes=(64, 128)))
