"""A page as one HTML file that asks no host for anything: Jinja's templates with its escaping on, style and script
inline and named by their checksums, so that no other one runs."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.metadata import version
from itertools import count, groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from seq2seq.decoding.attention import KINDS, AttentionMap, shown
from seq2seq.evaluation.parts import Page, Part, Table
from seq2seq.report import chart, numbers, words

_TEMPLATES = Path(__file__).parent / "templates"
_LONG, _LONGEST = 24, 400  # characters of a cell
_SCALE = 1000  # weights of attention are whole numbers of thousandths
# Control characters, which HTML does not have, and those that turn the direction of what follows them.
_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def html(page: Page) -> str:
    """The page as text. Sections without parts are left out."""
    style, script = (Markup("".join(_parts(ending))) for ending in ("css", "js"))
    ids = (f"c{number}" for number in count(1))
    shown = Page(page.title, page.kind, page.summary, [section for section in page.sections if section.parts])
    return (
        _environment()
        .get_template("page.html")
        .render(
            page=shown,
            version=version("seqx"),
            style=style,
            script=script,
            policy=f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; base-uri 'none'; "
            "form-action 'none'",
            next_id=lambda: next(ids),
        )
        .lstrip()  # the lines between the template's macros
    )


def _parts(ending: str) -> Iterator[str]:
    for name in ("page", "attention"):
        yield (_TEMPLATES / f"{name}.{ending}").read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_visible,
    )
    made.filters |= {
        "shown": numbers.shown,
        "columns": _columns,
        "exact": numbers.exact,
        "cut": _cut,
        "drawn": chart.drawn,
        "differences": lambda pair: words.differences(*pair),
        "groups": _groups,
        "values": lambda points: " ".join(f"{x:.6g},{y:.6g}" for x, y in points),
        "maps": lambda maps: list(map(_map, maps)),
    }
    made.policies["json.dumps_kwargs"] = {"separators": (",", ":")}
    return made


def _groups(parts: Sequence[Part]) -> Iterator[tuple[str, list[Part]]]:
    """Neighbours of one kind, with the name of the macro that shows them."""
    for kind, group in groupby(parts, key=lambda part: type(part).__name__.lower()):
        yield kind, list(group)


def _columns(table: Table) -> list[tuple[str, list[tuple[Any, str]]]]:
    """The columns of a table: whether they are of numbers, or of long texts, else "", and each value with its text."""
    found = []
    for column in zip(*table.rows, strict=True):
        texts = list(map(numbers.exact, column)) if table.exact else numbers.aligned(column)
        numeric = all(not isinstance(value, str) for value in column) and any(value is not None for value in column)
        kind = "number" if numeric else "long" if max(map(len, texts)) > _LONG else ""
        found.append((kind, list(zip(column, texts))))
    return found


def _map(found: AttentionMap) -> dict[str, Any]:
    """A map as `attention.js` reads it."""
    return {
        "kind": found.kind,
        "name": KINDS[found.kind],
        **{side: shown(getattr(found, side)) for side in ("queries", "keys", "predicted")},
        "mask": found.mask.astype(int).tolist(),
        "layers": [(layer * _SCALE).round().astype(int).tolist() for layer in found.layers],
    }


def _visible(value: Any) -> Any:
    """Control characters as escapes, in all text that a template inserts."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _STEERING.sub(lambda each: each[0].encode("unicode_escape").decode(), value)
    return value


def _cut(text: str, longest: int = _LONGEST) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
