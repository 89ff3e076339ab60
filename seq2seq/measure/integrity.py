"""Whether the files of a run are those that were written: every one is read, whatever is remembered of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from seq2seq import run
from seq2seq.data.cache import damaged
from seq2seq.data.lines import read_lines
from seq2seq.errors import RunError, SeqxError
from seq2seq.evaluation import judge, perplexity
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy
from seq2seq.interop.ctranslate2.load_checks import check
from seq2seq.interop.ctranslate2.loading import read_vocabularies
from seq2seq.run import Run
from seq2seq.storage.checksums import difference
from seq2seq.storage.reading import parse_json
from seq2seq.tasks import pytorch
from seq2seq.training.checkpoints import checkpoint

State = Literal["ok", "unknown", "wrong"]

_TEST = "test.jsonl"
_UNUSED = "shortlist.json"  # on record of runs that an older seqx made; nothing reads it
_WRITTEN = "as it was written"
_UNKNOWN = "no checksum on record, as of a run that an older seqx made"


@dataclass(frozen=True)
class Verdict:
    """A file or a folder of a run, and what it is like. `unknown`: it can be read, and nothing tells whether it is the
    one that was written."""

    name: str
    state: State
    says: str


def verify(folder: Run) -> Iterator[Verdict]:
    """Verdicts on all that a run consists of. Raises RunError where links lead out of it, or pipes stand in it."""
    run.refuse_strange_files(folder.path)
    recipe = _tried("recipe.toml", lambda: (folder.recipe().name, "ok"))
    record = _tried("run.json", lambda: (f"{len(folder.record())} entries", "ok"))
    yield from (recipe, record)
    checked = []
    if record.state != "wrong":
        for verdict in _files(folder):
            checked.append(verdict)
            yield verdict
    if recipe.state == record.state == "ok" and folder.finished and all(each.state != "wrong" for each in checked):
        yield _tried("the model", lambda: (_model(folder), "ok"))
        yield from _copy(folder)
    for step in checkpoint.steps(folder.checkpoints):
        path = checkpoint.folder(folder.checkpoints, step)
        yield _tried(f"{folder.checkpoints.name}/{path.name}", partial(_checkpoint, path))
    for log in (folder.metrics, folder.faults):
        if log.exists():
            yield _tried(log.name, partial(_rows, log))
    if record.state != "wrong":
        yield from _caches(folder)


def _tried(name: str, judged: Callable[[], tuple[str, State]]) -> Verdict:
    try:
        says, state = judged()
        return Verdict(name, state, says)
    except SeqxError as error:
        return Verdict(name, "wrong", str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Verdict(name, "wrong", getattr(error, "strerror", None) or repr(error))


def _files(folder: Run) -> Iterator[Verdict]:
    """Verdicts on the weights and on what they are used with."""
    known = folder.checksums()
    present = [path.name for path in folder.path.glob("tokenizer*")]
    begun = [_TEST] if "corpora" in folder.record() else []
    needed = {*begun, *present, *([folder.weights.name] if folder.finished else [])}
    for name in sorted({path for path in (*known, *needed) if Path(path).name == path} - {_UNUSED}):
        yield _tried(name, partial(_file, folder, name, known.get(name)))


def _file(folder: Run, name: str, known: Any) -> tuple[str, State]:
    path = folder.path / name
    if known is not None and (why := difference(path, known, again=True)):
        raise RunError(f"missing or damaged: {why}; {run.LOST}")
    count = f"; {_judged_by(folder)}" if name == _TEST else ""
    if known is None:
        path.stat()
        return f"{_UNKNOWN}{count}", "unknown"
    return f"{_WRITTEN}{count}", "ok"


def _judged_by(folder: Run) -> str:
    if "text" in folder.record():
        return f"{sum(1 for _ in perplexity.read_set(folder).read()):,} documents"
    return f"{len(judge.read_set(folder)):,} sentences"


def _model(folder: Run) -> str:
    wanted = folder.recipe()
    model = pytorch.trained_model(folder, pytorch.read_tokenizers(wanted, folder.path), torch.device("cpu"))
    odd = [name for name, weight in model.named_parameters() if not bool(weight.isfinite().all())]
    if odd:
        raise RunError(f"{odd[0]} is not finite; {run.LOST}")
    return f"{sum(weight.numel() for weight in model.parameters()):,} numbers, all finite, as recipe.toml has them"


def _copy(folder: Run) -> Iterator[Verdict]:
    noted = folder.record().get("ctranslate2", {})
    again = f"`seqx export --run {folder.path}` makes it again"
    if not (folder.path / copies.FOLDER).exists():
        if "refused" in noted:
            yield Verdict(copies.FOLDER, "ok", f"none: {noted['refused']}")
        elif noted:
            yield Verdict(copies.FOLDER, "wrong", f"missing; {again}")
        return
    found: list[Copy] = []

    def read() -> tuple[str, State]:
        copy = copies.read(folder.path)
        if copy is None:
            raise RunError(f"of other weights, or of another recipe or tokenizer, than those of the run; {again}")
        if copy.changed:
            raise RunError(f"damaged: its checksum is another than when it was written; {again}")
        found.append(copy)
        return f"of these weights, this recipe and this tokenizer; {copy.precision} serves by default", "ok"

    yield _tried(f"{copies.FOLDER}/{copies.RECORD}", read)
    for copy in found:
        for precision in PRECISIONS:
            yield _tried(f"{copies.FOLDER}/{precision}", partial(_of_precision, copy, precision, again))


def _of_precision(copy: Copy, precision: str, remedy: str) -> tuple[str, State]:
    source, target = read_vocabularies(copy, precision)
    try:
        check(copy.model(precision), source.all_words, target.all_words)
        copy.must_be_unchanged(precision, again=True)
    except ValueError as error:
        raise RunError(f"damaged: {error}; {remedy}") from error
    return (_UNKNOWN, "unknown") if copy.files is None else (_WRITTEN, "ok")


def _checkpoint(path: Path) -> tuple[str, State]:
    files = {"weights.safetensors", *(each.name for each in path.glob("*.safetensors"))}
    checkpoint.state_of(path, sorted(files))
    return _WRITTEN, "ok"


def _rows(log: Path) -> tuple[str, State]:
    count = 0
    for number, line in enumerate(read_lines(log), start=1):
        try:
            parse_json(line)
        except ValueError as error:
            raise RunError(f"line {number}: not JSON ({error})") from error
        count = number
    return f"{count:,} lines", "ok"


def _caches(folder: Run) -> Iterator[Verdict]:
    """Verdicts on the tokens that the run was trained on, which are made again where they are missing or damaged."""
    names = folder.record().get("caches", [])
    for name in names if isinstance(names, list) else []:
        places = [place / ".cache" / str(name) for place in (folder.path.parent, folder.path, run.root())]
        place = next((each for each in places if each.is_dir()), None)
        if place is None:
            yield Verdict(f"tokens {name}", "ok", "not there; made again where they are needed")
        elif why := damaged(place, again=True):
            yield Verdict(str(place), "wrong", f"damaged: {why}; the next training makes it again")
        else:
            yield Verdict(str(place), "ok", _WRITTEN)
