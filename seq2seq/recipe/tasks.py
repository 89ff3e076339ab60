"""The tasks that a recipe may name: what each learns from, which values it reads that others do not, and which do not
fit it. A new task is its name and an entry of `TASKS`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple

from seq2seq.recipe.policy import Policy
from seq2seq.recipe.sections import Data, Model, Start, Tokenizer, Training

TaskName = Literal[
    "translation",
    "language-model",
    "masked-language-model",
    "classification",
    "conversation",
    "reward",
    "preference",
    "policy",
]
Misfits = Iterable[tuple[bool, str]]  # (whether values do not fit, the message if they do not: what to do about it)


class RecipeSections(NamedTuple):
    """The values of a recipe that are compared with one another."""

    data: Data
    tokenizer: Tokenizer
    model: Model
    training: Training
    start: Start | None = None
    policy: Policy | None = None


@dataclass(frozen=True)
class TaskRules:
    """What a task asks of a recipe."""

    learns_from: str
    reads: str  # keys, as `section.key`, that not every task reads, of those that this one does
    misfits: Callable[[RecipeSections], Misfits]


def description() -> str:
    """What the tasks learn from, for people."""
    *others, last = dict.fromkeys(rules.learns_from for rules in TASKS.values())
    return f"learn from {', '.join(others)}, or {last}"


def unread(task: TaskName) -> str:
    """The keys that a task does not read, and another does."""
    keys = dict.fromkeys(key for rules in TASKS.values() for key in rules.reads.split())
    return " ".join(key for key in keys if key not in TASKS[task].reads.split())


def _of_translation(values: RecipeSections) -> Misfits:
    data, model, training = values.data, values.model, values.training
    decoder_only = model.architecture == "decoder-only"
    yield model.architecture == "encoder-only", 'model.architecture = "encoder-only" needs task = "classification"'
    yield (
        training.metric in ("accuracy", "macro_f1"),
        f'training.metric = "{training.metric}" is of classes: translations are judged by "bleu" or "loss"',
    )
    yield "reviews" in (data.corpus, data.bundled), 'the bundled reviews have labels: set task = "classification"'
    yield from _of_corpora(data)
    yield "play" in (data.corpus, data.bundled), 'the bundled play is running text: set task = "language-model"'
    yield _too_long_for_the_model(data, model)
    yield (
        decoder_only and 2 * data.max_length > model.max_length,
        f"a decoder-only model reads both sides: 2 x data.max_length = {2 * data.max_length} exceeds "
        f"model.max_length = {model.max_length}",
    )
    yield (
        data.max_length > training.batch_tokens,
        f"training.batch_tokens = {training.batch_tokens} cannot hold one pair of data.max_length = {data.max_length}",
    )


def _of_corpora(data: Data) -> Iterator[tuple[bool, str]]:
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


def _of_language_modelling(values: RecipeSections) -> Misfits:
    architecture, tokenizer = values.model.architecture, values.tokenizer
    yield architecture != "decoder-only", 'task = "language-model" needs model.architecture = "decoder-only"'
    yield (
        tokenizer.kind in ("bpe", "unigram"),
        f'tokenizer.kind = "{tokenizer.kind}" loses line ends; for running text use byte-bpe, tiktoken, '
        "character or byte",
    )
    yield from _of_one_sequence(values, "running text is", "its", "chunk")


def _of_one_sequence(values: RecipeSections, text: str, its: str, unit: str) -> Misfits:
    """Of a model that reads a text, in units of up to its length, as one sequence."""
    model, training = values.model, values.training
    yield training.metric != "loss", f'{text} judged by {its} loss: set training.metric = "loss"'
    yield bool(values.data.corpora), f"data.corpora are of sentence pairs: {text} one corpus, data.corpus"
    yield (
        model.max_length > training.batch_tokens,
        f"training.batch_tokens = {training.batch_tokens} cannot hold one {unit} of model.max_length = "
        f"{model.max_length}",
    )


def _of_masking(values: RecipeSections) -> Misfits:
    data, model, training = values.data, values.model, values.training
    yield (
        model.architecture != "encoder-only",
        'task = "masked-language-model" needs model.architecture = "encoder-only"',
    )
    yield training.metric != "loss", 'filling in tokens is judged by its loss: set training.metric = "loss"'
    yield not values.tokenizer.joint, "an encoder alone has one vocabulary: set tokenizer.joint = true"
    yield bool(data.corpora), "data.corpora are of sentence pairs: running text is one corpus, data.corpus"
    yield (
        data.max_length > min(model.max_length, training.batch_tokens),
        f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}, or "
        f"training.batch_tokens = {training.batch_tokens}",
    )


def _of_classification(values: RecipeSections) -> Misfits:
    data, model, training = values.data, values.model, values.training
    yield (
        model.architecture == "encoder-decoder",
        'task = "classification" needs model.architecture = "encoder-only", or "decoder-only" for a causal one',
    )
    yield (
        model.architecture == "decoder-only" and model.pooling == "first",
        'the first state of a decoder-only model holds nothing of the text: set model.pooling = "mean"',
    )
    yield training.metric == "bleu", 'classes are judged by training.metric = "accuracy", "macro_f1" or "loss"'
    yield not values.tokenizer.joint, "an encoder alone has one vocabulary: set tokenizer.joint = true"
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
    yield _too_long_for_the_model(data, model)
    yield (
        data.max_length > training.batch_tokens,
        f"training.batch_tokens = {training.batch_tokens} cannot hold one text of data.max_length = {data.max_length}",
    )


def _too_long_for_the_model(data: Data, model: Model) -> tuple[bool, str]:
    return (
        data.max_length > model.max_length,
        f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}",
    )


def _of_conversation(values: RecipeSections) -> Misfits:
    architecture, start = values.model.architecture, values.start
    yield (
        start is not None and start.task not in (None, "language-model", "conversation"),
        'task = "conversation" starts from a language model or a chat model, not from a run of task '
        f'"{start and start.task}": name another with --start',
    )
    yield architecture != "decoder-only", 'task = "conversation" needs model.architecture = "decoder-only"'
    yield from _of_one_sequence(values, "conversations are", "their", "conversation")


def _of_improvement(task: TaskName, values: RecipeSections) -> Misfits:
    """Of a task whose model is that of a start which writes."""
    start = values.start
    yield start is None, f'task = "{task}" begins from a run that was trained before: write [start], or give --start'
    yield (
        start is not None and start.task not in (None, "translation", "conversation"),
        f'task = "{task}" starts from a translator or a chat model, not from a run of task '
        f'"{start and start.task}": name another with --start',
    )
    yield values.model.architecture == "encoder-only", "an encoder alone writes nothing: start from another run"


def _of_policy(values: RecipeSections) -> Misfits:
    policy, training = values.policy, values.training
    yield from _of_improvement("policy", values)
    yield (
        policy is not None and policy.reward == "rater" and values.data.rater is None,
        'policy.reward = "rater" needs a rater: set data.rater = "world" or "chrf"',
    )
    yield (
        training.accumulate > 1,
        f"training.accumulate = {training.accumulate}: a policy is updated once for each of policy.minibatches; set "
        "fewer of them instead",
    )


_LEARNT = "data.replay training.batch_tokens training.label_smoothing training.metric "
_PREDICTED = _LEARNT + "tokenizer.sampling model.tie "
_PROMPTED = "data.source data.target data.max_length data.hub.source_column data.hub.target_column data.judge_pairs "
_PAIRED = "data.max_ratio data.sacrebleu_test data.noise data.cleaning "
_SEARCHED = "decoding.beam_size decoding.length_penalty decoding.max_extra decoding.batch_tokens "

TASKS: dict[TaskName, TaskRules] = {
    "translation": TaskRules(
        "sentence pairs", _PREDICTED + _PROMPTED + _PAIRED + _SEARCHED + "training.validate_sentences", _of_translation
    ),
    "language-model": TaskRules(
        "running text", _PREDICTED + "data.chunks data.hub.text_column", _of_language_modelling
    ),
    "masked-language-model": TaskRules(
        "running text", _LEARNT + "tokenizer.sampling data.max_length data.hub.text_column", _of_masking
    ),
    "classification": TaskRules(
        "texts with labels",
        _LEARNT + "tokenizer.sampling data.max_length data.judge_pairs data.hub.text_column data.hub.label_column "
        "data.text data.label data.classes data.token_dropout model.pooling training.class_weights",
        _of_classification,
    ),
    "conversation": TaskRules(
        "conversations",
        _LEARNT + "model.tie data.judge_pairs data.hub.text_column data.hub.label_column data.rater "
        "training.validate_sentences",
        _of_conversation,
    ),
    "reward": TaskRules(
        "comparisons",
        _PROMPTED + "training.batch_tokens model.tie comparisons comparisons.centring comparisons.likelihood",
        partial(_of_improvement, "reward"),
    ),
    "preference": TaskRules(
        "comparisons",
        _PROMPTED + _SEARCHED + "training.batch_tokens model.tie data.sacrebleu_test data.rater comparisons preference",
        partial(_of_improvement, "preference"),
    ),
    "policy": TaskRules(
        "prompts", _PROMPTED + _PAIRED + _SEARCHED + "model.tie tokenizer.sampling data.rater policy", _of_policy
    ),
}
