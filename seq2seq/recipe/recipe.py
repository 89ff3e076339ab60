"""A recipe, its variants, and the errors for values that are not valid."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

import tomli_w
from pydantic import BaseModel, Field, ValidationError, model_validator

from seq2seq.errors import RecipeError, near
from seq2seq.recipe import migrations
from seq2seq.recipe.checks import foreign_options, misfits, without_effect
from seq2seq.recipe.optimizers import OPTIONS, Adam, Optimizer
from seq2seq.recipe.policy import Policy
from seq2seq.recipe.preferences import Comparisons, Preference
from seq2seq.recipe.section import Name, Section, section_of
from seq2seq.recipe.sections import Data, Decoding, Model, Start, Tokenizer, Training
from seq2seq.recipe.tasks import TASKS, RecipeSections, TaskName, description

SECTIONS = ("data", "tokenizer", "model", "optimizer", "training", "decoding", "policy", "comparisons", "preference")
_OWN = ("policy", "comparisons", "preference")  # sections of some tasks alone
_SHOWN_ERRORS = 2  # of the errors


class Recipe(Section):
    """One experiment, complete."""

    name: Name = "unnamed"
    summary: str = ""
    needs: str = Field("", description="data, time and memory needed, for `seqx recipes`")
    scored: str = Field("", description="measured score, for `seqx recipes`")
    task: TaskName = Field("translation", description=description())
    start: Start | None = Field(None, description="a run to begin from, whose values are the defaults")
    data: Data = Data()
    tokenizer: Tokenizer = Tokenizer()
    model: Model = Model()
    optimizer: Optimizer = Adam()
    training: Training = Training()
    decoding: Decoding = Decoding()
    policy: Policy | None = Field(None, description="of a policy: its reward, and how it is updated")
    comparisons: Comparisons | None = Field(None, description="of a reward model or a preference: where they come from")
    preference: Preference | None = Field(None, description="of a preference: direct preference optimisation")
    fallback: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="values, by section, for training on the bundled corpus instead"
    )

    @model_validator(mode="before")
    @classmethod
    def _section_of_its_task(cls, values: Any) -> Any:
        if not isinstance(values, Mapping):
            return values
        reads = next((rules.reads.split() for task, rules in TASKS.items() if task == values.get("task")), [])
        own = [section for section in _OWN if section in reads and values.get(section) is None]
        return {**values, **{section: {} for section in own}}

    @property
    def base(self) -> str:
        """The task of the run that it starts from, where it has a start; else its own."""
        return (self.start and self.start.task) or self.task

    @property
    def serves(self) -> str:
        """The task as which a finished run serves: its own, or that of its start where it improves it."""
        return self.base if self.task in ("policy", "preference") else self.task

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        for section in self.fallback:
            if section not in SECTIONS:
                raise ValueError(f"unknown section fallback.{section}{near(section, SECTIONS)}")
        values = RecipeSections(self.data, self.tokenizer, self.model, self.training, self.start, self.policy)
        for wrong, message in misfits(self.task, values):
            if wrong:
                raise ValueError(message)
        return self

    def idle(self) -> dict[str, str]:
        """The values, other than the defaults, that have no effect, as `section.key`, each with the reason."""
        given = self.model_dump(exclude_defaults=True)
        every = without_effect(self.model_dump())
        return {key: why for key, why in every.items() for holder, last in [_holder(given, key)] if last in holder}

    def settled(self) -> Recipe:
        """The same recipe, with the defaults for values that have no effect."""
        idle = self.idle()
        if not idle:
            return self
        # Without one value, another may have no effect either.
        return validated(without(self.model_dump(), idle), f"recipe {self.name}").settled()

    def on_bundled(self, *, settle: bool = True) -> Recipe:
        """The recipe for the bundled corpus: its own `[fallback]` values applied, the corpus replaced; `settle` leaves
        out what then has no effect. Raises RecipeError where there is no bundled corpus, and for wrong values."""
        if self.data.bundled is None:
            files = "--source-file and --target-file" if self.task == "translation" else "--data"
            raise RecipeError(f"recipe {self.name} has no bundled corpus to fall back on: give {files}")
        values = self.model_dump()
        fallback = values.pop("fallback")
        for section, changes in fallback.items():
            values[section].update(changes)
        values["data"].update(corpus=self.data.bundled, corpora=(), hub=None, sacrebleu_test=None)
        given = {f"optimizer.{key}" for key in fallback.get("optimizer", {})}
        inherited = [key for key in foreign_options(values) if settle or key not in given]
        recipe = validated(without(values, inherited), f"recipe {self.name}, [fallback]")
        return recipe.settled() if settle else recipe

    def with_corpora(self, added: Sequence[Mapping[str, Any]]) -> Recipe:
        """The recipe with more corpora, given by their values, beside its own, whose shares shrink to what is left.
        Raises RecipeError where values are wrong, a name occurs twice, or shares exceed 1."""
        hub = self.data.hub and self.data.hub.model_dump()
        single: dict[str, Any] = {"name": self.data.corpus, "hub": hub}
        own = self.model_dump()["data"]["corpora"] or [single]
        taken = sum(values.get("share") or 0 for values in added)
        if taken < 1:
            own = [
                values | {"share": share and share * (1 - taken)} for values in own for share in [values.get("share")]
            ]
        corpus = Data.model_fields["corpus"].default
        return self.with_values({"data": {"corpus": corpus, "hub": None, "corpora": (*own, *added)}})

    def with_values(self, changes: Mapping[str, Mapping[str, Any]]) -> Recipe:
        """The recipe with other values, by section; of an optimiser of another kind, the options that both have stay.
        Raises RecipeError where they are not valid."""
        values = self.model_dump()
        for section, change in changes.items():
            values[section].update(change)
        return validated(without(values, foreign_options(values)), f"recipe {self.name}")

    def with_budget(self, steps: int, validate_every: int, judge_pairs: int) -> Recipe:
        """The recipe with another number of updates, the warm-up in proportion, and other validations."""
        warmup_steps = max(1, round(steps / self.training.steps * self.training.warmup_steps))
        training = {"steps": steps, "warmup_steps": warmup_steps, "validate_every": validate_every}
        return self.with_values({"training": training, "data": {"judge_pairs": judge_pairs}})

    def to_toml(self) -> str:
        """The recipe as TOML, every value written out (None, which TOML lacks, is left to the default)."""
        return tomli_w.dumps({"format": migrations.FORMAT, **self.model_dump(mode="json", exclude_none=True)})


def validated(values: dict[str, Any], origin: str) -> Recipe:
    """Values as a recipe. Raises RecipeError, which names `origin`: unknown key, wrong type, values that do not fit."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()
        more = f"; and {len(wrong) - _SHOWN_ERRORS} more" if len(wrong) > _SHOWN_ERRORS else ""
        raise RecipeError(f"{origin}: " + "; ".join(map(_explain, wrong[:_SHOWN_ERRORS])) + more) from error


def without(values: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Nested values, changed in place, without some dotted keys."""
    for key in keys:
        holder, last = _holder(values, key)
        holder.pop(last, None)  # data.hub may have been removed as a whole
    return values


def _explain(item: Any) -> str:
    location = item["loc"]
    if location[0:1] == ("optimizer",):  # its second part is the kind
        location = (*location[:1], *location[2:])
    where, message = ".".join(map(str, location)), item["msg"].removeprefix("Value error, ")
    value = item.get("input")
    if item["type"] == "extra_forbidden":
        if location[0] == "optimizer" and (
            why := foreign_options({"optimizer": {"kind": item["loc"][1], location[-1]: value}})
        ):
            return f"{where} has no effect with {why[where]}; leave it out"
        if where in migrations.MOVED:
            return f"unknown key {where}, which is {migrations.MOVED[where]} now"
        known = OPTIONS[item["loc"][1]] if location[0] == "optimizer" else _fields(location[:-1])
        return f"unknown key {where:.80}{near(str(location[-1]), known)}; known here: {', '.join(known)}"
    if item["type"] == "union_tag_invalid":
        where, value = f"{where}.kind", value["kind"]
        message = f"Input should be {item['ctx']['expected_tags']}"
    if item["type"] == "string_pattern_mismatch":
        message = "a name is needed, without slashes, and not beginning with a dot"
    shown = "" if item["type"] in ("value_error", "missing") else f" (got {reprlib.repr(value)})"
    return f"{where}: {message}{shown}" if where else message


def _fields(location: tuple[str | int, ...]) -> list[str]:
    kind: type[BaseModel] = Recipe
    for part in location:
        if isinstance(part, str):  # else the number of a table in a list
            kind = _section_in(kind.model_fields[part].annotation) or Section
    return list(kind.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section that a value may be, alone, in a tuple or in place of None."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_section_in, get_args(annotation))), None)


def _holder(values: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """The innermost table of nested values that a dotted key leads to, and the last part of the key."""
    *path, last = key.split(".")
    for part in path:
        values = section_of(values, part)
    return values, last


def holds(values: dict[str, Any], key: str) -> bool:
    """Whether a dotted key is among nested values."""
    holder, last = _holder(values, key)
    return last in holder
