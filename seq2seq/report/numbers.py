"""Numbers for people."""

from __future__ import annotations

import math
from typing import Any


def shown(value: Any) -> str:
    """A value with as many digits as help to compare: whole numbers with all of theirs, others with about four."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if not isinstance(value, float):
        return str(value)
    if not math.isfinite(value):
        return str(value)
    size = abs(value)
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 1:
        return f"{value:.3f}".rstrip("0").rstrip(".")
    if size >= 0.001:
        return f"{value:.4f}".rstrip("0")
    return f"{value:.2e}"


def exact(value: Any) -> str:
    """A value with six digits."""
    return f"{value:.6g}" if isinstance(value, float) else shown(value)


def duration(seconds: float) -> str:
    """A time in the two units that matter."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600:,} h {whole % 3600 // 60} min"
