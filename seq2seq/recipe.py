"""What to do: a recipe is a frozen, validated value. How it is read and changed stands in recipe_files.py.

Every default stands here, once. Numbers of the paper carry its section ("Attention Is All You Need", Vaswani et al.,
2017).
"""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from seq2seq.errors import RecipeError
from seq2seq.recipe_idle import without_effect

SECTIONS = ("data", "tokenizer", "model", "training", "decoding")
REPLACED = {"data.corpus", "data.mix", "data.hub", "data.sacrebleu_test"}  # on the bundled corpus, whatever they were


def _number(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("write a number here, not true or false")
    return value


_Number = BeforeValidator(_number)
Positive = Annotated[int, _Number, Field(gt=0, le=10**12)]
Count = Annotated[int, _Number, Field(ge=0, le=10**12)]
Size = Annotated[int, _Number, Field(gt=0, le=1_000_000)]  # of what takes memory in proportion
Layers = Annotated[int, _Number, Field(gt=0, le=1000)]
Probability = Annotated[float, _Number, Field(ge=0, lt=1)]
# What names a folder or a file: no way out of where it is put.
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*$")]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Hub(_Section):
    """A corpus on the Hugging Face Hub, as parquet."""

    path: str
    config: str | None = None
    source_column: str = "translation.fr"
    target_column: str = "translation.en"
    text_column: str = Field("text", description="column of running text")
    train: str = "train"
    dev: str = "validation"
    test: str = "test"


class Data(_Section):
    """The text to train and evaluate on."""

    form: Literal["pairs", "text"] = Field("pairs", description="sentence pairs, or running text for a language model")
    source: Name = Field("fr", description="source language code, also the suffix of its files")
    target: Name = Field("en", description="target language code")
    corpus: Name = Field("phrasebook", description="folder under $SEQX_DATA, or the bundled `phrasebook` or `play`")
    hub: Hub | None = None
    bundled: Literal["phrasebook", "play"] | None = Field(
        None, description="bundled corpus to fall back on when this one is unavailable"
    )
    mix: tuple[Literal["phrasebook"], ...] = Field((), description="bundled text added to the training pairs")
    mix_pairs: Count = Field(0, description="maximum pairs of each added text, hand-written first; 0 = all")
    max_length: Size = Field(128, description="maximum length of either side of a training pair, in tokens")
    max_ratio: float = Field(4.0, gt=1, description="maximum ratio of the two lengths (pairs over 10 tokens)")
    chunks: Literal["random", "packed"] = Field(
        "random", description="of running text: at random offsets, or each token once per epoch"
    )
    judge_pairs: Count = Field(0, description="most pairs of dev, and of test, to evaluate on; 0 = all")
    sacrebleu_test: str | None = Field(None, description="sacreBLEU test set to evaluate on too, for example wmt14")


class Tokenizer(_Section):
    """The tokenizer (section 5.1 uses byte-pair encoding with a shared vocabulary)."""

    kind: Literal["bpe", "unigram", "byte-bpe", "tiktoken", "character", "byte"] = Field(
        "bpe", description="bpe, unigram: SentencePiece; byte-bpe: trained, run by tiktoken; tiktoken: `encoding`"
    )
    encoding: str = Field("gpt2", description="with kind = tiktoken: name of the encoding, downloaded at first use")
    vocabulary_size: Size = 8000
    joint: bool = Field(True, description="one vocabulary for both languages")
    byte_fallback: bool = Field(True, description="characters outside the vocabulary become bytes, not <unk>")
    sampling: Probability = Field(0.0, description="BPE-dropout probability, or alpha of unigram sampling; 0 = off")
    normalization: Literal["nmt_nfkc", "nfkc", "identity"] = "nmt_nfkc"


class Model(_Section):
    """The network; the defaults are the paper's base model (table 3)."""

    architecture: Literal["encoder-decoder", "decoder-only"] = "encoder-decoder"
    d_model: Size = 512
    d_ff: Size = 2048
    n_heads: Size = 8
    encoder_layers: Layers = Field(6, description="of an encoder-decoder")
    decoder_layers: Layers = 6
    dropout: Probability = 0.1
    norm: Literal["post", "pre"] = Field("post", description="normalise after each residual sum (3.1) or before")
    normalization: Literal["layer", "rms"] = "layer"
    positions: Literal["sinusoidal", "learned", "rotary"] = "sinusoidal"
    activation: Literal["relu", "gelu", "squared_relu", "swiglu"] = "relu"
    qk_norm: bool = Field(False, description="normalise queries and keys, so that attention scores stay bounded")
    bias: bool = Field(True, description="biases of linear layers and layer norms")
    initialization: Literal["xavier", "normal"] = Field("xavier", description="normal: standard deviation 0.02")
    residual_start: Literal["full", "scaled", "zero"] = Field(
        "full", description="initial last matrix of each sub-layer: unchanged, over sqrt(sub-layers), or zero"
    )
    tie: Literal["all", "target", "none"] = Field("all", description="shared embedding matrices (section 3.4)")
    scale_embedding: bool = Field(True, description="initialised at 1/sqrt(d_model), times sqrt(d_model)")
    max_length: Size = Field(256, description="maximum sequence length, in tokens; a GPT's context")

    @model_validator(mode="after")
    def _heads_divide_the_width(self) -> Model:
        if self.d_model % self.n_heads:
            raise ValueError(f"n_heads = {self.n_heads} does not divide d_model = {self.d_model}")
        if self.d_model % 2:
            raise ValueError(f"d_model = {self.d_model} is odd: sinusoidal positions come in pairs")
        width = self.d_model // self.n_heads
        if self.positions == "rotary" and width % 2:
            raise ValueError(
                f"heads of d_model / n_heads = {width} are odd: rotary positions turn pairs; change n_heads = "
                f"{self.n_heads}"
            )
        return self


class Training(_Section):
    """Optimisation and validation (section 5)."""

    steps: Positive = 100_000
    batch_tokens: Positive = Field(4096, description="batch size: sentences x longest side, padding included")
    accumulate: Positive = Field(1, description="batches per update (gradient accumulation)")
    learning_rate: float | None = Field(
        None,
        gt=0,
        description="peak, reached after the warm-up; unset = 1/sqrt(d_model x warmup_steps), section 5.3",
    )
    warmup_steps: Positive = 4000
    schedule: Literal["inverse_square_root", "linear", "cosine", "wsd"] = Field(
        "inverse_square_root",
        description=("after the warm-up: 1/sqrt(step), section 5.3; or decay to the last step; wsd: level, then decay"),
    )
    final_share: float = Field(0.0, ge=0, le=1, description="final learning rate as a fraction of the peak")
    decay_share: float = Field(0.4, gt=0, le=1, description="with wsd: fraction of the steps that decay")
    optimizer: Literal["adam", "adamw", "muon"] = Field(
        "adam", description="adam: section 5.3; adamw: decoupled weight decay; muon: matrices only, AdamW for the rest"
    )
    weight_decay: float = Field(0.0, ge=0, description="of weight matrices; biases and norms are not decayed")
    muon_learning_rate: float = Field(0.02, gt=0, description="with muon: peak learning rate of weight matrices")
    betas: tuple[Probability, Probability] = (0.9, 0.98)
    epsilon: float = Field(1e-9, gt=0)
    label_smoothing: Probability = 0.1
    clip_norm: float = Field(0.0, ge=0, description="maximum gradient norm; 0 = off, as in the paper")
    max_skipped: Positive = Field(
        10,
        description=("consecutive non-finite updates before rolling back to the last good checkpoint at half the rate"),
    )
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = Field(False, description="compile the layers with torch.compile; pays in long runs on CUDA")
    seed: Annotated[int, _Number, Field(ge=0, lt=2**63)] = 1
    validate_every: Positive = Field(1000, description="steps between validations; each saves a checkpoint")
    validate_sentences: Positive = Field(500, description="number of dev sentences translated for BLEU")
    patience: Count = Field(0, description="validations without improvement before early stopping; 0 = off")
    metric: Literal["bleu", "loss"] = Field(
        "bleu", description="decides `best` and early stopping; loss while BLEU is 0"
    )
    ema: Probability = Field(0.0, description="decay of an exponential moving average of the weights; 0 = off")
    keep: Literal["average", "best", "ema"] = Field("average", description="which weights are kept at the end")
    average_last: Positive = Field(5, description="number of checkpoints averaged at the end (section 6.1)")
    keep_best: Positive = Field(1, description="number of best checkpoints kept in addition to the last ones")


class Decoding(_Section):
    """The search for translations (section 6.1)."""

    beam_size: Annotated[int, _Number, Field(gt=0, le=1000)] = 4
    length_penalty: float = Field(0.6, ge=0, le=10, description="GNMT's alpha; 0 = off")
    max_extra: Annotated[int, _Number, Field(gt=0, le=10_000)] = Field(
        50, description="maximum output length = source length + this, in tokens"
    )
    batch_tokens: Positive = 4096


class Recipe(_Section):
    """One experiment, complete."""

    name: Name = "unnamed"
    summary: str = ""
    needs: str = Field("", description="data, time and memory needed, for `seqx recipes`")
    scored: str = Field("", description="measured score, for `seqx recipes`")
    data: Data = Data()
    tokenizer: Tokenizer = Tokenizer()
    model: Model = Model()
    training: Training = Training()
    decoding: Decoding = Decoding()
    fallback: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="values, by section, for training on the bundled corpus instead"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> Recipe:
        for section in self.fallback:
            if section not in SECTIONS:
                raise ValueError(f"unknown section fallback.{section}{near(section, list(SECTIONS))}")
        for wrong, message in self._misfits():
            if wrong:
                raise ValueError(message)
        return self

    def _misfits(self) -> Iterator[tuple[bool, str]]:
        data, tokenizer, model, training = self.data, self.tokenizer, self.model, self.training
        alone = model.architecture == "decoder-only"
        yield (
            training.keep == "ema" and not training.ema,
            'training.keep = "ema" needs training.ema, for example 0.99',
        )
        yield (
            alone and not tokenizer.joint,
            "a decoder-only model has one vocabulary: set tokenizer.joint = true",
        )
        yield (
            model.tie == "all" and not tokenizer.joint,
            'model.tie = "all" needs one vocabulary: set tokenizer.joint = true, or model.tie = "target"',
        )
        if data.form == "text":
            yield not alone, 'data.form = "text" needs model.architecture = "decoder-only"'
            yield (
                tokenizer.kind in ("bpe", "unigram"),
                f'tokenizer.kind = "{tokenizer.kind}" loses line ends; for running text use byte-bpe, tiktoken, '
                "character or byte",
            )
            yield training.metric == "bleu", 'running text is judged by its loss: set training.metric = "loss"'
            yield bool(data.mix), "data.mix adds sentence pairs, which running text has no use for: leave it empty"
            yield (
                model.max_length > training.batch_tokens,
                f"training.batch_tokens = {training.batch_tokens} cannot hold one chunk of "
                f"model.max_length = {model.max_length}",
            )
            return
        yield "play" in (data.corpus, data.bundled), 'the bundled play is running text: set data.form = "text"'
        yield (
            data.max_length > model.max_length,
            f"data.max_length = {data.max_length} exceeds model.max_length = {model.max_length}",
        )
        yield (
            alone and 2 * data.max_length > model.max_length,
            f"a decoder-only model reads both sides: 2 x data.max_length = {2 * data.max_length} exceeds "
            f"model.max_length = {model.max_length}",
        )
        yield (
            data.max_length > training.batch_tokens,
            f"training.batch_tokens = {training.batch_tokens} cannot hold one pair of "
            f"data.max_length = {data.max_length}",
        )

    def idle(self) -> dict[str, str]:
        """The values, other than the defaults, that have no effect, as `section.key`, each with what makes it so."""
        given = self.model_dump(exclude_defaults=True)
        every = without_effect(self.model_dump())
        return {key: why for key, why in every.items() for holder, last in [_holder(given, key)] if last in holder}

    def settled(self) -> Recipe:
        """The same recipe, with the defaults for values that have no effect."""
        values = self.model_dump(exclude_defaults=True)
        for key in self.idle():
            holder, last = _holder(values, key)
            holder.pop(last, None)  # data.hub may have gone as a whole
        made = Recipe.model_validate(values)
        return made.settled() if made.idle() else made  # without data.mix, data.mix_pairs has no effect either

    def on_bundled(self, *, settle: bool = True) -> Recipe:
        """The recipe for the bundled corpus: its own `[fallback]` values applied, the corpus replaced; `settle` leaves
        out what then has no effect."""
        if self.data.bundled is None:
            files = "--data" if self.data.form == "text" else "--source-file and --target-file"
            raise RecipeError(f"recipe {self.name} has no bundled corpus to stand in: give {files}")
        values = self.model_dump()
        for section, changes in values.pop("fallback").items():
            values[section].update(changes)
        values["data"].update(corpus=self.data.bundled, mix=(), hub=None, sacrebleu_test=None)
        made = validated(values, f"recipe {self.name}, [fallback]")
        return made.settled() if settle else made

    def with_batch_tokens(self, batch_tokens: int) -> Recipe:
        """The recipe with another budget. Raises RecipeError where it cannot hold a pair."""
        values = self.model_dump()
        values["training"]["batch_tokens"] = batch_tokens
        return validated(values, f"recipe {self.name}")

    def with_budget(self, steps: int, validate_every: int, judge_pairs: int) -> Recipe:
        """The recipe with another number of updates, of which the warm-up keeps its share, and other validations."""
        values = self.model_dump()
        training = values["training"]
        training["warmup_steps"] = max(1, round(steps / self.training.steps * self.training.warmup_steps))
        training.update(steps=steps, validate_every=validate_every)
        values["data"]["judge_pairs"] = judge_pairs
        return validated(values, f"recipe {self.name}")

    def to_toml(self) -> str:
        """The recipe as TOML, every value written out (None, which TOML lacks, is left to the default)."""
        return tomli_w.dumps(self.model_dump(mode="json", exclude_none=True))


def validated(values: dict[str, Any], origin: str) -> Recipe:
    """Values as a recipe. Raises RecipeError: unknown key, wrong type, values that do not fit; `origin` is named."""
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise RecipeError(f"{origin}: " + "; ".join(map(_explain, wrong[:_SHOWN])) + more) from error


_SHOWN = 2  # of the values that are wrong


def _explain(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        known = _fields(item["loc"][:-1])
        meant = near(str(item["loc"][-1]), known)
        return f"unknown key {where:.80}{meant}; known here: {', '.join(known)}"
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "string_pattern_mismatch":
        message = "a name is needed, without slashes, and not beginning with a dot"
    shown = "" if item["type"] in ("value_error", "missing") else f" (got {reprlib.repr(item['input'])})"
    return f"{where}: {message}{shown}" if where else message


def _fields(location: tuple[str | int, ...]) -> list[str]:
    kind: type[BaseModel] = Recipe
    for part in location:
        annotation = kind.model_fields[str(part)].annotation
        kind = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else Hub
    return list(kind.model_fields)


def _holder(values: dict[str, Any], key: str) -> tuple[dict[str, Any], str]:
    """What holds a value of nested values, given its dotted key, and the last part of that."""
    *path, last = key.split(".")
    for part in path:
        values = values.get(part, {})
    return values, last


def near(word: str, known: list[str]) -> str:
    """What was perhaps meant by an unknown word, for an error message; or nothing."""
    close = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""
