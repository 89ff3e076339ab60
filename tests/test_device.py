from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from seq2seq import device

LIBRARY: Any = torch.backends.mkldnn


@pytest.fixture
def products() -> Iterator[Any]:
    """How float32 products are computed, put back afterwards."""
    if not hasattr(LIBRARY, "matmul"):
        pytest.skip("this torch lets nobody choose")
    before = LIBRARY.matmul.fp32_precision
    LIBRARY.matmul.fp32_precision = "none"
    yield LIBRARY.matmul
    LIBRARY.matmul.fp32_precision = before


def error() -> float:
    one, other = torch.randn(2, 300, 300, dtype=torch.float64)
    return float((one.float() @ other.float() - one @ other).abs().max())


def test_products_that_left_mkl_are_as_exact_as_float32(products: Any) -> None:
    device._leave_mkl()
    assert error() < 1e-3


def test_products_that_are_less_exact_stay_where_they_were(products: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_FLOAT32_ERROR", 1e-9)  # no float32 is as exact as that
    device._leave_mkl()
    assert products.fp32_precision == "none"
