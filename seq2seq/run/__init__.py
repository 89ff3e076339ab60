"""A run folder: what training writes, and everything that translating needs. No torch here."""

from seq2seq.run.folder import LOST, Run, found, moment, root
from seq2seq.run.untrusted import refuse_strange_files

__all__ = ["LOST", "Run", "found", "moment", "refuse_strange_files", "root"]
