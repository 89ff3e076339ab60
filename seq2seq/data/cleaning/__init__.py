"""Cleaning: which pairs of a corpus stay, and what is mended in them."""

from seq2seq.data.cleaning.cleaner import Cleaner, Mend, Report, cleaned

__all__ = ["Cleaner", "Mend", "Report", "cleaned"]
