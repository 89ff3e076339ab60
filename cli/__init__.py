"""The command line: one thin file a verb; the only importer of typer."""
