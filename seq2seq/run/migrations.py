"""Migrations of run.json to the current format: it has had one format so far."""

from __future__ import annotations

from seq2seq.storage.formats import Migration

MIGRATIONS: tuple[Migration, ...] = ()
