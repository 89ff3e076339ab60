"""A run that starts from another: the start, copied into the run's folder as a run of its own, and its weights in the
new model. Its text: `replay`; what is forgotten of it: `forgetting`."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seq2seq import tasks
from seq2seq.errors import RecipeError, RunError, near
from seq2seq.recipe import Recipe, Start
from seq2seq.recipe.files import is_checkpoint, run_of
from seq2seq.run import Run, refuse_strange_files
from seq2seq.storage.atomic import write_bytes, write_json
from seq2seq.storage.checksums import described
from seq2seq.storage.folders import replacing_folder

if TYPE_CHECKING:
    from torch import Tensor, nn

    from seq2seq.tasks.task import Task

FOLDER = "start"  # in the run folder
# Of the record of a start; the rest is about files that are not copied.
_KEPT = ("classes", "corpora", "files", "finished", "lineage", "scores", "text", "pairs", "versions", "weights")
_SHOWN = 3  # differences of weights


def of(run: Run) -> Run:
    """What a run started from, as a run folder within its own."""
    return Run(run.path / FOLDER)


def begin(recipe: Recipe, run: Run) -> None:
    """Copy the start of a recipe into the folder of a run that has none yet, and its tokenizers. Raises RunError where
    it has no trained weights, is damaged, or is not the one that this run was begun from."""
    start = start_of(recipe)
    path, own = Path(start.run or ""), of(run)
    keep(path, own, run)
    for file in own.path.glob("tokenizer*"):
        if not (run.path / file.name).exists():
            with run.writing():
                write_bytes(run.path / file.name, file.read_bytes())
    if "lineage" not in run.record():
        run.note(lineage=[entry(path, own), *own.record().get("lineage", [])])


def keep(path: Path, own: Run, run: Run) -> None:
    """Copy a run, or one of its checkpoints, that another stands on into the folder of that one, as the run `own`,
    where it has none yet. Raises as `begin` does."""
    if own.path.is_dir():
        _must_be_same(path, own, run)
        return
    if run_of(path).resolve() == run.path.resolve():
        raise RunError(f"{run.path} cannot start from itself; name another folder with --run, or use --more")
    with run.writing(), replacing_folder(own.path, lambda name: False) as new:
        _copy(path, new)


def must_be_usable(recipe: Recipe) -> None:
    """Raise RecipeError or RunError where a recipe has a start that is not named, or has no trained weights."""
    if recipe.start is not None:
        _weights_of(Path(start_of(recipe).run or ""))


def _weights_of(start: Path) -> Path:
    """The file of weights of a run, of one of its checkpoints, or of a pack."""
    from seq2seq.training.checkpoints import checkpoint

    folder = run_of(start)
    refuse_strange_files(folder)
    weights = Run(folder).weights
    if is_checkpoint(start):
        weights, remedy = start / checkpoint.WEIGHTS, "name another checkpoint, or the run folder"
    elif Run(folder).packed:
        remedy = "ask for a pack that was made with `seqx pack --weights`, which holds the float32 weights"
    else:
        remedy = f"finish its training, or name one of its checkpoints, {start}/checkpoints/step-N"
    if not weights.is_file():
        raise RunError(f"{start} has no {weights.name} to start from: {remedy}")
    return weights


def start_of(recipe: Recipe) -> Start:
    """The start of a recipe that has one. Raises RecipeError where the recipe leaves it to be named."""
    if recipe.start is None or recipe.start.run is None:
        raise RecipeError(
            f"recipe {recipe.name} begins from a run that was trained before: name it with --start, for example "
            "--start runs/fr-en, or with --set start.run=runs/fr-en"
        )
    return recipe.start


def _copy(start: Path, new: Path) -> None:
    """A run, one of its checkpoints, or a pack, as a run folder with what is needed to use and to judge it."""
    from seq2seq.training.checkpoints import checkpoint

    origin, weights = Run(run_of(start)), _weights_of(start)
    record = {key: value for key, value in origin.record().items() if key in _KEPT}
    origin.must_be_unchanged("tokenizer", "test.jsonl")
    if not is_checkpoint(start):
        origin.must_be_unchanged(origin.weights.name)
        if (origin.path / "ctranslate2").is_dir():
            shutil.copytree(origin.path / "ctranslate2", new / "ctranslate2")
        step = record.get("finished", {}).get("step")
    else:
        step = checkpoint.state_of(start, [checkpoint.WEIGHTS])["step"]
        record = {key: value for key, value in record.items() if key not in ("finished", "scores", "weights")}
    shutil.copyfile(weights, new / origin.weights.name)
    record["weights"] = {"made": "checkpoint", "steps": [step], **record.get("weights", {})}
    record["weights"] |= described(new / origin.weights.name)
    for file in (origin.path / "recipe.toml", *origin.path.glob("tokenizer*"), origin.path / "test.jsonl"):
        if file.is_file():
            shutil.copyfile(file, new / file.name)
    write_json(new / "run.json", {"format": origin.record().get("format", 0), **record})


def _must_be_same(path: Path, own: Run, run: Run) -> None:
    """Raise RunError where the start of a run was damaged, or has other weights now than when the run was begun."""
    from seq2seq.training.checkpoints import checkpoint

    own.must_be_unchanged(own.weights.name, "tokenizer")
    present = path / checkpoint.WEIGHTS if is_checkpoint(path) else Run(run_of(path)).weights
    if present.is_file() and described(present)["sha256"] != own.record()["weights"]["sha256"]:
        raise RunError(
            f"{run.path} was begun from other weights than those that {path} has now, and has kept them: name another "
            f"folder with --run, or continue with --start {own.path}"
        )


def entry(path: Path, own: Run) -> dict[str, Any]:
    """A start for `lineage` of run.json."""
    recipe, record = own.recipe(), own.record()
    return {
        "run": str(path),
        "recipe": recipe.name,
        "task": recipe.task,
        "weights": record["weights"],
        "tokenizer": {file.name: described(file) for file in sorted(own.path.glob("tokenizer*"))},
        "corpora": record.get("corpora"),
    }


def load(task: Task[Any], model: nn.Module, run: Run) -> str:
    """Put the weights of a run's start into its new model, and freeze parts of it; returns a description. Raises
    RunError, with differences, where names or shapes do not fit, and RecipeError for parts that do not exist."""
    start, parent = start_of(task.recipe), of(run)
    former = parent.recipe()
    other = tasks.of(former).served()
    weights = task.from_start(former, _named_weights(other, parent))
    parts = start.parts or (() if former.serves == task.recipe.task else task.takes)
    if not parts and former.serves != task.recipe.task:
        raise RecipeError(
            f"{start.run} is {tasks.named(former.task).described(parent)}: name the parts of it that a {task.noun} "
            f"takes with start.parts, of: {', '.join(_parts(model))}"
        )
    taken = selected(model, parts) if parts else dict(model.named_parameters())
    different = [
        f"{name} is {_shape(weight)} here, {_shape(weights[name]) if name in weights else 'missing'} there"
        for name, weight in taken.items()
        if name not in weights or weights[name].shape != weight.shape
    ]
    if different:
        more = f"; and {len(different) - _SHOWN} more" if len(different) > _SHOWN else ""
        raise RunError(
            f"the weights of {start.run} do not fit this recipe's model: {'; '.join(different[:_SHOWN])}{more}; with "
            f"start.parts only some are taken, of: {', '.join(_parts(model))}"
        )
    for name, weight in taken.items():
        weight.detach().copy_(weights[name])
    frozen = selected(model, start.freeze)
    for weight in frozen.values():
        weight.requires_grad_(False)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise RecipeError(f"start.freeze = {list(start.freeze)} leaves nothing to train; leave one out")
    whole = sum(weight.numel() for weight in model.parameters())
    return (
        f"Start: {start.run}, {tasks.named(former.task).described(parent)}: {_count(taken):,} of {whole:,} parameters"
        + (f"; frozen: {_count(frozen):,} ({', '.join(start.freeze)})" if frozen else "")
    )


def selected(model: nn.Module, parts: Collection[str]) -> dict[str, nn.Parameter]:
    """The parameters of parts of a model, by name. A tied matrix is of the part that lists it, the first one, unless it
    is all that a part has. Raises RecipeError for a part that does not exist."""
    listed, every = dict(model.named_parameters()), dict(model.named_parameters(remove_duplicate=False))
    chosen: dict[str, nn.Parameter] = {}
    for part in parts:
        inner = [name for name in listed if _within(name, part)]
        ids = {id(every[name]) for name in every if _within(name, part)}
        inner = inner or [name for name, weight in listed.items() if id(weight) in ids]
        if not inner:
            known = _parts(model)
            raise RecipeError(f"the model has no part {part!r}{near(part, known)}; its parts are: {', '.join(known)}")
        chosen |= {name: listed[name] for name in inner}
    return {name: weight for name, weight in listed.items() if name in chosen}


def _within(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}.")


def _parts(model: nn.Module) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name, _ in model.named_parameters()))


def _shape(weight: Tensor) -> str:
    return " x ".join(map(str, weight.shape))


def _count(weights: Mapping[str, Tensor]) -> int:
    return sum(weight.numel() for weight in weights.values())


def _named_weights(task: Task[Any], run: Run) -> dict[str, Tensor]:
    """The weights of a run, under every name by which its model knows them: tied ones under several. Raises RunError
    where they are not those of its recipe and tokenizers."""
    import torch

    trained = task.trained(run, torch.device("cpu"))
    return {name: each.detach() for name, each in trained.named_parameters(remove_duplicate=False)}
