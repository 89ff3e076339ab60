"""Finished runs served over HTTP, by contracts that existing clients speak, with a page for people."""
