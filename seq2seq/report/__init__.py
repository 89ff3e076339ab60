"""A run, or several, on one HTML page that needs no network."""

from seq2seq.report.of_run import NAME, report, write

__all__ = ["NAME", "report", "write"]
