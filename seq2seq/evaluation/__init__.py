"""Judging what models write, classify and predict, and comparing runs."""
