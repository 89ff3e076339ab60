"""What can go wrong for a reason a user can mend: each message says the value, where it came from and what to do."""


class SeqxError(Exception):
    """The base of every error that is shown to a user as one or two lines."""


class RecipeError(SeqxError):
    """A recipe, or a value given with --set, that cannot be used."""


class DataError(SeqxError):
    """Text that is missing, unreadable or inconsistent."""


class MissingCorpusError(DataError):
    """A corpus that is nowhere available; the message says where it was looked for, and why it is not there."""


class RunError(SeqxError):
    """A run folder that is missing, incomplete, damaged or of another recipe."""


class FormatError(RunError):
    """A file of a format that this seqx does not know: a newer one wrote it."""


class ArgumentError(SeqxError, TypeError):
    """A value that a function of the library cannot take."""


class OutputError(SeqxError):
    """A file that was asked for and cannot be written."""


class DeviceError(SeqxError):
    """A device or a precision that this machine does not have."""


def refuse_one_text(texts: object, function: str) -> None:
    """Raise ArgumentError where one text is given in place of several: its letters would be taken for texts."""
    if isinstance(texts, str | bytes):
        raise ArgumentError(f"{function} takes several texts, and {texts!r:.40} is one: give a list, [{texts!r:.40}]")
