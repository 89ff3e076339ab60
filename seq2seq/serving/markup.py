"""HTML whose texts are translated, and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from html import escape, unescape
from html.parser import HTMLParser

from seq2seq.serving.errors import Refused

_KEPT = ("script", "style", "code", "pre", "kbd", "samp", "var", "textarea", "svg", "math", "template")
# Elements without content, which have no end tag.
_VOID = (
    *("area", "base", "br", "col", "embed", "hr", "img", "input"),
    *("link", "meta", "param", "source", "track", "wbr"),
)
_NAMES = re.compile(r"(\w+://|www\.|[@#])\S*|\S+@\S+|\S*/\S*")  # addresses, mentions and tags of social networks

Attributes = list[tuple[str, str | None]]


class Markup(HTMLParser):
    """The texts of HTML that are to be translated. What is between `translate="no"`, in `class="notranslate"`, code,
    addresses, mentions and hash tags are kept. Each text between two tags is translated by itself.

    Takes time in proportion to the length of the HTML, however deep its elements are. Raises Refused where it cannot be
    read.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._pieces: list[str] = []  # of the HTML, as they are written
        self._places: list[int] = []  # the pieces that are translated
        self._data: list[str] = []  # since the last tag
        self._open: list[tuple[str, bool]] = []  # elements, and whether what is in them is kept
        self._counts: Counter[str] = Counter()  # of open elements, by name
        end = html.rfind(">") + 1  # no tag ends after it: the parser would look for one from each "<"
        try:
            self.feed(html[:end])
            self.close()
        except AssertionError as error:  # so the parser says that a declaration is wrong
            raise Refused(400, f"Invalid request: the HTML cannot be read ({error})") from None
        self.handle_data(self.rawdata + unescape(html[end:]))  # rawdata: of a script that does not end
        self._end_text()

    def translated(self, translations: Sequence[str]) -> str:
        """The HTML with these translations of its texts, with the space around each."""
        pieces = [*self._pieces]
        for place, translation in zip(self._places, translations, strict=True):
            text = pieces[place]
            before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
            pieces[place] = before + escape(translation.strip(), quote=False) + after
        return "".join(pieces)

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        """See HTMLParser."""
        self.handle_startendtag(tag, attrs)
        if tag not in _VOID:
            self._open.append((tag, self._kept or _is_kept(tag, attrs)))
            self._counts[tag] += 1

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        """See HTMLParser."""
        self._write(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        """See HTMLParser. The end of an element ends those that are open in it."""
        self._write(f"</{tag}>")
        while self._counts[tag]:
            name, _ = self._open.pop()
            self._counts[name] -= 1
            if name == tag:
                break

    def handle_data(self, data: str) -> None:
        """See HTMLParser, which may give a text in several parts."""
        self._data.append(data)

    def handle_comment(self, data: str) -> None:
        """See HTMLParser."""
        self._write(f"<!--{data}-->")

    def handle_decl(self, decl: str) -> None:
        """See HTMLParser."""
        self._write(f"<!{decl}>")

    def handle_pi(self, data: str) -> None:
        """See HTMLParser."""
        self._write(f"<?{data}>")

    def unknown_decl(self, data: str) -> None:
        """See HTMLParser."""
        self._write(f"<![{data}]>")

    @property
    def _kept(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _write(self, piece: str) -> None:
        self._end_text()
        self._pieces.append(piece)

    def _end_text(self) -> None:
        text = "".join(self._data)
        self._data.clear()
        if text.strip() and not self._kept and not _NAMES.fullmatch(text.strip()):
            self._places.append(len(self._pieces))
            # Line ends in HTML are spaces: a line each would cut sentences.
            self.texts.append(" ".join(text.split()))
        raw = bool(self._open) and self._open[-1][0] in self.CDATA_CONTENT_ELEMENTS
        self._pieces.append(text if raw else escape(text, quote=False))


def _is_kept(tag: str, attributes: Attributes) -> bool:
    values = {name: value or "" for name, value in attributes}
    classes = {"notranslate", "invisible"} & {*values.get("class", "").split()}
    return tag in _KEPT or bool(classes) or values.get("translate", "").lower() == "no"
