"""Loss, schedule, loop, checkpoints, and a whole training."""
