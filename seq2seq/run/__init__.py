"""A run folder: what training leaves behind, and all that translating needs. No torch here."""

from seq2seq.run.find import open_run, root
from seq2seq.run.folder import LOST, Run
from seq2seq.run.untrusted import refuse_strange_files

__all__ = ["LOST", "Run", "open_run", "refuse_strange_files", "root"]
