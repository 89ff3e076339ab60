"""What a run was made of: text, lineage, recipe, machine, and the command that repeats it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from seq2seq.evaluation.parts import Cell, Code, PageSection, Paragraph, Part, Table
from seq2seq.recipe import Recipe
from seq2seq.recipe.recipe import SECTIONS
from seq2seq.report import numbers
from seq2seq.run import Run

_FOUND = {
    "files": "The user's own files.",
    "mirror": "From $SEQX_DATA.",
    "hub": "From the Hugging Face Hub.",
    "bundled": "The corpus that ships with seqx.",
}
_KNOWN = {  # of run.json; what else there is, a task reports on its text
    *("format", "corpora", "files", "sessions", "device", "versions", "seed", "processes", "finished", "weights"),
    *("scores", "evaluations", "lineage", "reward", "before", "forgetting", "ctranslate2", "caches", "best_of"),
    *("stages", "classes", "licence", "alignment"),
}
_INTERNAL = ("caches", "dtype", "source_style")  # of a report on text
_OPTIONS = {"source_file": "source-file", "target_file": "target-file", "data": "data"}


def text(record: Mapping[str, Any]) -> Iterator[Part]:
    """The corpora with their checksums, and what was dropped of them."""
    corpora = record.get("corpora") or {}
    if corpora:
        yield Paragraph(f"Corpus {corpora.get('name')}. {_FOUND.get(str(corpora.get('found')), '')}".strip())
        rows = [
            (split, str(each.get("origin", "")), str(each.get("content") or each.get("sha256") or ""))
            for split in ("train", "dev", "test")
            for each in _listed(corpora.get(split))
        ]
        yield Table("Text and its checksums", ("part", "origin", "SHA-256 of its content"), rows)
        for reason in corpora.get("missing", ()):
            yield Paragraph(f"Left out: {reason}")
    for name, report in record.items():
        if name not in _KNOWN and isinstance(report, Mapping):
            yield from _report(name.replace("_", " "), report)


def _report(name: str, report: Mapping[str, Any]) -> Iterator[Part]:
    dropped, sources = report.get("dropped"), report.get("sources")
    rest = {key: value for key, value in report.items() if key not in ("dropped", "sources", *_INTERNAL)}
    yield Table(name.capitalize(), ("what", "value"), flattened(rest))
    if isinstance(dropped, Mapping):
        rows: list[tuple[Cell, ...]] = list(dropped.items()) or [("none", 0)]
        yield Table(f"{name.capitalize()} dropped", ("reason", "number"), rows)
    if isinstance(sources, Sequence) and len(sources) > 1:
        cells = [
            (str(each.get("origin", "")), each.get("read"), each.get("kept"), _counts(each.get("dropped")))
            for each in sources
        ]
        yield Table(f"{name.capitalize()} by corpus", ("origin", "read", "kept", "dropped"), cells)


def lineage(record: Mapping[str, Any]) -> Iterator[Part]:
    """The runs that a run stands on, the nearest first, and what was forgotten of them."""
    reward = record.get("reward")
    runs = [("start", each) for each in record.get("lineage", ())]
    runs += [("reward model", reward)] if isinstance(reward, Mapping) and "run" in reward else []
    rows = [
        (
            str(each.get("run", "")),
            role,
            str(each.get("task", "")),
            str(each.get("recipe", "")),
            str((each.get("weights") or {}).get("sha256", "")),
        )
        for role, each in runs
    ]
    if rows:
        yield Table("Runs that it stands on", ("run", "as", "task", "recipe", "SHA-256 of its weights"), rows)
    if forgetting := record.get("forgetting"):
        columns = ("figure", "before", "after", "lost")
        yield Table("Forgetting, on the test set of the start", columns, [[forgetting.get(key) for key in columns]])


def recipe(own: Recipe) -> Iterator[Part]:
    """The values that differ from the defaults."""
    rows: list[tuple[Cell, ...]] = []
    settled = own.settled()
    for name in ("start", *SECTIONS):
        section, usual = getattr(settled, name), Recipe.model_fields[name].get_default(call_default_factory=True)
        if isinstance(section, BaseModel):
            if isinstance(usual, BaseModel) and type(usual) is not type(section):
                here, default = (type(each).model_fields["kind"].default for each in (section, usual))
                rows.append((f"{name}.kind", here, default))
            rows += _changed(name, section)
    yield Paragraph(f"Recipe {own.name}, task {own.task}. {own.summary}".strip())
    yield Table("Values that differ from the defaults", ("value", "here", "default"), rows)


def _changed(name: str, section: BaseModel) -> Iterator[tuple[Cell, ...]]:
    for key, field in type(section).model_fields.items():
        value, default = getattr(section, key), field.get_default(call_default_factory=True)
        if value == default or (field.is_required() and value is None):
            continue
        if isinstance(value, BaseModel):
            yield from [*_changed(f"{name}.{key}", value)] or [(f"{name}.{key}", _value(True), _value(default))]
        elif isinstance(value, tuple) and value and all(isinstance(each, BaseModel) for each in value):
            for number, each in enumerate(value):
                yield from _changed(f"{name}.{key}[{number}]", each)
        else:
            yield f"{name}.{key}", _value(value), "" if field.is_required() else _value(default)


def machine(record: Mapping[str, Any]) -> Iterator[Part]:
    """Device, versions and time."""
    finished = record.get("finished") or {}
    rows = {
        "device": record.get("device"),
        "processes": record.get("processes"),
        "seed": record.get("seed"),
        "training time": numbers.duration(finished["seconds"]) if "seconds" in finished else None,
        "tokens trained on": finished.get("target_tokens"),
        "updates skipped": finished.get("skipped_updates"),
        "finished": finished.get("time"),
        "weights": _weights(record.get("weights") or {}),
        **{f"version of {name}": value for name, value in (record.get("versions") or {}).items() if name != "threads"},
    }
    yield Table("", ("what", "value"), [(name, value) for name, value in rows.items() if value not in (None, "")])
    sessions = record.get("sessions") or []
    if sessions:
        columns = list(dict.fromkeys(key for session in sessions for key in session))
        cells = [[session.get(key) for key in columns] for session in sessions]
        yield Table("Hardware and versions, from which step on", columns, cells, folded=True)
    if files := flattened(record.get("files") or {}):
        yield Table("Checksums of files", ("file", "value"), files, folded=True)


def repeated(run: Run, own: Recipe, record: Mapping[str, Any]) -> Iterator[Part]:
    """The command that trains the same again."""
    if own.training.begin:
        yield Paragraph("This run was trained longer after it had finished: no single command repeats it.")
        return
    corpora = record.get("corpora") or {}
    again = run.path.with_name(f"{run.path.name}-again")
    words = ["seqx", "train", "--recipe", str(run.path / "recipe.toml"), "--run", str(again)]
    given = corpora.get("given") or {}
    for split, named in (given.get("files") or {}).items():
        for key, value in named.items():
            prefix = "" if split == "train" else f"{split}-"
            for path in _listed(value):
                words += [f"--{prefix}{_OPTIONS[key]}", str(path)]
    reading = given.get("reading") or {}
    words += ["--columns", ",".join(reading["columns"])] if reading.get("columns") else []
    for key, default in (("encoding", "utf-8"), ("errors", "strict")):
        if reading.get(key, default) != default:
            words += [f"--{'encoding-errors' if key == 'errors' else key}", str(reading[key])]
    session = (record.get("sessions") or [{}])[-1]
    words += ["--device", str(session["device"])] if session.get("device") else []
    words += ["--threads", str(session["threads"])] if session.get("device") == "cpu" and "threads" in session else []
    from_data = corpora.get("found") == "mirror"
    caption = "With SEQX_DATA set as it was:" if from_data else "On the same hardware and versions, to the last bit:"
    if given and not given.get("files"):
        return
    yield Code(shlex.join(words), caption)


def every_figure(record: Mapping[str, Any]) -> PageSection:
    """All scores on record, with six digits."""
    sets = {**(record.get("scores") or {}), **{f"before: {k}": v for k, v in (record.get("before") or {}).items()}}
    tables = [
        Table(f"Set {name}", ("figure", "value"), flattened(values), exact=True, folded=True)
        for name, values in sets.items()
    ]
    return PageSection("All figures on record", tables)


def flattened(values: Any, name: str = "") -> list[tuple[str, Cell]]:
    """Nested values as rows of a dotted name and a value."""
    if isinstance(values, Mapping):
        return [row for key, value in values.items() for row in flattened(value, f"{name}.{key}" if name else str(key))]
    if isinstance(values, list | tuple) and any(isinstance(each, list | tuple | Mapping) for each in values):
        return [row for place, value in enumerate(values, 1) for row in flattened(value, f"{name}.{place}")]
    if isinstance(values, list | tuple):
        return [(name, ", ".join(numbers.exact(each) for each in values))]
    return [(name, values if isinstance(values, int | float | str) else numbers.shown(values))]


def _weights(made: Mapping[str, Any]) -> str:
    steps = ", ".join(map(str, made.get("steps", ())))
    size = f"; {made['bytes'] / 1e6:,.1f} MB" if "bytes" in made else ""
    checksum = f"; SHA-256 {made['sha256']}" if "sha256" in made else ""
    return f"{made.get('made', '')} of steps {steps}{size}{checksum}" if made else ""


def _value(value: Any) -> Cell:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, BaseModel):
        return str(value.model_dump(mode="json", exclude_defaults=True))
    if isinstance(value, tuple):
        return ", ".join(str(_value(each)) for each in value)
    return "none" if value is None else value if isinstance(value, int | float) else str(value)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _counts(counts: Any) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in counts.items()) if isinstance(counts, Mapping) else ""
