"""seqx: train, judge and serve Transformers on the machine you have. `cli` is its command line; this is its library.

    import seq2seq

    translator = seq2seq.load("runs/fr-en")
    translator.translate("bonjour")
    translator.translate(["un chat", "deux chiens"])

    seq2seq.load("runs/gpt-shakespeare").generate("ROMEO:", max_tokens=100, seed=1)
    seq2seq.load("runs/sentiment").classify("what a wonderful film").label

Modules are imported on first use, torch only where an engine needs it.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seq2seq.errors import ArgumentError, DataError, DeviceError, RecipeError, RunError, SeqxError
    from seq2seq.library import Assistant, Classifier, Generator, Translator, load

__version__ = "0.1.0"

__all__ = [
    "ArgumentError",
    "Assistant",
    "Classifier",
    "DataError",
    "DeviceError",
    "Generator",
    "RecipeError",
    "RunError",
    "SeqxError",
    "Translator",
    "__version__",
    "load",
]


class _Unknown(AttributeError):
    """Suggests a name when shown, not before: every `from seq2seq import part` raises one first."""

    def __str__(self) -> str:
        from difflib import get_close_matches

        close = get_close_matches(str(self.name), __all__, n=1)
        return f"seq2seq has no {self.name}" + (f"; did you mean {close[0]}?" if close else f"; it has {__all__}")


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise _Unknown(name=name)
    from seq2seq import errors, library

    value = globals()[name] = getattr(errors if name.endswith("Error") else library, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
