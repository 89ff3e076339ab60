"""Numbers for people."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any


def shown(value: Any) -> str:
    """A value with as many digits as help to compare: whole numbers with all of theirs, others with about four."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer() and abs(value) < 1e15):
        return f"{int(value):,}"
    if not isinstance(value, float) or not math.isfinite(value):
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


def aligned(column: Sequence[Any]) -> list[str]:
    """The cells of a column, which is easier to read where its numbers have as many decimals: one, of numbers that are
    all 1 or more, some of them 10 or more."""
    flat = [each for value in column for each in (value if isinstance(value, tuple) else (value,))]
    sizes = [abs(each) for each in flat if isinstance(each, float) and math.isfinite(each) and each]
    digits = 1 if sizes and min(sizes) >= 1 and 10 <= max(sizes) < 1000 else None

    def text(value: Any) -> str:
        if isinstance(value, tuple):
            return "–".join(map(text, value)) if None not in value else ""
        return shown(value) if digits is None or not isinstance(value, float) else f"{value:.{digits}f}"

    return [text(value) for value in column]


def tick(value: float) -> str:
    """The value at a mark of an axis."""
    if value and not 1e-4 <= abs(value) < 1e6:
        return re.sub(r"e([+-])0*", lambda match: f"e{match[1].strip('+')}", f"{value:.2g}")
    return f"{value:,.10g}"


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
