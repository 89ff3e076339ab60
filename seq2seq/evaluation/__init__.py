"""Judging translations, and comparing runs."""
