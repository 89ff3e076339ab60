"""The copy of a run for CTranslate2: its place, its origin, and the settings of the run's recipe for translating,
generating or classifying. Neither torch nor the recipe is read for it, so that a command starts at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seq2seq.errors import RunError
from seq2seq.storage.atomic import write_json
from seq2seq.storage.checksums import checksum_of, described, difference, sha256
from seq2seq.storage.reading import read_json

FOLDER = "ctranslate2"  # in the run folder
PRECISIONS = ("float32", "int8")

_FORMAT = 1
RECORD = "copy.json"
SHORTLIST = "vmap.txt"  # in copies of an older seqx; CTranslate2 reads it if it is there
_WEIGHTS = "model.safetensors"
_OLDER = "unlisted"  # a setting in copies of an older seqx
_KINDS: dict[Any, tuple[type, ...]] = {"str": (str,), "bool": (bool,), "int": (int,), "float": (int, float)}
# The bounds of a recipe, which is not read here.
_MAXIMA = {
    "beam_size": 1000,
    "max_extra": 10_000,
    "longest": 10**6,
    "positions": 10**7,
    "batch_tokens": 10**12,
    "texts": 2,
}


@dataclass(frozen=True)
class Settings:
    """The settings of a recipe for translating, generating or classifying."""

    source: str  # language codes
    target: str
    joint: bool
    decoder_only: bool
    longest: int  # maximum source tokens, EOS counted
    positions: int  # maximum tokens of a sequence
    beam_size: int
    length_penalty: float
    max_extra: int
    batch_tokens: int
    documents: bool = False  # whether its training text was many documents, each ended by EOS
    pooling: str = ""  # of a classifier: "mean" or "first"; empty for other models
    texts: int = 1  # that a classifier judges together


@dataclass(frozen=True)
class Copy:
    """The copy in a run folder, of its present weights and recipe."""

    folder: Path
    settings: Settings
    precision: str  # used by default
    files: dict[str, Any] | None = None  # checksums by name; older copies have none
    changed: bool = False  # whether the record has changed since it was written

    def model(self, precision: str) -> Path:
        """The folder that CTranslate2 opens."""
        return self.folder / precision

    def has(self, precision: str) -> bool:
        """Whether it has a precision: a pack has one."""
        return self.model(precision).is_dir()

    def sizes(self) -> dict[str, int]:
        """Bytes by precision."""
        return {
            precision: sum(file.stat().st_size for file in self.model(precision).iterdir())
            for precision in PRECISIONS
            if self.has(precision)
        }

    def must_be_unchanged(self, precision: str, *, again: bool = False) -> None:
        """Raise ValueError where a file of a model is not the one that was written, as far as its record says;
        `again` as for `checksums.difference`."""
        if self.changed:
            raise ValueError(f"{RECORD}: its checksum has changed since it was written")
        if self.files is None:
            return
        present = {f"{precision}/{path.name}" for path in self.model(precision).iterdir()}
        written = {name for name in self.files if name.startswith(f"{precision}/")}
        if different := present ^ written:
            raise ValueError(f"{min(different)} was {'removed' if min(different) in written else 'added'} since")
        for name in sorted(present):
            if why := difference(self.folder / name, self.files[name], again=again):
                raise ValueError(f"{name}: {why}")


def made_of(run: Path) -> dict[str, Any]:
    """The origin of a copy: the checksums of the run's files."""
    return {"weights": described(run / _WEIGHTS), "files": _small(run)}


def write(folder: Path, settings: Settings, precision: str, origin: dict[str, Any]) -> None:
    """Put the copy's record into its folder."""
    write_json(folder / RECORD, _record(settings, precision, origin, sorted(folder.glob("*/*"))))


def in_one_precision(copy: Copy, files: Iterable[Path], *, weights: bool) -> dict[str, Any]:
    """The record of a copy that leaves one precision, of these files, for a run folder with its weights or without."""
    run = copy.folder.parent
    origin = made_of(run) if weights else {"files": _small(run)}
    return _record(copy.settings, copy.precision, origin, sorted(files))


def _record(settings: Settings, precision: str, origin: dict[str, Any], files: Iterable[Path]) -> dict[str, Any]:
    values = {
        "format": _FORMAT,
        "precision": precision,
        "made_of": origin,
        "files": {f"{path.parent.name}/{path.name}": described(path) for path in files},
        "settings": asdict(settings),
    }
    return {**values, "sha256": checksum_of(values)}


def read(run: Path) -> Copy | None:
    """The copy in a run folder; None where there is none, or its weights, recipe or format are not the present ones.

    Raises RunError where its record is damaged.
    """
    folder = run / FOLDER
    try:
        values = read_json(folder / RECORD)
        if values["format"] != _FORMAT or _small(run) != values["made_of"]["files"]:
            return None
        origin = values["made_of"].get("weights")  # a pack may leave the weights out
        if origin is not None and difference(run / _WEIGHTS, origin):
            return None
        files = values.get("files")
        if not isinstance(files, dict | None):
            raise ValueError(f"files = {files!r:.40}")
        known = values.pop("sha256", None)
        changed = known is not None and known != checksum_of(values)
        if (precision := values["precision"]) not in PRECISIONS:
            raise ValueError(f"precision = {precision!r:.40}")
        return Copy(folder, _settings(values["settings"]), precision, files, changed)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder / RECORD} is damaged ({error!r}); `seqx export --run {run}` makes the copy again"
        ) from error


def _settings(values: dict[str, Any]) -> Settings:
    """Settings, with the types and bounds of a recipe checked. Raises ValueError."""
    settings = Settings(**{name: value for name, value in {**values}.items() if name != _OLDER})
    for field in fields(settings):
        value = getattr(settings, field.name)
        if type(value) not in _KINDS.get(field.type, (type(value),)):
            raise ValueError(f"{field.name} = {value!r:.40}")
    for name, maximum in _MAXIMA.items():
        if not 0 < getattr(settings, name) <= maximum:
            raise ValueError(f"{name} = {getattr(settings, name)!r:.40}")
    if not (settings.source + settings.target).isprintable():
        raise ValueError(f"languages {settings.source!r:.40} and {settings.target!r:.40}")
    if settings.pooling not in ("", "mean", "first"):
        raise ValueError(f"pooling = {settings.pooling!r:.40}")
    if not 0 <= settings.length_penalty <= 10:
        raise ValueError(f"length_penalty = {settings.length_penalty}")
    return settings


def _small(run: Path) -> dict[str, str]:
    """Checksums of the recipe and the tokenizers."""
    return {path.name: sha256(path) for path in sorted([run / "recipe.toml", *run.glob("tokenizer*")])}
