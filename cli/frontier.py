"""`seqx frontier`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from . import options
from .printing import note, show_json


def frontier(
    *,
    names: Annotated[list[Path], Argument(metavar="RUN...", help="Runs of policies, or their names under runs/.")],
    output: Annotated[
        Path, Option("--output", "-o", metavar="FILE.png", help="Picture to write.", callback=options.writable)
    ] = Path("frontier.png"),
    as_json: options.Json = False,
) -> None:
    """Draw what policies gained for how far they went: gold and reward against the square root of the KL divergence
    from their start, beside best-of-n of the start, from the figures that training recorded.

    Each training run of a policy puts the picture of itself into its folder.
    """
    from seq2seq.evaluation.frontier import curves, picture, table
    from seq2seq.lifecycle import summaries
    from seq2seq.storage.atomic import write_bytes

    drawn = curves([summaries.named(name) for name in names])
    if as_json:
        show_json({"points": table(drawn)})
        return
    write_bytes(output, picture(drawn))
    note(f"Written: {output}")
