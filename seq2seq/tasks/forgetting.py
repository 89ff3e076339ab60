"""A run judged beside the run that it starts from: what it gained on its own test set and lost on the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from seq2seq.evaluation import kept
from seq2seq.run import Run
from seq2seq.tasks import lineage
from seq2seq.tasks.task import Say, Task

if TYPE_CHECKING:
    from seq2seq.device import Choice


def judge(task: Task[Any], run: Run, device: Choice, say: Say) -> None:
    """Judge a finished run on its start's test set, and the start on both, where the two have the same task. run.json
    then has: as `scores.start` those of the run, as `before` those of the start, and `forgetting`, how much worse the
    run is than its start on the start's test set, in the unit of its figure."""
    parent = lineage.of(run)
    if (
        not (parent.path / "test.jsonl").is_file()
        or parent.task != task.recipe.task
        or lineage.start_of(task.recipe).parts
    ):
        return
    say("Judging before and after, on both test sets")
    before = {name: task.scores(parent, own, device) for name, own in (("test", run), ("start", parent))}
    after = task.scores(run, parent, device)
    kept.keep_own(run, "start", after)
    for one, other in zip(task.figures(before["start"])[:1], task.figures(after)):
        lost = other.value - one.value if one.less_is_better else one.value - other.value
        run.note(forgetting={"figure": one.name, "before": one.value, "after": other.value, "lost": lost})
    run.note(before=before)


def lines(task: Task[Any], record: Mapping[str, Any]) -> Sequence[str]:
    """The figures before and after, for people; none where a run has no start."""
    if "before" not in record:
        return ()
    shown = []
    origin = record["lineage"][0]["run"]
    for name, label in (("test", "own test set"), ("start", f"test set of {origin}")):
        scores = (record["before"].get(name, {}), record.get("scores", {}).get(name, {}))
        for before, after in zip(*(task.figures(each)[:1] if each else () for each in scores)):
            shown.append(f"{label}: {before.name} {before.value:.2f} before, {after.value:.2f} after")
    if "forgetting" in record:
        shown[-1] += f"; forgetting: {record['forgetting']['lost']:+.2f}"
    return shown
