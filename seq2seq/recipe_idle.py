"""Which values of a recipe have no effect, by its other values: each is refused where it was given, since whoever gave
it meant something by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def without_effect(values: Mapping[str, Any]) -> dict[str, str]:
    """The keys, as `section.key`, that nothing would read, whatever their values, each with what makes it so.

    `values`: those of a valid recipe, every one of them.
    """
    return {key: why for applies, why, keys in _rules(values) if applies for key in keys.split()}


def _rules(values: Mapping[str, Any]) -> Iterator[tuple[bool, str, str]]:
    """(whether it applies, why, the keys that then have no effect)."""
    data, tokenizer, training = values["data"], values["tokenizer"], values["training"]
    kind, architecture = tokenizer["kind"], values["model"]["architecture"]
    optimizer, schedule, keep = (training[key] for key in ("optimizer", "schedule", "keep"))
    text = data["form"] == "text"
    yield (
        text,
        'data.form = "text"',
        "data.source data.target data.max_length data.max_ratio data.hub.source_column data.hub.target_column "
        "data.judge_pairs data.sacrebleu_test training.validate_sentences "
        "decoding.beam_size decoding.length_penalty decoding.max_extra decoding.batch_tokens",
    )
    yield not text, 'data.form = "pairs"', "data.chunks data.hub.text_column"
    yield data["corpus"] in ("phrasebook", "play"), f'data.corpus = "{data["corpus"]}", bundled', "data.hub data.mix"
    yield not data["mix"], "data.mix empty", "data.mix_pairs"
    yield data["bundled"] is None, "data.bundled unset", "fallback"
    yield kind != "tiktoken", f'tokenizer.kind = "{kind}"', "tokenizer.encoding"
    yield kind in ("byte", "tiktoken"), f'tokenizer.kind = "{kind}"', "tokenizer.vocabulary_size"
    yield (
        kind not in ("bpe", "unigram"),
        f'tokenizer.kind = "{kind}"',
        "tokenizer.byte_fallback tokenizer.normalization tokenizer.sampling",
    )
    yield architecture == "decoder-only", f'model.architecture = "{architecture}"', "model.encoder_layers"
    yield optimizer == "adam", 'training.optimizer = "adam" (adamw has it)', "training.weight_decay"
    yield optimizer != "muon", f'training.optimizer = "{optimizer}"', "training.muon_learning_rate"
    yield schedule == "inverse_square_root", f'training.schedule = "{schedule}"', "training.final_share"
    yield schedule != "wsd", f'training.schedule = "{schedule}"', "training.decay_share"
    yield keep != "ema", f'training.keep = "{keep}"', "training.ema"
    yield keep != "average", f'training.keep = "{keep}"', "training.average_last"
