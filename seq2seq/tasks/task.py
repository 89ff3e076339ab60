"""The interface between a task and the commands and training: one class for each kind of run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, NoReturn, Protocol

from seq2seq.data.corpus import Corpus, Given, SourceT, SplitName
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.decoding.translation.distributed import OneProcess
from seq2seq.errors import RecipeError, RunError
from seq2seq.evaluation import kept
from seq2seq.storage.atomic import replacing
from seq2seq.tasks.examples import example

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from seq2seq.data.findings import Audit
    from seq2seq.data.prompts import Prompt
    from seq2seq.data.records import Kind
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes, Translates
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import PageSection, Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.recipe import Recipe
    from seq2seq.run import Run
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.opening import EngineChoice
    from seq2seq.tasks.workload import Workload
    from seq2seq.training.task import TrainingTask

Say = Callable[[str], None]

_TRANSLATORS = (  # options of evaluate
    *("source_file", "target_file", "sacrebleu", "beam_size", "length_penalty", "output", "engine", "precision"),
    "sentences",
)


class Front(Protocol):
    """The caller of an evaluation: it shows messages and progress, and provides the processes that share the work."""

    def say(self, message: str) -> None:
        """Show a progress message."""

    def together(self) -> AbstractContextManager[Processes]:
        """The processes of this command."""

    def watched(self, translator: Translates, lines: int) -> AbstractContextManager[Translates]:
        """A translator that shows its progress through `lines` lines."""


@dataclass(frozen=True)
class TestText:
    """The text to evaluate a run on; by default the test set of its recipe."""

    files: tuple[Path, ...] = ()  # of whole records
    source_file: Path | None = None
    references: tuple[Path, ...] = ()  # of the lines of source_file
    sacrebleu: str | None = None
    reading: Reading = PLAIN


@dataclass(frozen=True)
class Evaluated:
    """One text, evaluated."""

    record: Mapping[str, Any]  # for run.json and --json; "set" is its name
    checksum: Callable[[], str]  # of the text
    how: Mapping[str, Any]  # what the figures depend on besides run and text
    files: Sequence[Path]  # that hold the text
    outputs: Sequence[str] | None = None  # of the model, one per line of the text


class Figure(NamedTuple):
    """One score in a table, with its 95 % interval where that is known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    less_is_better: bool = False
    digits: int = 3  # after the point, for people


class RunComparison(Protocol):
    """Two runs, compared."""

    def record(self) -> dict[str, Any]:
        """For --json."""

    def lines(self, first: Path, second: Path) -> Iterator[str]:
        """Lines for people; `first` and `second` name the runs."""

    def shown(self) -> Iterator[Part]:
        """For a page."""


class Task(ABC, Generic[SourceT]):
    """A kind of run."""

    noun: ClassVar[str]  # for a finished run: "a ..."
    usual_recipe: ClassVar[str]  # an example, for messages
    plural: ClassVar[str]
    files_option: ClassVar[str] = "--data"  # for a user's own text
    predicted: ClassVar[str] = "token"  # what the model predicts: losses are means per one, and speed is counted in it
    evaluates_several: ClassVar[bool] = True  # texts in one command, one JSON line per text
    takes: ClassVar[tuple[str, ...]] = ()  # the parts of its model that a start of another task has, too
    prompts_itself: ClassVar[bool] = False  # whether its records are prompts with references
    shown: ClassVar[tuple[str, ...]] = ()  # figures of an update that are shown while it trains

    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    @classmethod
    def described(cls, run: Run) -> str:
        """A description of a run for messages, for example: a translator (fr to en)."""
        return f"a {cls.noun}"

    @property
    def does(self) -> str:
        """What a finished run does, for example: translates fr to en. Two that do the same can be compared."""
        return f"is a {self.noun}"

    # The records.

    @abstractmethod
    def kind(self) -> Kind[Any, SourceT]:
        """The kind of the records."""

    def find(self, given: Mapping[SplitName, Given], reading: Reading = PLAIN) -> Corpus[SourceT]:
        """The corpus: the user's files, where any are given, else as `sources.find` looks for it.

        Raises DataError, and MissingCorpusError where a corpus that is not the user's own is not available.
        """
        from seq2seq.data import sources

        return sources.find(self.kind(), given, reading=reading).judged_on(self.recipe.data.judge_pairs)

    def refused_files(self, given: Given) -> str:
        """A usage error where files cannot hold records of this task; empty where they can."""
        kind, side = self.kind(), given.source_file or given.target_file
        if not side or "--source-file" in kind.files_option:
            return ""
        return f"recipe {self.recipe.name} is for {kind.reads}: name files with {kind.files_option}"

    def audit(self, corpus: Corpus[SourceT]) -> Audit:
        """What `seqx data check` reports. Raises DataError: unreadable text."""
        from seq2seq.data.audit import audit

        return audit(corpus, self.kind())

    def remarks(self, corpus: Corpus[SourceT]) -> Iterator[str]:
        """Notes on a corpus, shown before training."""
        yield from ()

    def first(self, corpus: Corpus[SourceT], tokenizers: Tokenizers, count: int) -> Corpus[SourceT]:
        """The first `count` examples as every split, to overfit them."""
        few = corpus.train[0].first(count)
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def overfitted_loss(self, count: int) -> float:
        """The lowest `loss` of `count` overfitted examples: that of guessing which one it is."""
        return 0.0

    def lines(self, corpus: Corpus[SourceT], sides: Collection[int]) -> Iterator[str]:
        """The training text that a tokenizer of the sides, 0 source and 1 target, is trained on."""
        kind = self.kind()
        for source in corpus.train:
            for record in source.read():
                yield from kind.texts(record)

    def without(self, corpus: Corpus[SourceT], text: SourceT) -> Corpus[SourceT]:
        """A corpus whose training text is kept free of a text, where the task compares them."""
        return replace(corpus, held_out=(*corpus.held_out, text))

    def prompts(self, source: SourceT) -> Iterator[Prompt]:
        """The records of a source as prompts, for a task of which `prompts_itself` is true."""
        raise NotImplementedError

    # Training.

    def sampled(self, corpus: Corpus[Any], tokenizers: Tokenizers, run: Run, device: Choice, say: Say) -> Corpus[Any]:
        """The corpus that is trained on: as it was found, where the task does not make its records of samples of the
        start."""
        return corpus

    def served(self) -> Task[Any]:
        """The task as which a finished run serves; another where this one improves a run of that task."""
        return self

    def from_start(self, former: Recipe, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """The weights of a run to start from, of recipe `former`, by the names that they have in this task's model."""
        return weights

    def model(self, tokenizers: Tokenizers) -> nn.Module:
        """The model, a Transformer or a GPT by the recipe's architecture, its weights drawn from torch's generator.
        Raises RecipeError where this machine cannot hold it."""
        from seq2seq.tasks import models

        return models.model(self.recipe, tokenizers.source.size, tokenizers.target.size)

    def model_of(self, run: Run, tokenizers: Tokenizers) -> nn.Module:
        """As `model`, of a run: what it needs besides the recipe is on record."""
        return self.model(tokenizers)

    def initialise(self, model: nn.Module, run: Run) -> str:
        """Put the weights of the start into a new model; returns a description. Raises as `lineage.load` does."""
        from seq2seq.tasks import lineage

        return lineage.load(self, model, run)

    def trained(self, run: Run, device: torch.device) -> nn.Module:
        """The model of a finished run. Raises RunError where its files do not fit together, or are damaged."""
        from seq2seq.tasks import models

        return models.trained_model(run, device)[0]

    @abstractmethod
    def training(self, corpus: Corpus[SourceT], tokenizers: Tokenizers, run: Run, say: Say) -> TrainingTask[Any]:
        """What a session trains. Raises DataError where the text cannot be trained or judged on."""

    def validation_line(self, figures: Mapping[str, float]) -> str:
        """The figures of a validation, for people."""
        return "dev " + ", ".join(f"{name.replace('_', ' ')} {value:.4f}" for name, value in figures.items())

    def workload(self) -> Workload[SourceT]:
        """Batches and costs of this task, for measurements. Raises RecipeError where the task does not define them."""
        raise RecipeError(f"{self.plural} cannot be measured beforehand; train one, and watch its speed")

    # Judging.

    def write_test(self, run: Run, test: SourceT) -> None:
        """Put the test set into the run folder, as test.jsonl."""
        with replacing(run.path / "test.jsonl") as file:
            file.writelines(map(self.kind().line, test.read()))

    def read_test(self, run: Run) -> SourceT:
        """The test set of a run. Raises DataError where it is missing or damaged."""
        run.must_be_unchanged("test.jsonl")
        return self.kind().file(run.path / "test.jsonl", PLAIN)

    def measure(self, run: Run, text: SourceT, device: Choice, processes: Processes) -> dict[str, Any]:
        """The scores of a finished run on a text, computed by all processes together."""
        raise NotImplementedError

    def scores(self, run: Run, of: Run, device: Choice) -> dict[str, Any]:
        """The scores of a finished run on the test set of another, with the options of this recipe."""
        return {"set": "test", **self.measure(run, self.read_test(of), device, OneProcess())}

    def judge(self, run: Run, device: Choice, say: Say) -> None:
        """Judge the finished model on the test set of the run, and put the scores, as "test", into the run folder."""
        kept.keep_own(run, "test", {"set": "test", **self.measure(run, self.read_test(run), device, OneProcess())})

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        """The scores of a set, for people."""
        yield f"{name}: " + ", ".join(f"{key} {value}" for key, value in scores.items() if key != "set")

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        """The figures for a table among the scores of a set, the most important first."""
        return [
            Figure(row["name"], row["value"], row["low"], row["high"], less_is_better=row["name"] == "TER", digits=1)
            for row in scores.get("scores", ())
        ]

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        """The scores of a set, for a report."""
        from seq2seq.tasks import reporting

        yield reporting.figures(self.figures(scores))

    def report_sections(self, run: Run) -> Iterator[PageSection]:
        """What else a report shows of a run; nothing where it is not there yet."""
        yield from ()

    def p_values(self, first: Run, second: Run) -> dict[str, float]:
        """How often chance alone makes the difference of two judged runs, by figure; empty where no test is made, or
        they were judged on different text."""
        return {}

    def convert(self, run: Run, dev: SourceT | None = None) -> Verified:
        """Make the CTranslate2 copy of a finished run, verified on dev, else on the test set.

        Raises RunError where CTranslate2 cannot compute the model, OSError where the copy cannot be written.
        """
        self.keep_pytorch(run, "CTranslate2 has no such model")

    def keep_pytorch(self, run: Run, why: str) -> NoReturn:
        """Put on record, and raise as RunError, why a run has no CTranslate2 copy."""
        reason = f"{run.path} keeps the PyTorch engine: {why}"
        run.note(ctranslate2={"refused": reason})
        raise RunError(reason)

    def example(self, run: Run) -> str:
        """A command to try a finished run with. Raises DataError where its test set cannot be read."""
        from seq2seq.tasks import COMMANDS  # the table imports the tasks as it names them

        lines = (line for text in self.test_texts(run) for line in text.split("\n"))
        return example(COMMANDS[self.recipe.task][0], lines, run)

    def test_texts(self, run: Run) -> Iterator[str]:
        """The text that is put in, of each record of a run's test set. Raises DataError where it cannot be read."""
        return (self.kind().texts(record)[0] for record in self.read_test(run).read())

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        """What shows the attention of a finished run, text by text. Raises RunError where its model has none."""
        raise RunError(f"{run.path} is {self.described(run)}, whose attention cannot be shown")

    def misused(self, command: str, given: Mapping[str, str], run: Run) -> str:
        """A usage error where options of evaluate or compare do not fit this task; empty where they do. `given` maps
        parameters to options as typed, in the order of the command."""
        if command == "compare":
            return no_effect(given, ("source_file", "target_file", "most"), f"two {self.plural} are compared")
        files = () if "input" in given else ("columns", "encoding", "encoding_errors")
        because = f"{run.path} is {self.described(run)}: it takes --input, and translates nothing"
        return no_effect(given, _TRANSLATORS, because) or no_effect(given, files, "no file is given")

    def evaluate(self, run: Run, text: TestText, choice: EngineChoice, front: Front) -> Iterator[Evaluated]:
        """Evaluate a finished run; of several processes, the first yields the results."""
        from seq2seq import device as devices

        device = devices.choose(choice.device, self.recipe.training.precision)
        texts = [(file.name, self.kind().files([file], text.reading), [file]) for file in text.files]
        with front.together() as processes:
            for name, records, files in texts or [("test", self.read_test(run), [])]:
                scores = {"set": name, **self.measure(run, records, device, processes)}
                if not processes.rank:
                    yield Evaluated(scores, records.checksum, {"engine": f"PyTorch, {device}"}, files)

    def compare(self, runs: Sequence[Run], text: TestText, device: str, most: int, front: Front) -> RunComparison:
        """Compare two finished runs on one text, with at most `most` examples that became better, and as many worse."""
        raise RunError(f"two {self.plural} cannot be compared; `seqx evaluate` judges each by itself")


def judged(run: Run) -> bool:
    """Whether `Task.judge` has finished."""
    return "test" in run.record().get("scores", {})


def no_effect(given: Mapping[str, str], names: Collection[str], because: str) -> str:
    """A usage error where one of the options `names` was given; else empty."""
    option = next((option for name, option in given.items() if name in names), None)
    return f"{option} has no effect: {because}" if option else ""
