"""The bundled assistant's text: `python -m tests.assistant` writes it from the facts of `world.toml`."""
