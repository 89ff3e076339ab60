"""The end of training: the weights to use are made of checkpoints, as the recipe says, and put on record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from torch import Tensor

from seq2seq.errors import RunError
from seq2seq.model.actor_critic import finished_weights
from seq2seq.run import Run
from seq2seq.storage.checksums import described
from seq2seq.storage.tensors import save_weights
from seq2seq.training.checkpoints import checkpoint
from seq2seq.training.checkpoints.retention import Store, TrainingState
from seq2seq.training.faults import Fault, Health


def finish(
    run: Run,
    store: Store,
    state: TrainingState,
    health: Health,
    averages: Mapping[str, Tensor],
    *,
    step: int,
    reason: str,
) -> Iterator[Fault]:
    """Write the weights of a run that ends at `step`, and yield faults for damaged checkpoints, which are left out.
    `averages` has the running averages, where the recipe keeps those.

    Raises RunError where the weights are not finite, or all checkpoints are damaged.
    """
    if store.training.keep == "ema":
        chosen, weights = [step], dict(averages)
    else:
        chosen, faults = store.final(state, step)
        yield from faults
        weights = checkpoint.average([store.path(number) for number in chosen])
    if not all(bool(tensor.isfinite().all()) for tensor in weights.values()):
        raise RunError(f"training diverged: the weights of steps {chosen} are not finite; lower training.learning_rate")
    save_weights(finished_weights(store.model, weights), run.weights)
    run.note(
        finished={
            "time": datetime.now(UTC).isoformat(),
            "step": step,
            "reason": reason,
            "seconds": round(state.seconds, 1),
            "target_tokens": state.tokens,
            "skipped_updates": health.skipped,
        },
        weights={"made": store.training.keep, "steps": chosen, **described(run.weights)},
    )
