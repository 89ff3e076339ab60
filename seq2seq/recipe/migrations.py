"""Migrations of recipes to today's format. A migration is never edited; a new format adds one."""

from __future__ import annotations

from typing import Any

from seq2seq.recipe.section import section_of
from seq2seq.storage.formats import Migration, newest

_OPTIMIZER = {  # keys that [training] had in format 1 -> their names in [optimizer]
    "optimizer": "kind",
    "weight_decay": "weight_decay",
    "muon_learning_rate": "muon_learning_rate",
    "betas": "betas",
    "epsilon": "epsilon",
}
# Which --set takes by both names.
MOVED = {f"training.{old}": f"optimizer.{new}" for old, new in _OPTIMIZER.items()} | {"data.form": "task"}
_TASKS = {"pairs": "translation", "text": "language-model"}  # of format 2's data.form
_WITHOUT_EFFECT = {  # by kind, at their defaults, as format 1 wrote them out
    "adam": {"weight_decay": 0.0, "muon_learning_rate": 0.02},
    "adamw": {"muon_learning_rate": 0.02},
}


def moved(values: dict[str, Any]) -> dict[str, str]:
    """The old keys among the values of a recipe, those of `[fallback]` too, each with its name of today."""
    return {
        prefix + old: prefix + new
        for prefix, part in (("", values), ("fallback.", section_of(values, "fallback")))
        for old, new in MOVED.items()
        for section, _, key in [old.partition(".")]
        if key in section_of(part, section) and not (prefix and new == "task")  # which the bundled corpus has in common
    }


def renamed(key: str) -> str:
    """A key of a recipe, of `[fallback]` too, by its name of today."""
    prefix = "fallback." if key.startswith("fallback.") else ""
    own = key.removeprefix(prefix)
    return prefix + MOVED.get(own, own)


def optimizer_section(values: dict[str, Any]) -> dict[str, Any]:
    """To format 2: an optimiser has a section, with options of its kind alone; a key that is there already stays."""
    kind: Any = "adam"
    for part in (values, section_of(values, "fallback")):
        training, section = section_of(part, "training"), section_of(part, "optimizer")
        taken = {new: training.pop(old) for old, new in _OPTIMIZER.items() if old in training and new not in section}
        kind = taken.get("kind", section.get("kind", kind))
        for key, default in _WITHOUT_EFFECT.get(str(kind), {}).items():
            if taken.get(key) == default:
                del taken[key]
        if taken and isinstance(part.get("optimizer", {}), dict):
            part["optimizer"] = {**taken, **section}
    return values


def task_key(values: dict[str, Any]) -> dict[str, Any]:
    """To format 3: `task` takes the place of `data.form`; a recipe has the same on the bundled corpus."""
    form = section_of(values, "data").pop("form", None)
    if form is not None:
        values.setdefault("task", task_of(form))
    fallback = section_of(section_of(values, "fallback"), "data")
    if task_of(fallback.get("form")) == values.get("task", "translation"):
        del fallback["form"]
    return values


def corpora(values: dict[str, Any]) -> dict[str, Any]:
    """To format 4: text that is added to a corpus is one of several corpora."""
    data = section_of(values, "data")
    added, pairs = data.pop("mix", ()), data.pop("mix_pairs", 0)
    if added and isinstance(added, list):
        own = {"name": data.pop("corpus", "phrasebook")} | ({"hub": data.pop("hub")} if "hub" in data else {})
        data["corpora"] = [own, *({"name": name, "pairs": pairs, "judged": False} for name in added)]
    return values


def task_of(form: Any) -> Any:
    """The task of a value of `data.form`; other values as they are."""
    return _TASKS.get(form, form) if isinstance(form, str) else form


MIGRATIONS: tuple[Migration, ...] = (optimizer_section, task_key, corpora)
FORMAT = newest(MIGRATIONS)
