"""Cleaning: which pairs of a corpus stay, and what is mended in them."""

from seq2seq.data.cleaning.cleaner import Cleaner, Report

__all__ = ["Cleaner", "Report"]
