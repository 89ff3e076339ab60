"""Entry point of `seqx` and `python -m seq2seq`: `seq2seq.cli` once installed, `cli` in the repository."""

from importlib.util import find_spec


def main() -> None:
    """Run the command line; it ends the process with its exit code."""
    if find_spec("seq2seq.cli"):
        from seq2seq.cli.main import main as run
    else:
        from cli.main import main as run
    run()


if __name__ == "__main__":
    main()
