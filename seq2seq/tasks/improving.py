"""What the tasks share that begin from a run of another task, and those whose finished runs serve as that does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from seq2seq import tasks
from seq2seq.data.corpus import Source, SourceT
from seq2seq.run import Run
from seq2seq.tasks.task import Evaluated, Front, RunComparison, Task, TestText

if TYPE_CHECKING:
    from torch import device as Device
    from torch import nn

    from seq2seq.data.prompts import Prompt
    from seq2seq.device import Choice
    from seq2seq.recipe import Recipe
    from seq2seq.tasks.opening import EngineChoice


class TaskFromBase(Task[SourceT]):
    """A task that begins from a run of another task, its `base`."""

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        name = recipe.base if recipe.base != recipe.task else "translation"
        self.base: Task[Any] = tasks.named(name)(recipe.model_copy(update={"task": name}))

    def prompts(self, source: Source[Any]) -> Iterator[Prompt]:
        """The records of a source as prompts."""
        return self.base.prompts(source) if self.base.prompts_itself else source.read()


class Improving(TaskFromBase[SourceT]):
    """A task that improves the run that it begins from."""

    improved: ClassVar[str]  # said of a finished run, after what its start is: "a translator (fr to en), ..."

    @classmethod
    def described(cls, run: Run) -> str:
        base = tasks.named(run.recipe().serves)
        return f"{base.described(run)}, {cls.improved}" if base is not cls else f"a {cls.noun}"

    @property
    def does(self) -> str:
        return self.base.does

    @property
    def judged_as_start(self) -> bool:
        """Whether a finished run is judged on a test set of its start's task, as that is."""
        return True

    def served(self) -> Task[Any]:
        return self.base

    def trained(self, run: Run, device: Device) -> nn.Module:
        return self.base.trained(run, device)

    def scores(self, run: Run, of: Run, device: Choice) -> dict[str, Any]:
        return self.base.scores(run, of, device) if self.judged_as_start else super().scores(run, of, device)

    def p_values(self, first: Run, second: Run) -> dict[str, float]:
        return self.base.p_values(first, second) if self.judged_as_start else super().p_values(first, second)

    def example(self, run: Run) -> str:
        return self.base.example(run) if self.judged_as_start else super().example(run)

    def test_texts(self, run: Run) -> Iterator[str]:
        return self.base.test_texts(run) if self.judged_as_start else super().test_texts(run)

    def misused(self, command: str, given: Mapping[str, str], run: Run) -> str:
        return self.base.misused(command, given, run)

    def evaluate(self, run: Run, text: TestText, choice: EngineChoice, front: Front) -> Iterator[Evaluated]:
        if self.judged_as_start:
            return self.base.evaluate(run, text, choice, front)
        return super().evaluate(run, text, choice, front)

    def compare(self, runs: Sequence[Run], text: TestText, device: str, most: int, front: Front) -> RunComparison:
        return self.base.compare(runs, text, device, most, front)
