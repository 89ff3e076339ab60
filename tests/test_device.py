"""Large products on a CPU: as exact as float32 by the way that is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from seq2seq import device

LIBRARY: Any = torch.backends.mkldnn
pytestmark = pytest.mark.skipif(not hasattr(LIBRARY, "matmul"), reason="this torch lets nobody choose its products")


@pytest.fixture(autouse=True)
def undecided(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """On an AMD processor, whatever there is, and nothing tried yet."""
    monkeypatch.setattr(device, "processor", lambda: "AuthenticAMD")
    device.onednn_is_exact.cache_clear()
    yield
    device.onednn_is_exact.cache_clear()


def test_large_products_are_as_exact_as_float32_and_only_while_they_last() -> None:
    one, other = torch.randn(2, 300, 300, dtype=torch.float64)
    before = LIBRARY.matmul.fp32_precision
    with device.large_products():
        assert (one.float() @ other.float() - one @ other).abs().max() < 1e-3
    assert LIBRARY.matmul.fp32_precision == before


def test_products_that_are_less_exact_stay_where_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "FLOAT32_ERROR", 1e-9)  # no float32 is as exact as that
    before = LIBRARY.matmul.fp32_precision
    with device.large_products():
        assert LIBRARY.matmul.fp32_precision == before


def test_another_processor_keeps_what_torch_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "processor", lambda: "GenuineIntel")
    before = LIBRARY.matmul.fp32_precision
    with device.large_products():
        assert LIBRARY.matmul.fp32_precision == before
