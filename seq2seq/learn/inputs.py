"""What goes into a model, and its first loss: tokenizers, the time and the batch dimension, cross entropy, devices.

Shapes: B batch, T time, C channels (a number for each token of the vocabulary), V vocabulary.
"""

from __future__ import annotations

import math
from functools import partial
from time import perf_counter, process_time

import torch
from torch import nn
from torch.nn import functional as F

from seq2seq import device
from seq2seq.data import stream
from seq2seq.data.batches import Batch, collate
from seq2seq.data.bundled import phrasebook
from seq2seq.data.tokenizers import train as train_tokenizer
from seq2seq.evaluation.tokenizers import TokenizerFigures, Width, compare_tokenizers, hold_out
from seq2seq.learn import small
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, matrix, panels, shown
from seq2seq.measure.steps import Stopwatch
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import Model, Tokenizer
from seq2seq.training.loss import summed_loss
from seq2seq.training.objective import CrossEntropy


def tokenizers() -> Lesson:
    """Each larger codebook makes sequences shorter, by less each time, and the embedding larger."""
    kinds = [
        ("character", 300),
        *((kind, size) for kind in ("bpe", "byte-bpe") for size in (300, 500, 1000, 2000, 4000)),
    ]
    settings = [Tokenizer.model_validate({"kind": kind, "vocabulary_size": size}) for kind, size in kinds]
    measured = [*compare_tokenizers(settings, hold_out(small.verse().lines), Width(d_model=256, layers=6))]
    found = {(each.kind, each.vocabulary): each for each in measured if isinstance(each, TokenizerFigures)}
    pieces = [each for (kind, _), each in found.items() if kind == "bpe"]
    lengths = [each.tokens_per_line for each in pieces]
    expect("each larger codebook makes sequences shorter", lengths == sorted(lengths, reverse=True))
    expect("each step saves less", all(a - b > b - c for a, b, c in zip(lengths, lengths[1:], lengths[2:])))
    figure, (left, right) = panels(1, 1)
    for kind, marker, name in (("bpe", "o-", "SentencePiece"), ("byte-bpe", "s--", "byte-level, run by tiktoken")):
        some = [each for each in measured if isinstance(each, TokenizerFigures) and each.kind == kind]
        left.plot([each.vocabulary for each in some], [each.tokens_per_line for each in some], marker, label=name)
    letters = next(each for (kind, _), each in found.items() if kind == "character")
    left.plot(letters.vocabulary, letters.tokens_per_line, "D", label="characters")
    right.plot([each.vocabulary for each in pieces], [100 * each.embedding_share for each in pieces], "o-")
    label(left, "sequences become shorter", "codebook size (tokens)", "length of a line (tokens)")
    label(right, "the embedding becomes larger", "codebook size (tokens)", "its share of a 6-layer GPT (%)")
    for axes in (left, right):
        axes.set_xscale("log", base=2)
        axes.set_xticks([63, 250, 500, 1000, 2000, 4000], ["63", "250", "500", "1,000", "2,000", "4,000"])
        axes.set_ylim(0)
    left.legend()
    first, last, shares = pieces[0], pieces[-1], [each.embedding_share for each in pieces]
    return Lesson(
        (
            f"A line of text is {letters.tokens_per_line:.1f} characters long: {letters.vocabulary} codes, long rows.",
            f"SentencePiece with {first.vocabulary:,} tokens needs {first.tokens_per_line:.1f} tokens per line,",
            f"with {last.vocabulary:,} only {last.tokens_per_line:.1f}; each doubling saves less than the one before.",
            f"The price: the embedding grows from {shares[0]:.0%} to {shares[-1]:.0%} of a small GPT,",
            "and its rarest rows are seldom trained. For your text: `seqx tokenizer compare`.",
        ),
        figure,
    )


def time() -> Lesson:
    """One row of T tokens is T samples: each prefix predicts the token after it, independently of what follows."""
    verse, model = small.verse(), small.trained_gpt()
    tokens = verse.some(0, 9)
    (batch,) = stream.windows(tokens[0].numpy(), context=8, batch_tokens=8)  # inputs (1, 8) and labels (1, 8)
    with torch.inference_mode():
        together = model(*batch.inputs)[0]  # (T, V): all prefixes in one pass
        alone = [model(tokens[:, : end + 1])[0, -1] for end in range(8)]  # each prefix in a pass of its own
        other = tokens[:, :8].clone()
        other[0, 5:] = 4  # other tokens from place 5 on
        changed = (model(other)[0] - together).abs().amax(1)
    gap = max((one - row).abs().max().item() for one, row in zip(alone, together))
    expect("the row's predictions are those of its prefixes", gap < 1e-4)
    expect("a later token changes no earlier prediction", changed[:5].max() < 1e-5 < changed[5:].min())
    losses = F.cross_entropy(together, batch.labels[0], reduction="none")
    figure, (left, right) = panels(2, 1, height=3.8)
    seen = torch.ones(8, 8).tril()
    letters = verse.letters(tokens[0])
    matrix(left, seen, x=[str(place + 1) for place in range(8)], vmin=0, vmax=3)
    for row in range(8):
        for place in range(row + 1):
            left.text(place, row, letters[place], ha="center", va="center")
    left.set_yticks(range(8), [f"sample {row + 1}  →  {letters[row + 1]}" for row in range(8)])
    right.barh([str(row + 1) for row in range(8)], losses.tolist())
    right.invert_yaxis()
    label(left, "one row of 9 tokens: 8 prefixes, 8 labels", "place in the row", "")
    label(right, "each has a loss of its own", "loss (nats)", "sample")
    return Lesson(
        (
            f"A row of {tokens.numel()} tokens is {len(alone)} samples: every prefix predicts the token after it.",
            "One pass through the model answers all of them: no place sees what follows it.",
            "Each prefix alone, in a pass of its own, gives the same logits, to 1e-4.",
            f"With other tokens at places 6 to 8 the first five predictions move by {changed[:5].max():.0f},",
            f"those after them by up to {changed.max():.1f}. The row's loss is their mean: {losses.mean():.2f} nats.",
        ),
        figure,
    )


def batch() -> Lesson:
    """Rows of a batch never talk: padding and other rows change nothing."""
    texts = [("Bonjour !", "Hello!"), ("Où est la gare ?", "Where is the train station?"), ("Merci.", "Thanks.")]
    pairs = [*texts, phrasebook.pairs("dev")[0]]
    tokenizer = train_tokenizer(Tokenizer(kind="character"), [side for pair in pairs for side in pair])
    sources, targets = (tokenizer.encode([pair[side] for pair in pairs]) for side in (0, 1))
    padded = collate(sources, targets)  # source (B, S), mask (B, 1, 1, S), target (B, T)
    model = Transformer(
        Model(d_model=32, d_ff=64, n_heads=4, encoder_layers=2, decoder_layers=2), *2 * [tokenizer.size]
    )
    with torch.inference_mode():
        logits = model.eval()(*padded.inputs)
        changed = model(*collate([sources[0][::-1], *sources[1:]], targets).inputs)
        alone = model(*collate(sources[:1], targets[:1]).inputs)
    moved = (changed - logits).abs().amax((1, 2))
    gap = (alone[0] - logits[0, : alone.size(1)]).abs().max().item()
    expect("changing row 1 changes row 1", moved[0] > 1e-3)
    expect("changing row 1 leaves the other rows as they are, exactly", moved[1:].max() == 0)
    expect("padding changes nothing", gap < 1e-5)
    source, mask, _ = padded.inputs
    assert source is not None and mask is not None
    shortest = min(map(len, sources)) + 1
    figure, (left, right) = panels(4, 1)
    matrix(left, torch.where(mask[:, 0, 0], 1, 0), y=[f"row {row + 1}" for row in range(4)], vmin=0, vmax=4)
    for row, place in mask[:, 0, 0].nonzero().tolist():
        piece = tokenizer.piece(int(source[row, place]))
        left.text(place, row, "■" if piece == "</s>" else shown(piece), ha="center", va="center", fontsize=8)
    right.barh([str(row + 1) for row in range(4)], moved.tolist(), color=COLOURS[1])
    right.invert_yaxis()
    label(left, "a batch (B, T): tokens, ■ their end, and padding (white)", "time", "")
    label(right, "row 1 changed", "logits move by", "row")
    return Lesson(
        (
            f"{len(pairs)} sentences of {shortest} to {source.size(1)} tokens in one tensor: short rows are padded,",
            f'{1 - mask.float().mean():.0%} of its places here. A mask hides them: True means "may attend".',
            "Row 1 alone, without padding, gives the same logits as in the batch, to 1e-5.",
            f"Its source reversed, row 1 moves by up to {moved[0]:.1f}; the others by 0, exactly:",
            "the batch is there for the processor's sake, and no row ever hears of another.",
        ),
        figure,
    )


def cross_entropy() -> Lesson:
    """Logits (B, T, C) must be arranged for cross entropy; where T is C, a wrong arrangement gives no error."""
    verse = small.verse()
    C = verse.tokenizer.size
    counts = torch.ones(C, C)  # of each token after each other: the bigram table, the lecture's first model
    counts.index_put_(
        tuple(torch.from_numpy(verse.train[a:b].astype("int64")) for a, b in ((0, -1), (1, None))),
        torch.ones(()),
        accumulate=True,
    )
    table = (counts / counts.sum(1, keepdim=True)).log()
    (rows,) = stream.windows(verse.dev[: 8 * C + 1], context=C, batch_tokens=8 * C)  # B = 8 rows of T = C tokens
    (tokens,), labels = rows.inputs, rows.labels
    assert tokens is not None
    logits = table[tokens]  # (B, T, C)
    flat = F.cross_entropy(logits.flatten(0, 1), labels.flatten())  # (B·T, C) against (B·T,)
    second = F.cross_entropy(logits.transpose(1, 2), labels)  # (B, C, T) against (B, T)
    silent = F.cross_entropy(logits, labels)  # (B, T, C), and T = C: time is taken for channels
    own = summed_loss(F.one_hot(tokens, C).float(), table.T, labels, 0.0)[0] / rows.tokens  # of `seqx train`
    try:
        F.cross_entropy(logits[:, : C // 2], labels[:, : C // 2])
    except RuntimeError as error:
        refused = str(error)
    else:
        refused = ""
    expect("both arrangements give one loss, that of seqx", (torch.stack((second, own)) - flat).abs().max() < 1e-4)
    expect("torch refuses (B, T, C) where T is not C", refused)
    expect("torch accepts it where T is C, and the loss is wrong", silent > flat + 1)
    figure, (left, right) = panels(2.2, 1, height=3.9)
    image = matrix(left, logits[0, :24].exp(), vmin=0, vmax=0.6)
    left.plot(
        labels[0, :24].tolist(), range(24), "o", markersize=7, markerfacecolor="none", color=COLOURS[1], label="label"
    )
    left.set_yticks(range(24), verse.letters(tokens[0, :24]), fontsize=7)
    names = [shown(verse.tokenizer.piece(token)) if token > 3 else "" for token in range(C)]
    left.set_xticks(range(C), names, fontsize=7)
    figure.colorbar(image, ax=left, label="probability")
    left.legend(loc="upper right")
    right.bar(
        ["(B·T, C)", "(B, C, T)", "(B, T, C)\nT = C"],
        [loss.item() for loss in (flat, second, silent)],
        color=[COLOURS[0]] * 2 + [COLOURS[1]],
    )
    label(left, "the loss reads one cell of each row", "channel: the next token", "time: the token that was read")
    label(right, "the same logits", "arrangement", "cross entropy (nats)")
    return Lesson(
        (
            f"Logits come as (B, T, C) = {tuple(logits.shape)}; cross entropy wants (.., C, ..).",
            f"As (B·T, C) the loss is {flat:.4f}, as (B, C, T) {second:.4f}, by seqx's own loss {own:.4f}.",
            f'As (B, T, C) torch refuses: "{refused[:50]}";',
            f"but only where T is not C. Where T = C = {C} it takes time for channels silently,",
            f"and the loss is {silent:.2f}: an error that no message shows. Check the first loss.",
        ),
        figure,
    )


def first_loss() -> Lesson:
    """Before training the loss is ln V: -ln(1/65) is 4.174."""
    sizes = (65, 256, 1024, 4096, 16384)
    some = small.dev_batches()
    losses = [small.dev_loss(small.gpt(small.recipe(), size), some) for size in sizes]
    (tokens,), labels = some[0].inputs, some[0].labels
    assert tokens is not None
    bigram = nn.Embedding(65, 65)  # the lecture's first model: its logits are drawn from N(0, 1)
    lectures = F.cross_entropy(bigram(tokens).flatten(0, 1), labels.flatten()).item()
    for size, loss in zip(sizes, losses):
        expect(f"the loss of {size} tokens begins within 2 % of ln V", abs(loss / math.log(size) - 1) < 0.02)
    expect("logits that are drawn from N(0, 1) begin higher", lectures > math.log(65) + 0.2)
    figure, (axes,) = panels(1)
    axes.plot(sizes, [math.log(size) for size in sizes], color=COLOURS[6], linewidth=1, label="ln V")
    axes.plot(sizes, losses, "o", label="a GPT of seqx before training, measured")
    axes.plot(65, lectures, "s", label="a table of N(0, 1) logits, as in the lecture, measured")
    axes.plot(65, 4.87, "x", markersize=9, label="4.87, as the notes say")
    axes.annotate(f"ln 65 = {math.log(65):.3f}", (65, math.log(65)), (12, -4), textcoords="offset points")
    axes.set_xscale("log", base=4)
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.legend()
    label(axes, "the first loss is that of a uniform guess", "vocabulary V (tokens)", "loss (nats per token)")
    return Lesson(
        (
            "A model that knows nothing should hold all V tokens for equally probable:",
            f"its loss is then -ln(1/V) = ln V. For V = 65 that is {math.log(65):.3f}; measured: {losses[0]:.3f}.",
            f"V = {sizes[-1]:,}: ln V is {math.log(sizes[-1]):.3f}, measured {losses[-1]:.3f}. seqx train prints both.",
            f"A table of logits from N(0, 1), the lecture's first model, begins at {lectures:.2f} here:",
            "logits of variance 1 cost half a nat: they prefer some tokens for no reason.",
        ),
        figure,
        correction="the notes say -ln(1/65) = 4.87; it is 4.174. An untrained table of logits may give 4.87.",
    )


def devices() -> Lesson:
    """A small model costs a device calls, not products: that is why a GPU may be slower than the CPU."""
    widths, rows, (tokens, labels) = (16, 32, 64, 128, 256, 512), small.dev_batches()[0].pieces(16)[0], small.dev_rows()
    speeds: dict[str, list[float]] = {}
    for name in device.present():
        numerics = device.numerics(torch.device(name), "float32")
        # A busy machine slows down the clock on the wall, and not that of the processor.
        stopwatch = Stopwatch(0.5, most=8, clock=process_time if name == "cpu" else perf_counter)
        speeds[name] = []
        for width in widths:
            model = small.gpt(small.recipe(f"model.d_model={width}", f"model.d_ff={4 * width}")).to(numerics.device)
            objective = CrossEntropy(model, numerics, 0.0)
            step = partial(_step, objective, rows)
            seconds = stopwatch.time(step, partial(device.wait, numerics.device)).median
            flops = 3 * model.forward_flops(tokens, counted=torch.ones_like(labels, dtype=torch.bool))
            speeds[name].append(flops / seconds / 1e9)
        expect(f"a wide model uses {name} better than a narrow one", speeds[name][-1] > 3 * speeds[name][0])
    figure, (axes,) = panels(1)
    for name, marker in zip(speeds, "osD"):
        axes.plot(widths, speeds[name], f"{marker}-", label=f"{name}: {device.present()[name]}")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(lambda speed, _: f"{speed:g}")
    axes.set_xticks(widths, map(str, widths))
    axes.grid(axis="y")
    axes.legend()
    label(axes, "one training step of a 2-layer GPT, 8 rows of 32 characters", "width of the model", "speed (GFLOP/s)")
    fastest = [max(zip(column, speeds))[1] for column in zip(*speeds.values())]
    cpu, gain = speeds["cpu"], speeds["cpu"][-1] / speeds["cpu"][0]
    return Lesson(
        (
            f"Here are: {', '.join(speeds)}. Training steps of a 2-layer GPT on 8 rows, float32:",
            f"at width {widths[0]} the CPU does {cpu[0]:.1f} GFLOP/s, at {widths[-1]} {gain:.0f} times as many.",
            "A narrow layer costs the call of each operator, not its products; on a GPU, CUDA",
            "or MPS, a call costs more, so the lecture's small model may be slower on it.",
            f"Fastest at width {widths[0]}: {fastest[0]}; at {widths[-1]}: {fastest[-1]}. Of a recipe: `seqx doctor`.",
        ),
        figure,
        correction="MPS is not useless: it can pay for wide models and large batches, not for the lecture's small one.",
    )


def _step(objective: CrossEntropy, rows: Batch) -> None:
    """Forward and backward, as in an update."""
    objective(rows, 1).loss.backward()  # type: ignore[no-untyped-call]
