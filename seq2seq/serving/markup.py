"""HTML whose texts are translated, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bs4 import BeautifulSoup, Comment, Declaration, Doctype, ProcessingInstruction, Tag
from bs4.element import NavigableString

_KEPT = ("script", "style", "code", "pre", "kbd", "samp", "var", "textarea", "svg", "math", "template")
_NOT_TEXT = (Comment, Declaration, Doctype, ProcessingInstruction)
_NAMES = re.compile(r"(\w+://|www\.|[@#])\S*|\S+@\S+|\S*/\S*")  # addresses, mentions and tags of social networks


class Markup:
    """The texts of HTML that are to be translated. What is between `translate="no"`, in `class="notranslate"`, code,
    addresses, mentions and hash tags are kept. Each text between two tags is translated by itself."""

    def __init__(self, html: str) -> None:
        self._tree = BeautifulSoup(html, "html.parser")
        self._places = [text for text in self._tree.find_all(string=True) if _is_text(text)]
        # Line ends in HTML are spaces: a line each would cut sentences.
        self.texts = [" ".join(text.split()) for text in self._places]

    def translated(self, translations: Sequence[str]) -> str:
        """The HTML with these translations of its texts, with the space around each."""
        for place, translation in zip(self._places, translations, strict=True):
            text = str(place)
            before = text[: len(text) - len(text.lstrip())]
            place.replace_with(NavigableString(before + translation.strip() + text[len(text.rstrip()) :]))
        return self._tree.decode(formatter="minimal")


def _is_text(text: NavigableString) -> bool:
    if isinstance(text, _NOT_TEXT) or not text.strip() or _NAMES.fullmatch(text.strip()):
        return False
    return not any(_is_kept(tag) for tag in text.parents)


def _is_kept(tag: Tag) -> bool:
    names = {"notranslate", "invisible"} & set(tag.get_attribute_list("class"))
    return bool(tag.name in _KEPT or names or str(tag.get("translate", "")).lower() == "no")
