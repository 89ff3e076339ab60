"""Checkpoints: how one is written and read, and which are kept."""
