"""How `seqx tokenizer compare` shows what it measured: as a table, as JSON, as a drawing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from rich.console import Console
from rich.table import Table

from seq2seq.evaluation.codebook import Measured, Missing, Sample, Width
from seq2seq.files import replacing

_COLUMNS = (
    "tokenizer",
    "vocab-\nulary",
    "tokens\n/line",
    "tokens\n/byte",
    "bytes/\ntoken",
    "embed-\nding",
    "of\nmodel",
    "unknown\ntokens",
    "MB/s",
)
_MARKERS = "osD^vPX*"


@dataclass(frozen=True)
class Shown:
    """One comparison, and what it was made on."""

    origin: str
    sample: Sample
    width: Width
    measured: Sequence[Measured]
    missing: Sequence[Missing]

    def write_json(self) -> None:
        """Everything, to standard output."""
        values = {
            "text": self.origin,
            "training_lines": len(self.sample.training),
            "held_out_lines": len(self.sample.held_out),
            "model": asdict(self.width),
            "measured": [each.record() for each in self.measured],
            "missing": [each.record() for each in self.missing],
        }
        print(json.dumps(values, indent=2, ensure_ascii=False))

    def write_table(self) -> None:
        """A row a tokenizer, and below what the columns mean and why a tokenizer is missing."""
        console = Console(highlight=False, soft_wrap=True, markup=False)
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), collapse_padding=True)
        for column in _COLUMNS:
            table.add_column(column, justify="left" if column == "tokenizer" else "right", no_wrap=True)
        for each in self.measured:
            table.add_row(*_row(each))
        console.print(
            f"{self.origin}: learnt from {len(self.sample.training):,} lines, measured on "
            f"{len(self.sample.held_out):,} held out (every tenth; blank lines left out)\n"
        )
        console.print(table)
        console.print(
            f"\nEmbedding: its parameters at d_model {self.width.d_model}, and their share of a decoder-only model of "
            f"{self.width.layers} layers\n(12 x d_model² parameters each) whose head is tied to the embedding. "
            "MB/s: text encoded in a second of one core."
        )
        for absent in self.missing:
            size = "" if absent.vocabulary is None else f" {absent.vocabulary:,}"
            console.print(f"Not made: {absent.kind}{size}: {absent.reason.splitlines()[0].rstrip(';')}")

    def draw(self, path: Path) -> None:
        """Vocabulary against tokens a line, a curve a kind; above, the embedding's share of the model at that size."""
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for index, kind in enumerate(dict.fromkeys(each.kind for each in self.measured)):
            points = [each for each in self.measured if each.kind == kind]
            axes.plot(
                [each.vocabulary for each in points],
                [each.tokens_per_line for each in points],
                marker=_MARKERS[index % len(_MARKERS)],
                label=kind,
            )
        above = axes.secondary_xaxis("top")
        ticks = [size * 10**power for power in range(7) for size in (1, 2, 5)]
        for axis in (axes.xaxis, above.xaxis):
            axis.set_major_locator(FixedLocator(ticks))
            axis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
        above.xaxis.set_major_formatter(lambda size, _: f"{self.width.share(size):.0%}")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("codebook size (tokens in the vocabulary)")
        axes.set_ylabel("sequence length (tokens a line)")
        above.set_xlabel(
            f"the embedding's share of a decoder-only model, d_model {self.width.d_model}, {self.width.layers} layers"
        )
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
        with replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _row(each: Measured) -> list[str]:
    return [
        each.kind,
        f"{each.vocabulary:,}",
        f"{each.tokens_per_line:.1f}",
        f"{each.tokens_per_byte:.3f}",
        f"{each.bytes_per_token:.2f}",
        f"{each.embedding_parameters / 1e6:.2f} M",
        f"{each.embedding_share:.1%}",
        f"{each.unknown:,} ({each.unknown_share:.2%})" if each.unknown else "0",
        f"{each.megabytes_per_second:.1f}",
    ]
