"""Errors that a user can fix: each message has the offending value, where it came from and what to do."""

from collections.abc import Iterable


class SeqxError(Exception):
    """The base of every error that is shown to a user as one or two lines."""


class RecipeError(SeqxError):
    """A recipe, or a value given with --set, that cannot be used."""


class DataError(SeqxError):
    """Text that is missing, unreadable or inconsistent."""


class MissingCorpusError(DataError):
    """A corpus that is available nowhere; the message says where it was searched for, and why it was not found."""


class RunError(SeqxError):
    """A run folder that is missing, incomplete, damaged or of another recipe."""


class FormatError(RunError):
    """A file of a format that this seqx does not know: a newer one wrote it."""


class ArgumentError(SeqxError, TypeError):
    """An argument that a function of the library does not accept."""


class OutputError(SeqxError):
    """An output file that cannot be written."""


class DeviceError(SeqxError):
    """A device or a precision that this machine does not have."""


def refuse_one_text(texts: object, function: str) -> None:
    """Raise ArgumentError for a single string in place of several: its letters would be taken for texts."""
    if isinstance(texts, str | bytes):
        raise ArgumentError(f"{function} takes several texts, and {texts!r:.40} is one: give a list, [{texts!r:.40}]")


def near(word: str, known: Iterable[str]) -> str:
    """A suggestion for an unknown word, for an error message; or an empty string."""
    from difflib import get_close_matches

    close = get_close_matches(word, [*known], n=1)
    return f" (did you mean {close[0]}?)" if close else ""
