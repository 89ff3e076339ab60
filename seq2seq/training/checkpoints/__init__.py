"""Checkpoints: how each is written and read, and which are kept."""
