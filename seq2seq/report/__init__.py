"""Runs as pages and curves; what models attend to as pictures."""
