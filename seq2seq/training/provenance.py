"""The text, hardware and versions of a run: recorded, and compared when the run is resumed."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import torch

from seq2seq.data.corpus import SPLITS, Corpus
from seq2seq.device import Numerics
from seq2seq.errors import RunError
from seq2seq.run import Run
from seq2seq.training.parallel.team import Team

_PACKAGES = ("seqx", "torch", "numpy", "sentencepiece")


def refuse_other_text(run: Run, corpus: Corpus[Any]) -> dict[str, Any]:
    """The record of a corpus for run.json. Raises RunError, with the difference, where the run was begun on other text.

    The content of each split decides, not the names or formats of its files. For a run of an older seqx, which records
    no checksum of the content, the checksums of the files decide.
    """
    record = corpus.record()
    known = run.record().get("corpora")
    if known is None:
        return record
    try:
        different = list(differences(known, record))
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(run, "corpora", error) from error
    if different:
        raise RunError(
            f"{run.path} was begun on other text ({'; '.join(different)}); give the same text, or name another folder "
            "with --run"
        )
    return record


def changed(run: Run, corpus: Corpus[Any]) -> dict[str, str]:
    """The splits whose files changed after run.json was written, each with a description of the change."""
    known = run.record()["corpora"]
    changes: dict[str, str] = {}
    for split, sources in corpus.splits().items():
        for before, source in zip(_listed(known[split]), sources, strict=True):
            try:
                if source.origin == before["origin"] and source.file_checksum() != before["sha256"]:
                    changes[split] = f"{source.origin} changed since training began"
            except OSError as error:
                changes[split] = f"{source.origin} cannot be read any more ({error.strerror or error})"
    return changes


def begin_session(run: Run, step: int, numerics: Numerics, team: Team) -> str:
    """Record hardware and versions from a step on; returns how they differ from those before, empty where they do not.
    Sessions whose updates are all lost are dropped."""
    now = {"from": step, "time": datetime.now(UTC).isoformat(timespec="seconds"), **_computing(numerics, team)}
    sessions = run.record().get("sessions", [])
    try:
        kept = [each for each in sessions if each["from"] < step]
        former = kept[-1] if kept else now
        keys = [key for key in now if key not in ("from", "time") and former.get(key, now[key]) != now[key]]
    except (AttributeError, KeyError, TypeError) as error:
        raise _damaged(run, "sessions", error) from error
    different = ", ".join(f"{key} {former[key]} before, {now[key]} now" for key in keys)
    if different or not kept:
        kept.append(now)
    if kept != sessions:
        run.note(sessions=kept)
    return different


def former_sessions(record: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The recorded sessions of a run; for a run of an older seqx, one session with what its record holds."""
    if "sessions" in record or "versions" not in record:
        return list(record.get("sessions", []))
    versions = {name: value for name, value in record["versions"].items() if name in (*_PACKAGES, "threads")}
    device, _, precision = str(record.get("device", "")).partition(" (")[0].partition(", ")
    known = {"device": device.partition(":")[0], "precision": precision} if precision else {}
    return [{"from": 0, **known, "processes": record.get("processes", 1), **versions}]


def versions() -> dict[str, Any]:
    """The versions of seqx and its packages, for run.json."""
    packages = {name: version(name) for name in ("torch", "sentencepiece", "sacrebleu", "numpy")}
    return {
        "seqx": version("seqx"),
        "python": platform.python_version(),
        **packages,
        "threads": torch.get_num_threads(),
    }


def _computing(numerics: Numerics, team: Team) -> dict[str, Any]:
    """Everything that affects the last bits of the weights besides the recipe, the text and the step."""
    device = numerics.device.type
    processor = device
    if device == "cuda":
        processor = torch.cuda.get_device_name(numerics.device)
    elif device == "cpu":
        processor = str(torch.backends.cpu.get_cpu_capability())
    return {
        "device": device,
        "processor": processor,
        "precision": "float32" if numerics.autocast is None else "bfloat16 products",
        "threads": torch.get_num_threads(),
        "processes": team.size,
        "parallel": team.way,
        **{name: version(name) for name in _PACKAGES},
    }


def differences(known: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
    """The splits in which two records of a corpus differ, each with the origins of its text."""
    for split in SPLITS:
        before, now = _listed(known[split]), _listed(record[split])
        key = "content" if all("content" in each for each in before) else "sha256"
        if [each[key] for each in before] != [each[key] for each in now]:
            origins = [", ".join(each["origin"] for each in texts) for texts in (before, now)]
            yield f"{split}: {', now '.join(origins) if origins[0] != origins[1] else f'{origins[0]} changed'}"


def _damaged(run: Run, what: str, error: Exception) -> RunError:
    return RunError(f"{run.path / 'run.json'} is damaged: {what}: {error!r}; restore it from a backup")


def _listed(texts: Any) -> list[dict[str, Any]]:
    return texts if isinstance(texts, list) else [texts]
