"""A finished run, ready to translate or to go on with a prompt, by the engine that suits what is asked. Torch is
imported where it is used."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from seq2seq import limits
from seq2seq.data import tokenizers
from seq2seq.decoding import ctranslate2_copy as copies
from seq2seq.decoding.ctranslate2_copy import Copy
from seq2seq.decoding.engine import Engine, Options, Sampling, Scorer
from seq2seq.decoding.segments import Segmenter
from seq2seq.decoding.translate import Translator
from seq2seq.errors import RunError
from seq2seq.run import Run

if TYPE_CHECKING:
    from seq2seq.data.tokenizers import Tokenizer
    from seq2seq.decoding import text
    from seq2seq.decoding.text import TextGenerator
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe

ENGINES = ("auto", "torch", "ctranslate2")
PRECISIONS = ("auto", "float32", "int8", "bfloat16")

_CACHED = 2048  # tokens of a batch, in all beams: larger ones leave the caches of a CPU, and are slower


@dataclass(frozen=True)
class Request:
    """What is asked of a run; None and auto leave it to the run."""

    engine: str = "auto"
    precision: str = "auto"
    device: str = "auto"
    beam_size: int | None = None
    length_penalty: float | None = None
    n_best: int = 1
    sampling: Sampling | None = None
    token_scores: bool = False
    shortlist: bool = False
    sentences: str = "auto"  # rule of `Segmenter`

    def options(self, usual: Options) -> Options:
        """How to search, where the recipe's way is `usual`."""
        wanted = usual.beam_size if self.beam_size is None else self.beam_size
        return replace(
            usual,
            beam_size=max(wanted, 1 if self.sampling else self.n_best),
            length_penalty=usual.length_penalty if self.length_penalty is None else self.length_penalty,
            n_best=self.n_best,
            sampling=self.sampling,
            token_scores=self.token_scores,
        )


@dataclass(frozen=True)
class Serving:
    """A translator and what it is."""

    translator: Translator
    source: str  # language codes
    target: str
    options: Options
    engine: str  # with its precision and device
    missing: str = ""  # why it is not the fast engine that a run has by default, and what makes it so


@dataclass(frozen=True)
class TextServing:
    """What goes on from a prompt, and what it is."""

    generator: TextGenerator
    tokenizer: Tokenizer
    engine: str  # with its precision and device
    missing: str = ""  # why it is not the fast engine that a run has by default, and what makes it so


def serve(run: Run, request: Request) -> Serving:
    """Open a run for translating. `auto` takes CTranslate2 where the run has a copy that is not stale and the request
    can be expressed, else PyTorch.

    Raises RunError where the run is no translator, or the engine that is asked for cannot do what is asked, DeviceError
    for a device that is not there.
    """
    run.must_be_of("pairs")
    if request.shortlist:
        request = _with_shortlist(request)
    copy, missing = _chosen(run, request, _only_torch(request) or _none_drawn(request))
    return replace(_on_torch(run, request), missing=missing) if copy is None else _on_copy(run, copy, request)


def serve_text(run: Run, request: Request, how: text.Options) -> TextServing:
    """Open a run for going on with a prompt as `how` says, by the engine that `serve` would choose.

    Raises RunError where the engine that is asked for cannot do what is asked, DeviceError for a device that is not
    there.
    """
    from seq2seq.decoding import ctranslate2_generator

    run.must_be_of("text")
    copy, missing = _chosen(run, request, _only_torch(request) or ctranslate2_generator.inexpressible(how))
    return replace(_text_on_torch(run, request), missing=missing) if copy is None else _text_on_copy(run, copy, request)


def _chosen(run: Run, request: Request, reason: str) -> tuple[Copy | None, str]:
    """The copy that serves, None for PyTorch, and then why not the copy, where there should be one. `reason`: why
    CTranslate2 cannot do what is asked, whatever the run."""
    if request.engine == "torch":
        return None, ""
    copy = None if reason else copies.read(run.path)
    if copy is not None:
        return copy, ""
    missing = "" if reason else _missing(run)
    if request.engine == "ctranslate2" or request.precision == "int8":
        run.must_be_unchanged(run.weights.name, "tokenizer")
        raise RunError(missing or f"{reason}; leave out --engine and --precision, or use --engine torch")
    return None, missing


def _only_torch(request: Request) -> str:
    """Why CTranslate2 cannot serve a request, whatever the run."""
    if request.device == "mps":
        return "CTranslate2 has no --device mps"
    if request.precision == "bfloat16":
        return "CTranslate2 serves in float32 and int8, not --precision bfloat16"
    return ""


def _with_shortlist(request: Request) -> Request:
    """The engine and the precision that have shortlists. Raises RunError where others are asked for, or more than a
    shortlist can give."""
    if request.engine == "torch" or request.precision not in ("auto", "int8"):
        raise RunError("--shortlist serves by CTranslate2 in int8; leave out --engine and --precision")
    if request.sampling or request.n_best > 1 or request.token_scores:
        raise RunError("--shortlist gives one translation, without scores; leave out --json, --n-best and --sample")
    return replace(request, engine="ctranslate2", precision="int8")


def _none_drawn(request: Request) -> str:
    return "" if request.sampling is None else "only PyTorch draws translations at random"


def _missing(run: Run) -> str:
    if refused := run.record().get("ctranslate2", {}).get("refused"):
        return str(refused)
    stale = (run.path / copies.FOLDER).exists()
    return (
        f"{run.path} has {'a CTranslate2 copy of other weights' if stale else 'no CTranslate2 copy'}: PyTorch "
        f"serves, which is slower; `seqx export --run {run.path}` makes one"
    )


def _on_copy(run: Run, copy: Copy, request: Request) -> Serving:
    # Imported here: a command that ends up with torch does without it.
    from seq2seq.decoding import ctranslate2_engine

    settings = copy.settings
    device = ctranslate2_engine.device(request.device)
    precision = copy.precision if request.precision == "auto" else request.precision
    options = request.options(
        Options(
            settings.beam_size,
            settings.length_penalty,
            max_extra=settings.max_extra,
            batch_tokens=min(settings.batch_tokens, _CACHED) if device == "cpu" else settings.batch_tokens,
        )
    )
    workers = limits.threads() if device == "cpu" else 1
    if request.shortlist and settings.unlisted is None:
        raise RunError(
            f"{run.path} has no shortlist: a training makes one at its end, and keeps it where BLEU holds; leave out "
            "--shortlist"
        )
    engine = ctranslate2_engine.load(copy, precision, device, workers, shortlist=request.shortlist)
    both = tokenizers.read_both(run.path, joint=settings.joint)
    scoring = "float32" if request.precision == "auto" else precision

    def exact() -> Engine:
        return engine if precision == scoring else ctranslate2_engine.load(copy, scoring, device, workers)

    segmenter = Segmenter.of_run(run.path, run.record, settings.source, settings.target, request.sentences)
    return Serving(
        Translator(
            engine,
            both,
            options,
            settings.longest,
            segmenter=segmenter,
            scorer=Scorer(exact, together=device != "cpu"),
            workers=workers,
        ),
        settings.source,
        settings.target,
        options,
        f"CTranslate2, {precision}{' with a shortlist' if request.shortlist else ''}, {device}",
    )


def _text_on_copy(run: Run, copy: Copy, request: Request) -> TextServing:
    from seq2seq.decoding import ctranslate2_engine
    from seq2seq.decoding.ctranslate2_generator import CTranslate2Generator

    device = ctranslate2_engine.device(request.device)
    precision = copy.precision if request.precision == "auto" else request.precision
    tokenizer = tokenizers.read_both(run.path, joint=True).target
    generator = CTranslate2Generator(
        lambda: ctranslate2_engine.opened(copy, precision, device, 1),
        ctranslate2_engine.vocabularies(copy, precision)[1],
        tokenizer,
        copy.settings.positions,
        documents=copy.settings.documents,
        workers=limits.threads() if device == "cpu" else 1,
    )
    return TextServing(generator, tokenizer, f"CTranslate2, {precision}, {device}")


def _on_torch(run: Run, request: Request) -> Serving:
    from seq2seq import build

    wanted: Recipe = run.recipe()
    options = request.options(build.options(wanted))
    choice = _choice(request, wanted.training.precision)
    exact = request.precision == "auto"
    translator = build.translator(run, choice, options, sentences=request.sentences, exact=exact)
    return Serving(translator, wanted.data.source, wanted.data.target, options, f"PyTorch, {choice}")


def _text_on_torch(run: Run, request: Request) -> TextServing:
    from seq2seq import build

    # A token at a time is bound by reading the weights: making bfloat16 of them first costs more than it saves.
    choice = _choice(request, "float32")
    tokenizer = build.read_tokenizers(run.recipe(), run.path).target
    return TextServing(build.generator(run, choice), tokenizer, f"PyTorch, {choice}")


def _choice(request: Request, usual: str) -> Choice:
    from seq2seq import device

    if request.precision == "int8":
        raise RunError("PyTorch serves in float32 and bfloat16, not --precision int8; leave out --engine torch")
    return device.choose(request.device, usual if request.precision == "auto" else request.precision)
