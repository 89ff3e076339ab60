"""Finished runs in the formats of other engines."""
