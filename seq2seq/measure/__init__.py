"""Measurements of devices, and estimates of a training run before it starts."""
