"""How `seqx tokenizer compare` shows what it measured: as a table, as JSON, as a drawing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from seq2seq.evaluation.tokenizers import Measured, Missing, SplitText, Width
from seq2seq.storage.atomic import replacing

from .console import Console, figures
from .printing import show_json

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
_LEAST_SHARE = 0.0001  # that is written out
_MARKERS = "osD^vPX*"


@dataclass(frozen=True)
class Shown:
    """One comparison, and what it was made on."""

    origin: str
    sample: SplitText
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
        show_json(values)

    def write_table(self) -> None:
        """A row a tokenizer, and below what the columns mean and why a tokenizer is missing."""
        console = Console()
        console.print(
            f"{self.origin}: learnt from {len(self.sample.training):,} lines, measured on "
            f"{len(self.sample.held_out):,} held out (every tenth; blank lines left out)\n"
        )
        console.print(figures(_COLUMNS, [_row(each) for each in self.measured]))
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
        matplotlib.rcdefaults()  # not as a matplotlibrc in the working directory has it
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for index, kind in enumerate(dict.fromkeys(each.kind for each in self.measured)):
            points = [(each.vocabulary, each.tokens_per_line) for each in self.measured if each.kind == kind]
            # Hollow, because curves meet.
            style: dict[str, Any] = {
                "marker": _MARKERS[index % len(_MARKERS)],
                "fillstyle": "none",
                "color": f"C{index % 10}",
            }
            if len(points) > 1:
                axes.plot(*zip(*points), label=kind, **style)
            else:
                axes.plot(*zip(*points), linestyle="", **style)
                axes.annotate(kind, points[0], (0, 8), textcoords="offset points", ha="center", color=style["color"])
        above = axes.secondary_xaxis("top")
        for axis in (axes.xaxis, above.xaxis):
            axis.set_major_locator(FixedLocator(_apart({each.vocabulary for each in self.measured})))
            axis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
        above.xaxis.set_major_formatter(lambda size, _: f"{self.width.share(size):.{1 if size < 2000 else 0}%}")
        axes.margins(x=0.08)
        axes.set_ylim(0, 1.12 * max((each.tokens_per_line for each in self.measured), default=1))
        axes.set_xlabel("codebook size (tokens in the vocabulary)")
        axes.set_ylabel("sequence length (tokens a line)")
        above.set_xlabel(
            f"the embedding's share of a decoder-only model, d_model {self.width.d_model}, {self.width.layers} layers"
        )
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        with replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _apart(sizes: Iterable[int]) -> list[int]:
    """Those of the sizes that have room for a label on an axis of powers."""
    chosen: list[int] = []
    for size in sorted(sizes):
        if not chosen or size > 1.25 * chosen[-1]:
            chosen.append(size)
    return chosen


def _row(each: Measured) -> list[str]:
    return [
        each.kind,
        f"{each.vocabulary:,}",
        f"{each.tokens_per_line:.1f}",
        f"{each.tokens_per_byte:.3f}",
        f"{each.bytes_per_token:.2f}",
        f"{each.embedding_parameters / 1e6:.2f} M",
        f"{each.embedding_share:.1%}",
        _unknown(each),
        f"{each.megabytes_per_second:.1f}",
    ]


def _unknown(each: Measured) -> str:
    if not each.unknown:
        return "0"
    share = f"{each.unknown_share:.2%}" if each.unknown_share >= _LEAST_SHARE else f"<{_LEAST_SHARE:.2%}"
    return f"{each.unknown:,} ({share})"
