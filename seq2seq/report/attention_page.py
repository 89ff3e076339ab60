"""Attention as a page of its own, or a section of another: point at a word to see what it attends to.

A page makes no request: style and script are in it. Texts are escaped, in HTML and in JSON.
"""

from __future__ import annotations

import json
from html import escape
from itertools import count
from pathlib import Path
from typing import Any

from seq2seq.decoding.attention import KINDS, Attention, AttentionMap, plain, shown

_NUMBERS = count(1)  # of sections, whose labels need names of their own
_SCALE = 1000  # weights are written as whole numbers of thousandths

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Attention: {title}</title>
<style>
body {{ margin: 0; font: 1rem/1.5 system-ui, sans-serif; }}
@media (prefers-color-scheme: dark) {{ body {{ background: #14171b; color: #e8ebee; }} }}
main {{ max-width: 60rem; margin: 0 auto; padding: 1.25rem; }}
h1 {{ font-size: 1.25rem; margin: 0; overflow-wrap: anywhere; }}
header p {{ margin: 0.25rem 0; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<header><p>{name}</p><h1>{text}</h1><p>{output}</p></header>
{section}
</main>
{assets}
</body>
</html>
"""
_SECTION = """<section class="attention" aria-label="Attention">
<noscript><p>The words of this section show what they attend to with JavaScript, which is in this file.</p></noscript>
<div class="choices">
<label for="attention-kind-{n}">attention <select class="kind" id="attention-kind-{n}"></select></label>
<label for="attention-layer-{n}">layer <select class="layer-choice" id="attention-layer-{n}"></select></label>
<label for="attention-head-{n}">head <select class="head-choice" id="attention-head-{n}"></select></label>
</div>
<p class="side of-queries" id="attention-queries-{n}"></p>
<div class="words queries" role="group" aria-labelledby="attention-queries-{n}"></div>
<p class="side of-keys" id="attention-keys-{n}"></p>
<div class="words keys" role="group" aria-labelledby="attention-keys-{n}"></div>
<p class="said" aria-live="polite"></p>
<p class="side">All layers and heads: rows are words, columns what they look at; grey is hidden by the mask</p>
<div class="maps"></div>
<script type="application/json">{data}</script>
</section>"""


def page(attention: Attention, name: str = "") -> str:
    """A whole page, as HTML; `name` says whose attention it is."""
    return _PAGE.format(
        policy=_POLICY,
        title=escape(plain(_start(attention.text))),
        name=escape(name),
        text=escape(plain(attention.text)),
        output=escape(plain(attention.output)),
        section=section(attention),
        assets=assets(),
    )


def section(attention: Attention) -> str:
    """The same without the page around it; a page with such sections ends with `assets()`, once."""
    data = {"maps": [_map(each) for each in attention.maps]}
    # JSON in a page must not end its element, nor begin a comment.
    written = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return _SECTION.format(n=next(_NUMBERS), data=written)


def assets() -> str:
    """The style and the script of all sections of a page."""
    style, script = (
        Path(__file__).with_name(f"attention.{kind}").read_text(encoding="utf-8") for kind in ("css", "js")
    )
    return f"<style>\n{style}</style>\n<script>\n{script}</script>"


def _map(found: AttentionMap) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "name": KINDS[found.kind],
        "queries": shown(found.queries),
        "keys": shown(found.keys),
        "predicted": shown(found.predicted),
        "mask": found.mask.astype(int).tolist(),
        "layers": [(layer * _SCALE).round().astype(int).tolist() for layer in found.layers],
    }


def _start(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
