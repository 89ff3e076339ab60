"""What a translation keeps: placeholders, tags, addresses, numbers."""

from __future__ import annotations

import re
from collections import Counter

_PLACEHOLDER = re.compile(
    r"\{\{?[^{}\n]{0,40}\}?\}"  # {name}
    r"|%(?:\(\w+\)|\d+\$)?[-+0#]*\d*(?:\.\d+)?[sdifgxXuc@](?![A-Za-z])"  # %s, %(name)s, %1$d
    r"|(?<!\d)%[1-9](?!\w)"  # %1
    r"|\$\{\w+\}|\[\[\w+\]\]|__\w+__"
    r"|&(?:nbsp|ensp|emsp|thinsp|shy|zwnj|zwj|#160|#173|#xa0|#xA0);"
    r"|\\[nrt]"  # as a program's text has it
    r"|</?(?:[A-Za-z][\w:-]*(?:\s[^<>]*)?|\d+)/?>"
    r"|(?:https?://|www\.)[^\s<>\"«»()]+"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
)
_ARGUMENT = re.compile(r"(?<![\w$])\$([1-9])(?!\d|[.,]\d)")  # $1, or money
_MAY_HOLD = re.compile(r"[{%<$\[@&\\]|__|://|www\.")
_GROUPS = re.compile(r"(?<=\d)[\s.,'’](?=\d{3}(?!\d))")
_DIGIT = re.compile(r"\d")
_LONG_NUMBER = re.compile(r"\d{3,}")  # seldom written as a word


def placeholders(side: str) -> dict[str, int]:
    """The placeholders, tags and addresses of a side, each with its count."""
    if not _MAY_HOLD.search(side):
        return {}
    return Counter(map(_as_one, _PLACEHOLDER.findall(side)))


def arguments(side: str) -> set[str]:
    """The digits of $1 and the like."""
    return {*_ARGUMENT.findall(side)} if "$" in side else set()


def long_numbers(side: str) -> dict[str, int]:
    """The numbers of three or more digits, of any script, each with its count; without what groups their digits."""
    if not _DIGIT.search(side):
        return {}
    return Counter(str(int(number[:30])) for number in _LONG_NUMBER.findall(_GROUPS.sub("", side)))


def _as_one(placeholder: str) -> str:
    """The part that must be equal on both sides: of a tag its name, of an address only that it is one."""
    if placeholder.startswith("<"):
        return placeholder.split()[0].strip("/<>").lower()
    if placeholder.startswith(("http", "www.")) or ("@" in placeholder and not placeholder.startswith(("%", "{"))):
        return "address"
    return placeholder.replace(" ", "")
