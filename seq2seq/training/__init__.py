"""Objectives, schedule, loop, checkpoints, and a whole training run."""
