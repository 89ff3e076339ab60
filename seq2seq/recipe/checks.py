"""Which values of a recipe do not fit one another, and which have no effect, by its other values: each is refused
where it was given, since its author expected an effect. What depends on the task: `tasks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.recipe.optimizers import OPTIONS
from seq2seq.recipe.section import section_of
from seq2seq.recipe.tasks import TASKS, Misfits, RecipeSections, TaskName, unread


def misfits(task: TaskName, values: RecipeSections) -> Misfits:
    """Those of every task, then those of one."""
    model, tokenizer, training = values.model, values.tokenizer, values.training
    yield training.keep == "ema" and not training.ema, 'training.keep = "ema" needs training.ema, for example 0.99'
    yield (
        model.architecture == "decoder-only" and not tokenizer.joint,
        "a decoder-only model has one vocabulary: set tokenizer.joint = true",
    )
    yield (
        model.tie == "all" and not tokenizer.joint,
        'model.tie = "all" needs one vocabulary: set tokenizer.joint = true, or model.tie = "target"',
    )
    yield from TASKS[task].misfits(values)


def foreign_options(values: Mapping[str, Any]) -> dict[str, str]:
    """Options of optimisers of other kinds than that of some values, as `optimizer.key`, each with why it has no
    effect; the values need not be valid."""
    section = section_of(values, "optimizer")
    kind = section.get("kind", "adam")
    if kind not in list(OPTIONS):  # it need not be hashable
        return {}
    foreign = {}
    for key in [key for key in section if key not in OPTIONS[kind]]:
        if having := [other for other in OPTIONS if key in OPTIONS[other]]:
            have = f"{' and '.join(having)} {'has' if len(having) == 1 else 'have'} it"
            foreign[f"optimizer.{key}"] = f'optimizer.kind = "{kind}" ({have})'
    return foreign


def without_effect(values: Mapping[str, Any]) -> dict[str, str]:
    """The keys, as `section.key`, that nothing reads, whatever their values, each with the reason.

    `values`: those of a valid recipe, every one of them.
    """
    return {key: why for applies, why, keys in _rules(values) if applies for key in keys.split()}


def _rules(values: Mapping[str, Any]) -> Iterator[tuple[bool, str, str]]:
    """(whether it applies, why, the keys that then have no effect)."""
    data, tokenizer, training = values["data"], values["tokenizer"], values["training"]
    kind, architecture = tokenizer["kind"], values["model"]["architecture"]
    schedule, keep = training["schedule"], training["keep"]
    yield True, f'task = "{values["task"]}"', unread(values["task"])
    yield from _rules_of_preferences(values["comparisons"] or {}, values["policy"] or {})
    bundled = ("phrasebook", "play", "reviews", "assistant")
    yield data["corpus"] in bundled, f'data.corpus = "{data["corpus"]}", bundled', "data.hub"
    yield bool(data["corpora"]), "data.corpora", "data.corpus data.hub"
    yield all(corpus["share"] for corpus in data["corpora"]), "no corpus without a share", "data.temperature"
    yield values["start"] is None, "no run to start from (--start)", "data.replay"
    yield data["bundled"] is None, "data.bundled unset", "fallback"
    yield kind != "tiktoken", f'tokenizer.kind = "{kind}"', "tokenizer.encoding"
    yield kind in ("byte", "tiktoken"), f'tokenizer.kind = "{kind}"', "tokenizer.vocabulary_size"
    yield (
        kind not in ("bpe", "unigram"),
        f'tokenizer.kind = "{kind}"',
        "tokenizer.byte_fallback tokenizer.normalization tokenizer.sampling",
    )
    yield architecture == "decoder-only", f'model.architecture = "{architecture}"', "model.encoder_layers"
    yield architecture == "encoder-only", f'model.architecture = "{architecture}"', "model.decoder_layers"
    yield schedule == "inverse_square_root", f'training.schedule = "{schedule}"', "training.final_share"
    yield schedule != "wsd", f'training.schedule = "{schedule}"', "training.decay_share"
    yield keep != "ema", f'training.keep = "{keep}"', "training.ema"
    yield keep != "average", f'training.keep = "{keep}"', "training.average_last"


def _rules_of_preferences(comparisons: Mapping[str, Any], policy: Mapping[str, Any]) -> Iterator[tuple[bool, str, str]]:
    """As `_rules`, within these sections."""
    yield (
        comparisons.get("rater", "") is None,
        "comparisons.rater unset",
        "comparisons.pairs comparisons.held_out comparisons.flipped comparisons.temperature comparisons.max_tokens "
        "comparisons.seed",
    )
    yield policy.get("reward") is not None, "policy.reward", "policy.reward_recipe"
    yield policy.get("kl_target", 0) is None, "policy.kl_target unset", "policy.kl_horizon"
    yield (
        policy.get("estimator") == "rloo",
        'policy.estimator = "rloo"',
        "policy.discount policy.decay policy.value_clip policy.value_weight",
    )
