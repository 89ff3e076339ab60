"""Which values of a recipe do not fit one another, and which have no effect, by its other values: each is refused
where it was given, since its author expected an effect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seq2seq.recipe.optimizers import OPTIONS
from seq2seq.recipe.sections import Data, Model, Tokenizer, Training


def misfits(
    task: str, data: Data, tokenizer: Tokenizer, model: Model, training: Training
) -> Iterator[tuple[bool, str]]:
    """(whether values do not fit, the message if they do not: what to do about it)."""
    decoder_only = model.architecture == "decoder-only"
    yield (
        training.keep == "ema" and not training.ema,
        'training.keep = "ema" needs training.ema, for example 0.99',
    )
    yield (
        decoder_only and not tokenizer.joint,
        "a decoder-only model has one vocabulary: set tokenizer.joint = true",
    )
    yield (
        model.tie == "all" and not tokenizer.joint,
        'model.tie = "all" needs one vocabulary: set tokenizer.joint = true, or model.tie = "target"',
    )
    if task == "language-model":
        yield not decoder_only, 'task = "language-model" needs model.architecture = "decoder-only"'
        yield (
            tokenizer.kind in ("bpe", "unigram"),
            f'tokenizer.kind = "{tokenizer.kind}" loses line ends; for running text use byte-bpe, tiktoken, '
            "character or byte",
        )
        yield training.metric != "loss", 'running text is judged by its loss: set training.metric = "loss"'
        yield bool(data.corpora), "data.corpora are of sentence pairs: running text is one corpus, data.corpus"
        yield (
            model.max_length > training.batch_tokens,
            f"training.batch_tokens = {training.batch_tokens} cannot hold one chunk of "
            f"model.max_length = {model.max_length}",
        )
        return
    if task == "masked-language-model":
        yield from _misfits_of_masking(data, tokenizer, model, training)
        return
    if task == "classification":
        yield from _misfits_of_classes(data, tokenizer, model, training)
        return
    yield model.architecture == "encoder-only", 'model.architecture = "encoder-only" needs task = "classification"'
    yield (
        training.metric in ("accuracy", "macro_f1"),
        f'training.metric = "{training.metric}" is of classes: translations are judged by "bleu" or "loss"',
    )
    yield "reviews" in (data.corpus, data.bundled), 'the bundled reviews have labels: set task = "classification"'
    yield from _misfits_of_corpora(data)
    yield "play" in (data.corpus, data.bundled), 'the bundled play is running text: set task = "language-model"'
    yield (
        data.max_length > model.max_length,
        f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}",
    )
    yield (
        decoder_only and 2 * data.max_length > model.max_length,
        f"a decoder-only model reads both sides: 2 x data.max_length = {2 * data.max_length} exceeds "
        f"model.max_length = {model.max_length}",
    )
    yield (
        data.max_length > training.batch_tokens,
        f"training.batch_tokens = {training.batch_tokens} cannot hold one pair of data.max_length = {data.max_length}",
    )


def _misfits_of_classes(
    data: Data, tokenizer: Tokenizer, model: Model, training: Training
) -> Iterator[tuple[bool, str]]:
    yield (
        model.architecture == "encoder-decoder",
        'task = "classification" needs model.architecture = "encoder-only", or "decoder-only" for a causal one',
    )
    yield (
        model.architecture == "decoder-only" and model.pooling == "first",
        'the first state of a decoder-only model holds nothing of the text: set model.pooling = "mean"',
    )
    yield (
        training.metric == "bleu",
        'classes are judged by training.metric = "accuracy", "macro_f1" or "loss"',
    )
    yield not tokenizer.joint, "an encoder alone has one vocabulary: set tokenizer.joint = true"
    yield bool(data.corpora), "data.corpora are of sentence pairs: texts with labels are one corpus, data.corpus"
    yield (
        bool({data.corpus, data.bundled} & {"phrasebook", "play"}),
        "the bundled phrasebook and play have no labels: name another data.corpus, or the bundled reviews",
    )
    columns = [*map(str.strip, data.text.split(",")), data.label]
    yield (
        not all(columns) or len({*columns}) != len(columns) or len(columns) > 3,
        f'data.text = "{data.text}" and data.label = "{data.label}": name one or two columns of text, and another of '
        "labels",
    )
    yield (
        len(data.classes) == 1 or len({*data.classes}) != len(data.classes),
        f"data.classes = {list(data.classes)}: name two or more, each once",
    )
    yield (
        data.max_length > model.max_length,
        f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}",
    )
    yield (
        data.max_length > training.batch_tokens,
        f"training.batch_tokens = {training.batch_tokens} cannot hold one text of data.max_length = {data.max_length}",
    )


def _misfits_of_masking(
    data: Data, tokenizer: Tokenizer, model: Model, training: Training
) -> Iterator[tuple[bool, str]]:
    yield (
        model.architecture != "encoder-only",
        'task = "masked-language-model" needs model.architecture = "encoder-only"',
    )
    yield training.metric != "loss", 'filling in tokens is judged by its loss: set training.metric = "loss"'
    yield not tokenizer.joint, "an encoder alone has one vocabulary: set tokenizer.joint = true"
    yield bool(data.corpora), "data.corpora are of sentence pairs: running text is one corpus, data.corpus"
    yield (
        data.max_length > min(model.max_length, training.batch_tokens),
        f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}, or "
        f"training.batch_tokens = {training.batch_tokens}",
    )


def _misfits_of_corpora(data: Data) -> Iterator[tuple[bool, str]]:
    names = [corpus.name for corpus in data.corpora]
    for corpus in data.corpora:
        where = f"data.corpora, {corpus.name}"
        yield names.count(corpus.name) > 1, f"{where}: two corpora have this name; rename one"
        yield corpus.hub is not None and bool(corpus.files), f"{where}: hub has no effect with files; leave one out"
        yield (
            bool(corpus.dev_files or corpus.test_files) and not corpus.files,
            f"{where}: dev_files and test_files go with files to train on: name these too",
        )
        yield (
            bool(corpus.dev_files or corpus.test_files) and not corpus.judged,
            f"{where}: dev_files and test_files have no effect with judged = false; leave them out",
        )
        yield (
            corpus.tag != " ".join(corpus.tag.split()),
            f"{where}: tag = {corpus.tag!r} has blanks at an end or in a row, which tokenizers lose: leave them out",
        )
        for key, files in (("files", corpus.files), ("dev_files", corpus.dev_files), ("test_files", corpus.test_files)):
            yield len(files) > 2, f"{where}: {key} are a file of pairs, or a source and a target file, not {len(files)}"
    if data.corpora:
        shares = [corpus.share for corpus in data.corpora]
        without_share = [corpus.name for corpus in data.corpora if corpus.share is None]
        total = sum(share or 0 for share in shares)
        yield total > 1 + 1e-6, f"the shares of data.corpora are {total:g} in all: they must not exceed 1"
        yield (
            total > 1 - 1e-6 and None in shares,
            "the shares of data.corpora are 1 without those that have none; give "
            f"{', '.join(without_share)} a share too",
        )
        yield (
            not any(corpus.judged for corpus in data.corpora),
            "data.corpora: none is judged; set judged = true for one or more",
        )


def foreign_options(values: Mapping[str, Any]) -> dict[str, str]:
    """Options of optimisers of other kinds than that of some values, as `optimizer.key`, each with why it has no
    effect; the values need not be valid."""
    section = values.get("optimizer")
    kind = section.get("kind", "adam") if isinstance(section, Mapping) else None
    if not isinstance(section, Mapping) or kind not in list(OPTIONS):  # it need not be hashable
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
    task = values["task"]
    text, labels, masking = (task == name for name in ("language-model", "classification", "masked-language-model"))
    yield (
        text,
        'task = "language-model"',
        "data.source data.target data.max_length data.max_ratio data.hub.source_column data.hub.target_column "
        "data.judge_pairs data.sacrebleu_test data.noise data.cleaning training.validate_sentences "
        "decoding.beam_size decoding.length_penalty decoding.max_extra decoding.batch_tokens",
    )
    yield not text, f'task = "{task}"', "data.chunks"
    yield not text and not labels and not masking, f'task = "{task}"', "data.hub.text_column"
    yield (
        masking,
        'task = "masked-language-model"',
        "data.source data.target data.max_ratio data.hub.source_column data.hub.target_column data.judge_pairs "
        "data.sacrebleu_test data.noise data.cleaning training.validate_sentences model.tie decoding.beam_size "
        "decoding.length_penalty decoding.max_extra decoding.batch_tokens",
    )
    yield (
        not labels,
        f'task = "{task}"',
        "data.text data.label data.classes data.token_dropout data.hub.label_column model.pooling "
        "training.class_weights",
    )
    yield (
        labels,
        'task = "classification"',
        "data.source data.target data.max_ratio data.hub.source_column data.hub.target_column data.sacrebleu_test "
        "data.noise data.cleaning training.validate_sentences model.tie decoding.beam_size decoding.length_penalty "
        "decoding.max_extra decoding.batch_tokens",
    )
    yield data["corpus"] in ("phrasebook", "play", "reviews"), f'data.corpus = "{data["corpus"]}", bundled', "data.hub"
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
