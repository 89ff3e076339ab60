"""The sections of a recipe, but for those of optimisers, cleaning, policies and comparisons.

Every default is defined here, once. Numbers of the paper carry its section ("Attention Is All You Need", Vaswani et
al., 2017).
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from seq2seq.recipe.cleaning import Cleaned
from seq2seq.recipe.section import Count, Files, Layers, Name, Number, Positive, Probability, Section, Size


class Hub(Section):
    """A corpus on the Hugging Face Hub, as parquet or JSON."""

    path: str
    config: str | None = None
    source_column: str = "translation.fr"
    target_column: str = "translation.en"
    text_column: str = Field("text", description="column of running text, or of a text with a label; two: a,b")
    label_column: str = Field("label", description="column of labels")
    train: str = "train"
    dev: str = "validation"
    test: str = "test"


class NamedCorpus(Section):
    """One of several corpora that a recipe trains on together."""

    name: Name = Field(description="folder under $SEQX_DATA, or the bundled `phrasebook`; the kind of text in scores")
    hub: Hub | None = None
    files: Files = Field((), description="own files instead: one of pairs, or a source and a target file")
    dev_files: Files = Field((), description="the same for validation; without them, some pairs are held out")
    test_files: Files = Field((), description="the same for the test set")
    share: float | None = Field(None, gt=0, le=1, description="of the pairs trained on; unset = by size")
    pairs: Count = Field(0, description="maximum training pairs, the first ones; 0 = all")
    tag: str = Field("", max_length=50, description="put before each source, for example <news>")
    cleaning: Cleaned = Field(None, description="of its training text; unset = data.cleaning, false = none")
    judged: bool = Field(True, description="whether its dev and test text count in the scores")


class Noise(Section):
    """Shares of the training sources that are changed to what people type, at random each time they are used."""

    upper_case: Probability = Field(
        0.0, description="all in capitals, half of them without accents, their last mark or apostrophes"
    )
    lower_case: Probability = Field(0.0, description="without a capital, and the same")
    title_case: Probability = Field(0.0, description="each word with a capital")
    no_accents: Probability = 0.0
    no_end: Probability = Field(0.0, description="without the punctuation at the end")
    typing_errors: Probability = Field(0.0, description="a letter left out, doubled, replaced or exchanged")
    no_apostrophes: Probability = Field(0.0, description="with spaces for apostrophes")
    other_quotes: Probability = Field(0.0, description="typographic apostrophes and quotation marks, or plain ones")
    abbreviations: Probability = Field(0.0, description="as in messages (French and English): svp, bcp, thx")


class Data(Section):
    """The text to train and evaluate on."""

    source: Name = Field("fr", description="source language code, also the suffix of its files")
    target: Name = Field("en", description="target language code")
    corpus: Name = Field(
        "phrasebook",
        description="folder under $SEQX_DATA, or the bundled `phrasebook`, `play`, `reviews` or `assistant`",
    )
    hub: Hub | None = None
    bundled: Literal["phrasebook", "play", "reviews", "assistant"] | None = Field(
        None, description="bundled corpus to fall back on when this one is unavailable"
    )
    corpora: tuple[NamedCorpus, ...] = Field((), description="several corpora, instead of `corpus`")
    temperature: float = Field(
        1.0, gt=0, le=100, description="of corpora without a share: in proportion to size^(1 / temperature)"
    )
    cleaning: Cleaned = Field(None, description="of the training text; true = the default filters")
    noise: Noise = Noise()
    text: str = Field("text", description="column of the text to classify; two, judged together: text_a,text_b")
    label: str = Field("label", description="column of its class")
    classes: tuple[str, ...] = Field(
        (), description="names of the classes; a label may be the number of one, from 0; unset = the labels, sorted"
    )
    rater: Literal["world", "chrf"] | None = Field(
        None, description="simulated rater of answers to prompts whose right answer is known; its scores are the `gold`"
    )
    max_length: Size = Field(
        128, description="in tokens: maximum length of either side of a training pair; longer texts to classify are cut"
    )
    token_dropout: Probability = Field(
        0.0, description="share of the tokens of a text to classify that are left out, others each time"
    )
    max_ratio: float = Field(4.0, gt=1, description="maximum ratio of the two lengths (pairs over 10 tokens)")
    chunks: Literal["random", "packed"] = Field(
        "random", description="of running text: at random offsets, or each token once per epoch"
    )
    replay: Probability = Field(
        0.0, description="share of what is trained on that is the training text of the run it starts from"
    )
    judge_pairs: Count = Field(0, description="maximum pairs of dev, and of test, to evaluate on; 0 = all")
    sacrebleu_test: str | None = Field(None, description="sacreBLEU test set to evaluate on too, for example wmt14")


class Start(Section):
    """The run whose weights and tokenizer this one begins with. Parts are named as in the file of weights:
    `encoder`, `decoder.blocks.0`, `target_embedding`."""

    run: str | None = Field(
        None, min_length=1, description="a run folder, one of its checkpoints, or a pack; or --start"
    )
    recipe: Name | None = Field(None, description="recipe of that run, looked for under runs/ where run is unset")
    parts: tuple[str, ...] = Field((), description="parts of the model that are taken; the rest is new; empty = all")
    freeze: tuple[str, ...] = Field((), description="parts of the model that are not trained")
    task: str | None = Field(None, description="task of that run, which a policy serves too; known from the run")


class Tokenizer(Section):
    """The tokenizer (section 5.1 uses byte-pair encoding with a shared vocabulary)."""

    kind: Literal["bpe", "unigram", "byte-bpe", "tiktoken", "character", "byte"] = Field(
        "bpe", description="bpe, unigram: SentencePiece; byte-bpe: trained, run by tiktoken; tiktoken: `encoding`"
    )
    encoding: str = Field("gpt2", description="with kind = tiktoken: name of the encoding, downloaded at first use")
    vocabulary_size: Size = 8000
    joint: bool = Field(True, description="one vocabulary for both languages")
    byte_fallback: bool = Field(True, description="characters outside the vocabulary become bytes, not <unk>")
    sampling: Probability = Field(0.0, description="BPE-dropout probability, or alpha of unigram sampling; 0 = off")
    normalization: Literal["nmt_nfkc", "nfkc", "identity", "nmt_nfkc_cf", "nfkc_cf"] = Field(
        "nmt_nfkc", description="_cf: without the difference of capitals"
    )


class Model(Section):
    """The network; the defaults are the paper's base model (table 3)."""

    architecture: Literal["encoder-decoder", "decoder-only", "encoder-only"] = "encoder-decoder"
    d_model: Size = 512
    d_ff: Size = 2048
    n_heads: Size = 8
    encoder_layers: Layers = Field(6, description="where there is an encoder")
    decoder_layers: Layers = Field(6, description="where there is a decoder")
    pooling: Literal["mean", "first"] = Field(
        "mean", description="of an encoder alone: its states' mean, or the state of a first token of its own"
    )
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

    @property
    def layers_of_encoder(self) -> int:
        """Layers of the encoder, where there is one."""
        return self.encoder_layers if self.architecture != "decoder-only" else 0

    @property
    def layers_of_decoder(self) -> int:
        """Layers of the decoder, where there is one."""
        return self.decoder_layers if self.architecture != "encoder-only" else 0

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


class Training(Section):
    """Budget, learning rate and validation (section 5)."""

    steps: Positive = 100_000
    batch_tokens: Positive = Field(4096, description="batch size: sentences x longest side, padding included")
    accumulate: Positive = Field(1, description="batches per update (gradient accumulation)")
    learning_rate: float | None = Field(
        None, gt=0, description="peak, reached after the warm-up; unset = 1/sqrt(d_model x warmup_steps), section 5.3"
    )
    warmup_steps: Positive = 4000
    schedule: Literal["inverse_square_root", "linear", "cosine", "wsd"] = Field(
        "inverse_square_root",
        description="after the warm-up: 1/sqrt(step), section 5.3; or decay to the last step; wsd: level, then decay",
    )
    final_share: float = Field(0.0, ge=0, le=1, description="final learning rate as a fraction of the peak")
    begin: Count = Field(0, description="step at which the schedule begins; `seqx train --more` sets it")
    decay_share: float = Field(0.4, gt=0, le=1, description="with wsd: fraction of the steps that decay")
    label_smoothing: Probability = 0.1
    clip_norm: float = Field(0.0, ge=0, description="maximum gradient norm; 0 = off, as in the paper")
    max_skipped: Positive = Field(
        10,
        description="consecutive non-finite updates before rolling back to the last good checkpoint at half the rate",
    )
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool = Field(False, description="compile the layers with torch.compile; pays in long runs on CUDA")
    seed: Annotated[int, Number, Field(ge=0, lt=2**63)] = 1
    validate_every: Positive = Field(1000, description="steps between validations; each saves a checkpoint")
    validate_sentences: Positive = Field(500, description="number of dev sentences translated for BLEU")
    patience: Count = Field(0, description="validations without improvement before early stopping; 0 = off")
    metric: Literal["bleu", "loss", "accuracy", "macro_f1"] = Field(
        "bleu", description="decides `best` and early stopping; loss while BLEU is 0"
    )
    class_weights: Literal["equal", "balanced", "square_root"] = Field(
        "equal", description="of classes in the loss: balanced = 1 / frequency, square_root = 1 / sqrt(frequency)"
    )
    ema: Probability = Field(0.0, description="decay of an exponential moving average of the weights; 0 = off")
    keep: Literal["average", "best", "ema"] = Field("average", description="which weights are kept at the end")
    average_last: Positive = Field(5, description="number of checkpoints averaged at the end (section 6.1)")
    keep_best: Positive = Field(1, description="number of best checkpoints kept in addition to the last ones")


class Decoding(Section):
    """The search for translations (section 6.1)."""

    beam_size: Annotated[int, Number, Field(gt=0, le=1000)] = 4
    length_penalty: float = Field(0.6, ge=0, le=10, description="GNMT's alpha; 0 = off")
    max_extra: Annotated[int, Number, Field(gt=0, le=10_000)] = Field(
        50, description="maximum output length = source length + this, in tokens"
    )
    batch_tokens: Positive = 4096
