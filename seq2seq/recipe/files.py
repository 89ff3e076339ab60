"""Recipes as files: found by name or path, read as TOML, changed by `--set section.key=value`, compared."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from seq2seq.errors import RecipeError, near
from seq2seq.recipe import migrations
from seq2seq.recipe.checks import foreign_options
from seq2seq.recipe.inheritance import inherited, turned
from seq2seq.recipe.recipe import SECTIONS, Recipe, holds, validated, without
from seq2seq.recipe.section import section_of
from seq2seq.recipe.sections import Start
from seq2seq.storage.formats import migrated
from seq2seq.storage.reading import parse_toml, read_small, read_toml

_PACKAGE = Path(__file__).resolve().parents[1]
# Inside the package once installed, beside it in the repository.
RECIPES = _PACKAGE / "recipes" if (_PACKAGE / "recipes").is_dir() else _PACKAGE.parent / "recipes"
# On the bundled corpus, whatever they were.
_REPLACED = {"data.corpus", "data.corpora", "data.hub", "data.sacrebleu_test"}
_STANDS_ON = (("start", "recipe"), ("policy", "reward_recipe"))  # keys that name recipes whose runs are needed
_NOT_INHERITED = ("name", "summary", "needs", "scored")  # of a base: they describe it


def names() -> list[str]:
    """The recipes that ship with seqx, sorted."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def load(
    name_or_path: str | Path,
    overrides: list[str] | None = None,
    say: Callable[[str], None] = lambda message: None,
    *,
    start: Path | None = None,
    reverse: bool = False,
) -> Recipe:
    """Read a recipe by name or path, apply `section.key=value` overrides, validate. With `reverse`, languages are
    exchanged; `start`, or `start.run` of the recipe, is the run that it begins from (`inheritance.inherited`).

    A file may name a `base`, another recipe by name or by path from its folder, whose values it changes, and which it
    may `reverse`. A value of the file that has no effect any more because of the overrides is left out, and keys of an
    older format are read as today's; `say` receives a note of either. Raises RecipeError: unknown name, unreadable
    file, no such run to start from; unknown key, wrong type, value without effect, in `[fallback]` too. Raises
    FormatError where a newer seqx wrote the file.
    """
    path = path_of(name_or_path)
    origin = str(path) if path.parent != RECIPES else f"recipe {path.stem}"
    values, own, old_keys = _read_with_base(path)
    values.setdefault("name", path.stem)
    if path.name == "recipe.toml" and (path.parent / "run.json").is_file():
        # A run's, which has every value, also those that an earlier seqx kept though they had no effect.
        values = _of_run(values, origin).settled().model_dump(mode="json", exclude_none=True)
    else:
        if old_keys:
            renamed = ", ".join(f"{old} is {new} now" for old, new in old_keys.items())
            say(f"NOTE: {origin}: {renamed}; the old names are read too")
        _refuse_idle(values, origin, own, overridden=bool(overrides))
    if reverse:
        values = turned(values, origin)
    keys = []
    for text in overrides or []:
        key, old_key = override(values, text)
        keys.append(key)
        if old_key != key:
            say(f"NOTE: --set {old_key} is {key} now; the old name is read too")
    for key in dict.fromkeys(keys):
        if keys.count(key) > 1:
            say(f"NOTE: --set {key} was given {keys.count(key)} times: the last counts")
    own = copy.deepcopy(values)
    if run := _start_of(values, start):
        values = inherited(values, recipe_of(Path(run)), run, keys)
        if reverse:
            raise RecipeError(f"--reverse: the direction is that of {run}, from which the run starts; leave it out")
    idle = foreign_options(values)
    recipe = validated(without(values, idle), origin)
    for key, why in (idle | recipe.idle()).items():
        if not holds(own, key):
            continue
        if given := next((name for name in keys if name == key or name.startswith(f"{key}.")), ""):
            raise RecipeError(f"--set {given} has no effect with {why}; leave it out")
        say(f"NOTE: {key} of {origin} has no effect with {why}: left out")
    return recipe.settled()


def _start_of(values: dict[str, Any], start: Path | None) -> str:
    """The path of the run to start from, which is put among the values; empty where there is none."""
    section = values.setdefault("start", {}) if start else values.get("start")
    if isinstance(section, dict) and (start or isinstance(section.get("run"), str)):
        section["run"] = str((start or Path(section["run"])).absolute())
        return str(section["run"])
    return ""


def stands_on(name_or_path: str | Path) -> dict[str, str]:
    """The recipes on whose runs a recipe stands, by the key that names each."""
    values = _read_with_base(path_of(name_or_path))[0]
    named = {f"{section}.{key}": section_of(values, section).get(key) for section, key in _STANDS_ON}
    return {key: name for key, name in named.items() if isinstance(name, str)}


def recipe_of(start: Path) -> Recipe:
    """The recipe of a run to start from: its folder, that of one of its checkpoints, or a pack. Raises RecipeError."""
    file = run_of(start) / "recipe.toml"
    try:
        return parse(read_small(file).decode(), str(file))
    except (OSError, UnicodeDecodeError) as error:
        reason = f"cannot read {file}: {error}" if start.exists() else "there is no such folder"
        raise RecipeError(f"{start} is no run to start from ({reason}); name a run folder that was trained") from error


def run_of(start: Path) -> Path:
    """The run folder of a run to start from, which may be one of its checkpoints, or a pack: then where it is unpacked.
    Raises RunError for a file that is no pack, or a damaged one."""
    if start.is_file():
        from seq2seq.storage import pack

        return pack.unpacked(start)
    return start.parent.parent if is_checkpoint(start) else start


def is_checkpoint(start: Path) -> bool:
    """Whether a path is that of a run's checkpoint."""
    return start.absolute().parent.name == "checkpoints"


def _of_run(values: dict[str, Any], origin: str) -> Recipe:
    """The recipe of a run folder, which may have options that had no effect: earlier versions wrote out every one."""
    return validated(without(values, foreign_options(values)), origin)


def _refuse_idle(values: dict[str, Any], origin: str, own: dict[str, Any], *, overridden: bool) -> None:
    """Raise RecipeError where one of a file's `own` values has no effect, or `[fallback]` cannot be applied; errors
    that overrides may repair are raised once these are applied. Values of its base without effect are left out."""
    idle = foreign_options(values)
    try:
        recipe = validated(without(copy.deepcopy(values), idle), origin)
    except RecipeError:
        if overridden:
            return
        raise
    idle |= recipe.idle()
    inherited = [key for key in idle if not holds(own, key)]
    without(values, inherited)
    if recipe.data.bundled is not None:
        bundled = recipe.on_bundled(settle=False).idle()
        given = {f"{section}.{key}" for section, changes in own.get("fallback", {}).items() for key in changes}
        idle |= {f"fallback.{key}": f"{bundled[key]}, on the bundled corpus" for key in given & bundled.keys()}
        idle |= {f"fallback.{key}": "the bundled corpus in place of the recipe's" for key in given & _REPLACED}
    refused = {key: why for key, why in idle.items() if key not in inherited}
    if refused:
        shown = "; ".join(f"{key} has no effect with {why}" for key, why in list(refused.items())[:2])
        raise RecipeError(f"{origin}: {shown}; leave {'it' if len(refused) == 1 else 'them'} out")


def copied(path: Path, to: Path) -> bytes:
    """The text of a recipe file, for a copy at `to`: as it is, with its comments, but that a `base` given by a path
    from its folder is found from there too. A copy whose other paths would lead elsewhere has every value written out.
    Raises RecipeError where the file cannot be read."""
    values = _read(path)
    if path.resolve().parent == to.resolve().parent:
        return path.read_bytes()
    placed = copy.deepcopy(values)
    _place_files(placed, path.parent)
    if placed != values:
        return load(path).to_toml().encode()
    base = values.get("base")
    if not isinstance(base, str) or not (base.endswith(".toml") or os.sep in base) or Path(base).is_absolute():
        return path.read_bytes()
    found = json.dumps(str((path.parent / base).resolve()), ensure_ascii=False)
    line = re.compile(r"^(base\s*=\s*)(?:\"[^\"\n]*\"|'[^'\n]*')", re.MULTILINE)
    return line.sub(lambda match: match[1] + found, path.read_bytes().decode(), count=1).encode()


def path_of(name_or_path: str | Path) -> Path:
    """The file of a recipe. Raises RecipeError for an unknown name."""
    path, name_or_path = Path(name_or_path), str(name_or_path)
    if path.suffix == ".toml" or os.sep in name_or_path:
        return path
    if name_or_path not in names():
        raise RecipeError(
            f"no recipe named {name_or_path!r}{near(name_or_path, names())}; there are: {', '.join(names())}"
        )
    return RECIPES / f"{name_or_path}.toml"


def parse(text: str, origin: str) -> Recipe:
    """The recipe of a run folder, given as TOML text; `origin` is named in errors."""
    try:
        values = parse_toml(text)
    except ValueError as error:
        raise RecipeError(f"{origin} is not valid TOML: {error}") from error
    return _of_run(migrated(values, migrations.MIGRATIONS, origin), origin)


def differences(one: Recipe, other: Recipe) -> list[str]:
    """The values in which two recipes differ, of those that have an effect, as `section.key: a -> b`; of optimisers of
    two kinds, the options that both have."""
    changes = []
    left, right = (recipe.settled().model_dump(mode="json") for recipe in (one, other))
    if one.task != other.task:
        changes.append(f"task: {json.dumps(one.task)} -> {json.dumps(other.task)}")
    if (one.start is None) != (other.start is None):
        none, run = "no start", (one.start or other.start).run  # type: ignore[union-attr]
        changes.append(f"start.run: {none} -> {run}" if one.start is None else f"start.run: {run} -> {none}")
    for section in ("start", *SECTIONS):
        for key, value in ((left[section] and right[section] and left[section]) or {}).items():
            if (section, key) == ("start", "run"):
                continue  # its folder may have moved: the checksum of its weights is on record
            if value != right[section].get(key, value):
                changes.append(f"{section}.{key}: {json.dumps(value)} -> {json.dumps(right[section][key])}")
    return changes


def _read_with_base(path: Path, above: tuple[Path, ...] = ()) -> tuple[dict[str, Any], dict[str, Any], dict[str, str]]:
    """The values of a recipe file on those of its base; its own values alone; and its keys of an older format, with
    today's. Files that it names are looked for in its folder."""
    place = path.resolve()
    if place in above:
        raise RecipeError(f"{path}: its base leads back to it; name a recipe that does not stand on this one")
    values = _read(path)
    old_keys = migrations.moved(values)
    own = migrated(values, migrations.MIGRATIONS, str(path))
    _place_files(own, path.parent)
    base, unset, reverse = own.pop("base", None), own.pop("unset", []), own.pop("reverse", False)
    if base is None and not unset and reverse is False:
        return own, own, old_keys
    if not isinstance(base, str):
        raise RecipeError(
            f"{path}: base = {base!r:.50}: write the name of a recipe, or a path from the recipe's folder"
        )
    is_path = base.endswith(".toml") or os.sep in base
    below, _, _ = _read_with_base(path.parent / base if is_path else path_of(base), (*above, place))
    if not isinstance(unset, list):
        raise RecipeError(f'{path}: unset = {unset!r:.50}: write a list of keys, for example ["data.bundled"]')
    for key in unset:
        if not isinstance(key, str) or not holds(below, key):
            raise RecipeError(f"{path}: unset names {key!r:.50}, which its base does not set; leave it out")
    if not isinstance(reverse, bool):
        raise RecipeError(f"{path}: reverse = {reverse!r:.50}: write true or false")
    if reverse:
        below = turned(below, f"base {base}")
    return _merged(without(below, (*_NOT_INHERITED, *unset)), own), own, old_keys


def _merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Tables merged, other values replaced."""
    merged = copy.deepcopy(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merged(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _place_files(values: dict[str, Any], folder: Path) -> None:
    """Paths of corpora in the values of a recipe file, which need not be valid, from its folder on."""
    start = section_of(values, "start")
    if isinstance(start.get("run"), str):
        start["run"] = str(folder.resolve() / start["run"])
    corpora = section_of(values, "data").get("corpora")
    for corpus in corpora if isinstance(corpora, list) else ():
        for key in ("files", "dev_files", "test_files"):
            if isinstance(corpus, dict) and isinstance(corpus.get(key), list):
                corpus[key] = [str(folder.resolve() / file) for file in corpus[key]]


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_toml(path)
    except FileNotFoundError as error:
        raise RecipeError(f"no recipe file {path}; `seqx recipes` lists those that ship with seqx") from error
    except IsADirectoryError as error:
        raise RecipeError(f"cannot read recipe file {path}: it is a folder; name a TOML file") from error
    except OSError as error:
        raise RecipeError(f"cannot read recipe file {path}: {error.strerror}; check its permissions") from error
    except UnicodeDecodeError as error:
        raise RecipeError(
            f"cannot read recipe file {path}: byte {error.start:,} is not UTF-8; save it as UTF-8 text"
        ) from error
    except ValueError as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from error


def override(values: dict[str, Any], text: str) -> tuple[str, str]:
    """Put a value of --set into the values of a recipe; returns its key, and the name under which it was given."""
    name, separator, value = (part.strip() for part in text.partition("="))
    key = migrations.renamed(name)
    section, *inner = key.split(".")
    if separator and key == "task":
        values["task"] = migrations.task_of(_typed("task", [], value))
        return key, name
    if not (separator and inner and all(inner)):
        raise RecipeError(f"--set {text}: write it as section.key=value, for example training.steps=2000")
    target = values
    for part in (section, *inner[:-1]):
        target = target.setdefault(part, {})
        if not isinstance(target, dict):
            raise RecipeError(f"--set {text}: {part} holds a value, not keys; sections are {', '.join(SECTIONS)}")
    target[inner[-1]] = _typed(section, inner, value)
    for other in {"data.corpus": ("corpora",), "data.corpora": ("corpus", "hub")}.get(key, ()):
        values["data"].pop(other, None)  # one in place of several, or several in place of one
    # A value that the user sets holds on the bundled corpus too.
    section_of(section_of(values, "fallback"), section).pop(inner[0], None)
    return key, name


def _typed(section: str, inner: list[str], value: str) -> Any:
    """A value as TOML reads it; where the schema expects text, it needs no quotes even if it looks like a number."""
    try:
        parsed: Any = parse_toml(f"value = {value}")["value"]
    except ValueError:
        return value
    kind = Start if section == "start" else Recipe.model_fields[section].annotation if section in SECTIONS else None
    field = kind.model_fields.get(inner[0]) if isinstance(kind, type) and issubclass(kind, BaseModel) else None
    expects_text = field is not None and len(inner) == 1 and str in (field.annotation, *get_args(field.annotation))
    return value if expects_text and not isinstance(parsed, str | list) else parsed
