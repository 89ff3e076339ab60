"""HTML whose texts are translated, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape, unescape
from html.parser import HTMLParser
from typing import Literal

from seq2seq.decoding.alignment import Link
from seq2seq.serving.errors import Refused
from seq2seq.serving.passage import NAMES, Passage, Token

_KEPT = ("script", "style", "code", "pre", "kbd", "samp", "var", "textarea", "svg", "math", "template")
# Elements without content, which have no end tag.
_VOID = (
    *("area", "base", "br", "col", "embed", "hr", "img", "input"),
    *("link", "meta", "param", "source", "track", "wbr"),
)
# Elements inside sentences; others are between them.
_INLINE = (
    *("a", "abbr", "acronym", "b", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i"),
    *("img", "ins", "kbd", "label", "mark", "math", "q", "s", "samp", "small", "span", "strike", "strong", "sub"),
    *("sup", "svg", "time", "tt", "u", "var", "wbr"),
)

Attributes = list[tuple[str, str | None]]


class Markup(HTMLParser):
    """The texts of HTML that are to be translated. What is between `translate="no"`, in `class="notranslate"`, code,
    addresses, mentions and hash tags are kept. A text reaches from one block to the next, with the tags inside it;
    where these are not balanced, from one tag to the next.

    Takes time in proportion to the length of the HTML, however deep its elements are. Raises Refused where it cannot be
    read.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.passages: list[Passage] = []
        self._pieces: list[str] = []  # of the HTML, as they are written
        self._places: list[int] = []  # the pieces that are passages
        self._tokens: list[Token] = []  # since the last block
        self._open: list[tuple[str, bool]] = []  # elements, and whether what is in them is kept
        self._counts: Counter[str] = Counter()  # of open elements, by name
        end = html.rfind(">") + 1  # no tag ends after it: the parser would look for one from each "<"
        try:
            self.feed(html[:end])
            self.close()
        except AssertionError as error:  # so the parser says that a declaration is wrong
            raise Refused(400, f"Invalid request: the HTML cannot be read ({error})") from None
        self.handle_data(self.rawdata + unescape(html[end:]))  # rawdata: of a script that does not end
        self._end_block()

    @property
    def texts(self) -> list[str]:
        """The texts to translate."""
        return [passage.text for passage in self.passages]

    def translated(self, translations: Sequence[str], links: Sequence[Sequence[Link]] | None = None) -> str:
        """The HTML with these translations of its texts, and the links of their words; without links, the tags inside
        a text follow the order of its words."""
        pieces = [*self._pieces]
        known = links or [()] * len(self.passages)
        for place, passage, text, own in zip(self._places, self.passages, translations, known, strict=True):
            pieces[place] = passage.translated(text.strip(), own)
        return "".join(pieces)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """See HTMLParser."""
        kept = self._kept or _is_kept(tag, attrs)
        self._tag("point" if tag in _VOID else "open", tag, self.get_starttag_text() or "", kept=kept)
        if tag not in _VOID:
            self._open.append((tag, kept))
            self._counts[tag] += 1

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        """See HTMLParser."""
        self._tag("point", tag, self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """See HTMLParser. The end of an element ends those that are open in it."""
        while self._counts[tag]:
            name, _ = self._open.pop()
            self._counts[name] -= 1
            if name == tag:
                break
        self._tag("close", tag, f"</{tag}>")

    def handle_data(self, data: str) -> None:
        """See HTMLParser, which may give a text in several parts."""
        raw = bool(self._open) and self._open[-1][0] in self.CDATA_CONTENT_ELEMENTS
        html = data if raw else escape(data, quote=False)
        if self._tokens and self._tokens[-1].kind == "text":
            before = self._tokens.pop()
            html, data = before.html + html, before.value + data
        self._tokens.append(Token("text", html, data, self._kept))

    def handle_comment(self, data: str) -> None:
        """See HTMLParser."""
        self._tokens.append(Token("point", f"<!--{data}-->"))

    def handle_decl(self, decl: str) -> None:
        """See HTMLParser."""
        self._block(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        """See HTMLParser."""
        self._block(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        """See HTMLParser."""
        self._block(f"<![{data}]>")

    @property
    def _kept(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _tag(self, kind: Literal["open", "close", "point"], tag: str, html: str, *, kept: bool = False) -> None:
        if tag not in _INLINE and not self._kept:
            self._block(html)
            return
        if tag == "br" and next((each.value == "br" for each in self._tokens[::-1] if each.html.strip()), False):
            self._end_block()  # an empty line
        self._tokens.append(Token("break" if tag == "br" and kind == "point" else kind, html, tag, kept))

    def _block(self, html: str) -> None:
        self._end_block()
        self._pieces.append(html)

    def _end_block(self) -> None:
        tokens, self._tokens = self._tokens, []
        try:
            self._write(tokens)
        except ValueError:
            for token in tokens:
                self._write([token]) if token.kind == "text" else self._pieces.append(token.html)

    def _write(self, tokens: Sequence[Token]) -> None:
        """Texts, and the tags inside them, as one passage. Raises ValueError as that does."""
        text = "".join(token.value for token in tokens if token.kind == "text" and not token.kept).strip()
        passage = Passage(tokens) if text and not NAMES.fullmatch(text) else None
        if passage is None or not passage.text:
            self._pieces += [token.html for token in tokens]
            return
        first, last = (each.value if each.kind == "text" else "" for each in (tokens[0], tokens[-1]))
        self._pieces += [first[: len(first) - len(first.lstrip())], "", last[len(last.rstrip()) :]]
        self._places.append(len(self._pieces) - 2)
        self.passages.append(passage)


def _is_kept(tag: str, attributes: Attributes) -> bool:
    values = {name: value or "" for name, value in attributes}
    classes = {"notranslate", "invisible"} & {*values.get("class", "").split()}
    return tag in _KEPT or bool(classes) or values.get("translate", "").lower() == "no"
