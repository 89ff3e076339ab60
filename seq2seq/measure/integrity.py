"""Verifies that the files of a run are those that were written: all are read, no remembered checksum is trusted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch

from seq2seq import tasks
from seq2seq.data.cache import damaged
from seq2seq.data.lines import read_lines
from seq2seq.errors import RunError, SeqxError
from seq2seq.evaluation import judge, perplexity
from seq2seq.interop.ctranslate2 import copy as copies
from seq2seq.interop.ctranslate2.copy import PRECISIONS, Copy
from seq2seq.interop.ctranslate2.load_checks import check
from seq2seq.interop.ctranslate2.loading import read_vocabularies
from seq2seq.run import LOST, Run, refuse_strange_files, root
from seq2seq.storage.checksums import difference
from seq2seq.storage.reading import parse_json
from seq2seq.training.checkpoints import checkpoint

IntegrityState = Literal["ok", "unknown", "wrong"]

_TEST = "test.jsonl"
_UNUSED = "shortlist.json"  # recorded by an older seqx; no longer read
_WRITTEN = "as it was written"
_UNKNOWN = "no checksum on record: an older seqx made this run"


@dataclass(frozen=True)
class Verdict:
    """The state of a file or a folder of a run. `unknown`: it can be read, but no record says whether it is the one
    that was written."""

    name: str
    state: IntegrityState
    says: str


def verify(run: Run) -> Iterator[Verdict]:
    """Verdicts on all files of a run. Raises RunError where it has links that lead out of it, or pipes."""
    refuse_strange_files(run.path)
    recipe = _tried("recipe.toml", lambda: run.recipe().name)
    record = _tried("run.json", lambda: f"{len(run.record())} entries")
    yield from (recipe, record)
    checked = []
    if record.state != "wrong":
        for verdict in _files(run):
            checked.append(verdict)
            yield verdict
    if recipe.state == record.state == "ok" and run.finished and all(each.state != "wrong" for each in checked):
        if run.weights.is_file():
            yield _tried("the model", partial(_model, run))
        yield from _copy(run)
    for step in checkpoint.steps(run.checkpoints):
        path = checkpoint.folder(run.checkpoints, step)
        yield _tried(f"{run.checkpoints.name}/{path.name}", partial(_checkpoint, path))
    for log in (run.metrics, run.faults):
        if log.exists():
            yield _tried(log.name, partial(_rows, log))
    if record.state != "wrong":
        yield from _caches(run)


def _tried(name: str, judged: Callable[[], str]) -> Verdict:
    """What `judged` says of a file that is as it was written, or whose record is `_UNKNOWN`, or the error it raises."""
    try:
        says = judged()
        return Verdict(name, "unknown" if says.startswith(_UNKNOWN) else "ok", says)
    except SeqxError as error:
        return Verdict(name, "wrong", str(error))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return Verdict(name, "wrong", getattr(error, "strerror", None) or repr(error))


def _files(run: Run) -> Iterator[Verdict]:
    """Verdicts on the weights, the tokenizers and the test set."""
    known = run.checksums()
    present = [path.name for path in run.path.glob("tokenizer*")]
    begun = [_TEST] if "corpora" in run.record() else []
    needed = {*begun, *present, *([run.weights.name] if run.finished and not run.packed else [])}
    for name in sorted({path for path in (*known, *needed) if Path(path).name == path} - {_UNUSED}):
        yield _tried(name, partial(_file, run, name, known.get(name)))


def _file(run: Run, name: str, known: Any) -> str:
    path = run.path / name
    if known is not None and (why := difference(path, known, again=True)):
        raise RunError(f"missing or damaged: {why}; {LOST}")
    count = ""
    if name == _TEST and "text" in run.record():
        count = f"; {sum(1 for _ in perplexity.read_set(run).read()):,} documents"
    elif name == _TEST and "classes" in run.record():
        count = f"; {sum(1 for _ in tasks.of(run.recipe()).read_test(run).read()):,} texts"
    elif name == _TEST:
        count = f"; {len(judge.read_set(run)):,} sentences"
    path.stat()
    return f"{_UNKNOWN if known is None else _WRITTEN}{count}"


def _model(run: Run) -> str:
    model = tasks.of(run.recipe()).trained(run, torch.device("cpu"))
    odd = [name for name, weight in model.named_parameters() if not bool(weight.isfinite().all())]
    if odd:
        raise RunError(f"{odd[0]} is not finite; {LOST}")
    return f"{sum(weight.numel() for weight in model.parameters()):,} parameters, all finite, shaped as in recipe.toml"


def _copy(run: Run) -> Iterator[Verdict]:
    noted = run.record().get("ctranslate2", {})
    again = f"`seqx export --run {run.path}` makes it again"
    if not (run.path / copies.FOLDER).exists():
        if "refused" in noted:
            yield Verdict(copies.FOLDER, "ok", f"none: {noted['refused']}")
        elif noted:
            yield Verdict(copies.FOLDER, "wrong", f"missing; {again}")
        return
    says = "of these weights, this recipe and this tokenizer"
    verdict = _tried(
        f"{copies.FOLDER}/{copies.RECORD}", lambda: f"{says}; {_copy_of(run, again).precision} serves by default"
    )
    yield verdict
    if verdict.state == "ok":
        copy = _copy_of(run, again)
        for precision in filter(copy.has, PRECISIONS):
            yield _tried(f"{copies.FOLDER}/{precision}", partial(_of_precision, copy, precision, again))


def _copy_of(run: Run, again: str) -> Copy:
    copy = copies.read(run.path)
    if copy is None:
        raise RunError(f"made of other weights, or another recipe or tokenizer, than the run has; {again}")
    if copy.changed:
        raise RunError(f"damaged: its checksum differs from when it was written; {again}")
    return copy


def _of_precision(copy: Copy, precision: str, remedy: str) -> str:
    source, target = read_vocabularies(copy, precision)
    try:
        check(copy.model(precision), source.all_words, target.all_words)
        copy.must_be_unchanged(precision, again=True)
    except ValueError as error:
        raise RunError(f"damaged: {error}; {remedy}") from error
    return _UNKNOWN if copy.files is None else _WRITTEN


def _checkpoint(path: Path) -> str:
    files = {"weights.safetensors", *(each.name for each in path.glob("*.safetensors"))}
    checkpoint.state_of(path, sorted(files))
    return _WRITTEN


def _rows(log: Path) -> str:
    count = 0
    for count, line in enumerate(read_lines(log), start=1):
        try:
            parse_json(line)
        except ValueError as error:
            raise RunError(f"line {count}: not JSON ({error})") from error
    return f"{count:,} lines"


def _caches(run: Run) -> Iterator[Verdict]:
    """Verdicts on the cached tokens that the run was trained on, which are rebuilt when missing or damaged."""
    names = run.record().get("caches", [])
    for name in names if isinstance(names, list) else []:
        places = [place / ".cache" / str(name) for place in (run.path.parent, run.path, root())]
        place = next((each for each in places if each.is_dir()), None)
        if place is None:
            yield Verdict(f"tokens {name}", "ok", "missing; rebuilt when needed")
        elif why := damaged(place, again=True):
            yield Verdict(str(place), "wrong", f"damaged: {why}; the next training run rebuilds it")
        else:
            yield Verdict(str(place), "ok", _WRITTEN)
