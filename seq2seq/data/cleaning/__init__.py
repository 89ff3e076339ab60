"""Cleaning: which pairs of a corpus stay, and what is mended in them."""

from seq2seq.data.cleaning.cleaner import Cleaner, Report, cleaned

__all__ = ["Cleaner", "Report", "cleaned"]
