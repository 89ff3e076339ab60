"""The output of `seqx tokenizer compare`: table, JSON, chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from seq2seq.evaluation.tokenizers import Missing, SplitText, TokenizerFigures, Width
from seq2seq.storage.atomic import replacing

from .console import Console, figures
from .printing import show_json

_MARKERS = "osD^vPX*"


@dataclass(frozen=True)
class Shown:
    """A comparison and its text."""

    origin: str
    sample: SplitText
    width: Width
    measured: Sequence[TokenizerFigures]
    missing: Sequence[Missing]

    def write_json(self) -> None:
        """Everything, to standard output."""
        show_json(
            {
                "text": self.origin,
                "training_lines": len(self.sample.training),
                "held_out_lines": len(self.sample.held_out),
                "model": asdict(self.width),
                "measured": [asdict(each) for each in self.measured],
                "missing": [asdict(each) for each in self.missing],
            }
        )

    def write_table(self) -> None:
        """One row per tokenizer; below, what the columns mean and why a tokenizer is missing."""
        console = Console()
        console.print(
            f"{self.origin}: trained on {len(self.sample.training):,} lines, measured on "
            f"{len(self.sample.held_out):,} held out (every tenth; blank lines left out)\n"
        )
        console.print(figures(list(_COLUMNS), [[show(each) for show in _COLUMNS.values()] for each in self.measured]))
        console.print(
            f"\nEmbedding: its parameters at d_model {self.width.d_model}, and their share of a decoder-only model of "
            f"{self.width.layers} layers\n(12 x d_model² parameters each) whose head is tied to the embedding. "
            "MB/s: text encoded per second on one core."
        )
        for absent in self.missing:
            size = "" if absent.vocabulary is None else f" {absent.vocabulary:,}"
            console.print(f"Not measured: {absent.kind}{size}: {absent.reason.splitlines()[0].rstrip(';')}")

    def draw(self, path: Path) -> None:
        """Tokens per line against vocabulary, one curve per kind; top axis: the embedding's share of the model."""
        matplotlib.rcdefaults()  # ignore a matplotlibrc in the working directory
        figure = Figure(figsize=(9, 5.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        for index, kind in enumerate(dict.fromkeys(each.kind for each in self.measured)):
            points = [(each.vocabulary, each.tokens_per_line) for each in self.measured if each.kind == kind]
            colour, marker = f"C{index % 10}", _MARKERS[index % len(_MARKERS)]
            (curve,) = axes.plot(*zip(*points), color=colour, marker=marker, fillstyle="none")  # curves overlap
            if len(points) > 1:
                curve.set_label(kind)
            else:
                axes.annotate(kind, points[0], (0, 8), textcoords="offset points", ha="center", color=colour)
        above = axes.secondary_xaxis("top")
        for axis in (axes.xaxis, above.xaxis):
            axis.set_major_locator(FixedLocator(_apart({each.vocabulary for each in self.measured})))
            axis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(lambda size, _: f"{size:,.0f}")
        above.xaxis.set_major_formatter(lambda size, _: f"{self.width.share(size):.{1 if size < 2000 else 0}%}")
        axes.margins(x=0.08)
        axes.set_ylim(0, 1.12 * max((each.tokens_per_line for each in self.measured), default=1))
        axes.set_xlabel("vocabulary size (tokens)")
        axes.set_ylabel("sequence length (tokens per line)")
        above.set_xlabel(
            f"the embedding's share of a decoder-only model, d_model {self.width.d_model}, {self.width.layers} layers"
        )
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
        with replacing(path) as file:
            figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _apart(sizes: Iterable[int]) -> list[int]:
    """The sizes whose labels do not overlap on a logarithmic axis."""
    chosen: list[int] = []
    for size in sorted(sizes):
        if not chosen or size > 1.25 * chosen[-1]:
            chosen.append(size)
    return chosen


def _unknown(measured: TokenizerFigures) -> str:
    if not measured.unknown:
        return "0"
    share = f"{measured.unknown_share:.2%}" if measured.unknown_share >= 0.0001 else "<0.01%"
    return f"{measured.unknown:,} ({share})"


_COLUMNS: dict[str, Callable[[TokenizerFigures], str]] = {
    "tokenizer": lambda measured: measured.kind,
    "vocab-\nulary": lambda measured: f"{measured.vocabulary:,}",
    "tokens\n/line": lambda measured: f"{measured.tokens_per_line:.1f}",
    "tokens\n/byte": lambda measured: f"{measured.tokens_per_byte:.3f}",
    "bytes/\ntoken": lambda measured: f"{measured.bytes_per_token:.2f}",
    "embed-\nding": lambda measured: f"{measured.embedding_parameters / 1e6:.2f} M",
    "of\nmodel": lambda measured: f"{measured.embedding_share:.1%}",
    "unknown\ntokens": _unknown,
    "MB/s": lambda measured: f"{measured.megabytes_per_second:.1f}",
}
