"""Opening the CTranslate2 copy of a run, after a check of all that CTranslate2 does not check; no torch here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ctranslate2

from seq2seq import device_names
from seq2seq.errors import DeviceError, RunError
from seq2seq.interop.ctranslate2.copy import Copy
from seq2seq.interop.ctranslate2.load_checks import check, read_words


class Vocabulary:
    """Token numbers to CTranslate2's strings, and back."""

    def __init__(self, path: Path) -> None:
        self.all_words = read_words(path)  # the strings of all tokens, in order
        self._numbers = {word: number for number, word in enumerate(self.all_words)}

    def words(self, tokens: Sequence[int]) -> list[str]:
        """The strings of tokens."""
        return [self.all_words[token] for token in tokens]

    def numbers(self, words: Sequence[str]) -> tuple[int, ...]:
        """The tokens of strings."""
        return tuple(self._numbers[word] for word in words)


def choose_device(name: str) -> str:
    """The device of --device auto|cpu|cuda for CTranslate2; auto is CUDA where available. Raises DeviceError where the
    device is not available."""
    kind, number = device_names.parsed(name)
    count = ctranslate2.get_cuda_device_count()
    if kind == "auto":
        return "cuda" if count else "cpu"
    if kind == "mps":
        raise DeviceError(f"--device {name}: CTranslate2 has auto, cpu and cuda; --engine torch has mps too")
    if kind == "cuda" and (number or 0) >= count:
        raise DeviceError(f"--device {name}: CTranslate2 finds {count} CUDA devices here; use --device cpu")
    return name


def read_vocabularies(copy: Copy, precision: str) -> tuple[Vocabulary, Vocabulary]:
    """The vocabularies of the source and the target, the same object where it is shared. Raises RunError where they are
    damaged."""
    folder = copy.model(precision)
    with damage_reported(copy, precision):
        for name in ("shared_vocabulary.json", "vocabulary.json"):
            if (folder / name).is_file():
                shared = Vocabulary(folder / name)
                return shared, shared
        return Vocabulary(folder / "source_vocabulary.json"), Vocabulary(folder / "target_vocabulary.json")


def open_model(
    copy: Copy, precision: str, vocabularies: tuple[Vocabulary, Vocabulary], device: str, workers: int
) -> Any:
    """CTranslate2's Translator, Generator or Encoder of a copy; it takes batches from `workers` threads at a time.

    `device` is from `choose_device`. On a CPU one thread for each of several batches is faster than several threads for
    one. Raises RunError where the copy is damaged, DeviceError where the precision is not available.
    """
    kind, _, number = device.partition(":")
    open_folder = ctranslate2.Generator if copy.settings.decoder_only else ctranslate2.Translator
    if copy.settings.pooling:
        open_folder = ctranslate2.Encoder
    folder = copy.model(precision)
    with damage_reported(copy, precision):
        if precision not in ctranslate2.get_supported_compute_types(kind, int(number or 0)):
            raise DeviceError(f"--precision {precision}: {device} has none in CTranslate2; use float32")
        check(folder, *(vocabulary.all_words for vocabulary in vocabularies))
        copy.must_be_unchanged(precision)
        return open_folder(
            str(folder),
            device=kind,
            device_index=int(number or 0),
            compute_type=precision,
            inter_threads=workers,
            intra_threads=1,
        )


@contextmanager
def damage_reported(copy: Copy, precision: str) -> Iterator[None]:
    """Errors of a copy that cannot be opened, as RunError."""
    try:
        yield
    except PermissionError:
        raise
    except (RuntimeError, ValueError, IndexError, OSError) as error:
        raise RunError(
            f"{copy.model(precision)} cannot be used by CTranslate2 ({error}); `seqx export --run "
            f"{copy.folder.parent}` makes it again, --engine torch does without"
        ) from error


@contextmanager
def run_errors() -> Iterator[None]:
    """CTranslate2's errors of a model that it opened and cannot compute, as RunError."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError) as error:
        raise RunError(
            f"CTranslate2 cannot compute the run's copy ({error}); make it again with `seqx export`, or use "
            "--engine torch"
        ) from error
