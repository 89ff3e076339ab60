"""A run folder: its paths, record, checksums and lock, and the recipe it belongs to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq.errors import ArgumentError, RunError, SeqxError
from seq2seq.run.untrusted import refuse_strange_files
from seq2seq.storage.atomic import clear, must_take_files, write_bytes, write_json
from seq2seq.storage.checksums import described, must_be
from seq2seq.storage.formats import PACK_RECORD, Migration, migrated, newest
from seq2seq.storage.locks import LockedError, holder, lock
from seq2seq.storage.reading import read_json, read_small, read_toml

if TYPE_CHECKING:
    from seq2seq.recipe import Recipe

_MIGRATIONS: tuple[Migration, ...] = ()  # of run.json, which has had one format so far
_OBJECTS = (  # of run.json
    *("before", "corpora", "ctranslate2", "evaluations", "files", "forgetting", "pairs", "scores", "text"),
    *("versions", "weights"),
)
LOST = "restore the file from a backup, or train the run again"


def root() -> Path:
    """The folder of runs: $SEQX_RUNS, else `runs` in the working directory."""
    return Path(os.environ.get("SEQX_RUNS") or "runs")


def found(name: Path) -> Path:
    """The path of a run: `name` itself, or, where that is no run, what has this name under `root()`."""
    under = root() / name
    is_run = name.is_file() or (name / "recipe.toml").exists()
    return name if is_run or not under.exists() else under


def moment(text: Any) -> datetime | None:
    """A point in time that a record has; None where it has none."""
    try:
        parsed = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """One run folder."""

    path: Path

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise ArgumentError(f"Run({self.path!r:.40}): give the path of a run folder")
        object.__setattr__(self, "path", Path(self.path))

    @property
    def weights(self) -> Path:
        """The weights to use."""
        return self.path / "model.safetensors"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def metrics(self) -> Path:
        """One JSON line per validation."""
        return self.path / "metrics.jsonl"

    @property
    def updates(self) -> Path:
        """JSON lines with figures of updates, means over some where there are many."""
        return self.path / "updates.jsonl"

    @property
    def faults(self) -> Path:
        """One JSON line per fault of training: an update skipped, divergence, a rollback."""
        return self.path / "faults.jsonl"

    @property
    def finished(self) -> bool:
        """Whether training has finished."""
        return (self.weights.is_file() or self.packed) and "finished" in self.record()

    @property
    def packed(self) -> bool:
        """Whether the folder is a pack that was unpacked: it may have no weights besides its CTranslate2 copy."""
        return (self.path / PACK_RECORD).is_file()

    def must_have_weights(self) -> None:
        """Raise RunError where this is a pack without the weights that PyTorch computes with."""
        if self.packed and not self.weights.is_file():
            raise RunError(
                f"{self.path} is a pack without the float32 weights, which PyTorch needs here; ask for one that was "
                "made with `seqx pack --weights`"
            )

    def must_have_test_set(self) -> None:
        """Raise RunError where this is a pack without the test set of its run."""
        if self.packed and not (self.path / "test.jsonl").is_file():
            raise RunError(
                f"{self.path} is a pack without a test set: name a text to judge it on, or ask for a pack that was "
                "made with `seqx pack --test-set`"
            )

    def finished_at(self) -> datetime | None:
        """When training finished, by the record; None where it has not, or an older seqx recorded no time. Raises
        RunError where the record is damaged."""
        finished = self.record().get("finished")
        return moment(finished.get("time")) if isinstance(finished, dict) else None

    def owner(self) -> str | None:
        """The process ID of the process that uses the run, or an empty text where it is unknown; None for none."""
        return holder(self.path / ".lock")

    def recipe(self) -> Recipe:
        """The resolved recipe. Raises RunError where there is none."""
        from seq2seq.recipe.files import parse

        path = self.path / "recipe.toml"
        try:
            return parse(read_small(path).decode("utf-8"), str(path))
        except PermissionError:
            raise
        except (OSError, ValueError) as error:
            raise RunError(f"{self.path} is not a run folder: cannot read recipe.toml ({error})") from error

    @property
    def task(self) -> str:
        """The `task` of the recipe, read without validating the rest. Raises RunError where there is no recipe."""
        try:
            return str(read_toml(self.path / "recipe.toml")["task"])
        except (OSError, ValueError, KeyError):
            return self.recipe().task  # of an older format, or its error

    def record(self) -> dict[str, Any]:
        """run.json; empty where there is none yet. Raises RunError where it is damaged."""
        path = self.path / "run.json"
        if not path.is_file():
            return {}
        try:
            values = read_json(path)
        except ValueError as error:
            raise RunError(f"{path} is damaged: {error}; {LOST}") from error
        if not isinstance(values, dict):
            raise RunError(f"{path} is damaged: a JSON object is needed; {LOST}")
        for key in _OBJECTS:
            if not isinstance(values.get(key, {}), dict):
                raise RunError(f"{path} is damaged: {key!r} is not a JSON object; {LOST}")
        return migrated(values, _MIGRATIONS, path)

    def update(self, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        """Change run.json under a lock, so that several processes lose no update. Raises RunError where it is damaged
        or cannot be written."""
        with self.writing(), lock(self.path / ".record.lock", wait=True):
            write_json(self.path / "run.json", {"format": newest(_MIGRATIONS), **change(self.record())})

    def note(self, **values: Any) -> None:
        """Set values of run.json."""
        self.update(lambda record: {**record, **values})

    @contextmanager
    def writing(self, remedy: str = "free disk space there, or change its permissions") -> Iterator[None]:
        """Turn an OSError into a RunError that names the folder and a remedy."""
        try:
            yield
        except OSError as error:
            raise RunError(f"cannot write to {self.path}: {error.strerror or error}; {remedy}") from error

    def must_be_writable(self) -> None:
        """Raise RunError where the folder cannot be created or written to."""
        with self.writing("name another folder with --run, or set SEQX_RUNS"):
            must_take_files(self.path)

    def keep_checksums(self, *names: str) -> None:
        """Record the checksums of files that were just written in run.json."""
        known = {name: described(self.path / name) for name in names}
        self.update(lambda record: {**record, "files": {**record.get("files", {}), **known}})

    def checksums(self) -> dict[str, Any]:
        """The recorded checksums and sizes of the files that this run wrote, by name."""
        record = self.record()
        weights = {key: value for key, value in record.get("weights", {}).items() if key in ("sha256", "bytes")}
        of_weights = {self.weights.name: weights} if weights else self._checksums_of_copy()
        return {**of_weights, **record.get("files", {})}

    def _checksums_of_copy(self) -> dict[str, Any]:
        """For a run that an older seqx trained: the checksums that its CTranslate2 copy, made at the end of training,
        records of the files that it was made from."""
        try:
            origin = read_json(self.path / "ctranslate2" / "copy.json")["made_of"]
            tokenizers = {name: {"sha256": known} for name, known in origin["files"].items() if name != "recipe.toml"}
            return {**tokenizers, self.weights.name: origin["weights"]}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def must_be_unchanged(self, *names: str) -> None:
        """Raise RunError where a file differs from its recorded checksum, if there is one. A name may be the beginning
        of several file names, for example `tokenizer`."""
        noted = self.record()
        for name, known in self.checksums().items():
            if name.startswith(names):
                older = name not in noted.get("files", {}) and "sha256" not in noted.get("weights", {})
                meant = f"; if the change is intended, delete {self.path / 'ctranslate2'}" if older else ""
                must_be(self.path / Path(name).name, known, LOST + meant)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Create the folder if it is missing, and lock it for this process; the lock ends with the process in any case.

        Raises RunError where another process holds the lock, the folder is not a run folder, or it cannot be written.
        """
        self._refuse_other_folder()
        with ExitStack() as stack:
            try:
                with self.writing():
                    must_take_files(self.path)
                    self.path.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(lock(self.path / ".lock", wait=False))
            except LockedError as owner:
                process = f"process {owner}" if str(owner) else "another process"
                raise RunError(
                    f"{self.path} is being trained by {process}; wait for its end, or name another folder with --run"
                ) from None
            yield

    def claim(self, recipe: Recipe) -> bool:
        """Write the recipe into the folder; returns whether that had none. Raises RunError, with the differences, where
        another recipe was trained there; a folder with nothing but a recipe may be claimed."""
        self._refuse_other_folder()
        if not (self.path / "recipe.toml").exists():
            with self.writing():
                write_bytes(self.path / "recipe.toml", recipe.to_toml().encode())
            return True
        from seq2seq.recipe.files import differences

        different = differences(self.recipe(), recipe)
        if different and not any(each.name[0] != "." and each.name != "recipe.toml" for each in self.path.iterdir()):
            write_bytes(self.path / "recipe.toml", recipe.to_toml().encode())
        elif different:
            shown = "; ".join(different[:4]) + ("; ..." if len(different) > 4 else "")
            raise RunError(f"{self.path} was trained by another recipe ({shown}); name another folder with --run")
        return False

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Delete the folder, which was new, where SeqxError is raised within."""
        try:
            yield
        except SeqxError:
            shutil.rmtree(self.path, ignore_errors=True)
            raise

    def clear(self) -> None:
        """Delete partial files of killed processes; only for the holder of the lock."""
        clear([*self.path.glob(".*.partial"), *self.path.glob("*/.*.partial")])

    def _refuse_other_folder(self) -> None:
        begun = (self.path / "recipe.toml").exists() or not self.path.is_dir()
        if not begun and any(not each.name.startswith(".") for each in self.path.iterdir()):
            raise RunError(f"{self.path} holds files but no recipe.toml: not a run folder; name another with --run")
        refuse_strange_files(self.path)
