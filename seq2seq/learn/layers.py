"""Layers: feed-forward, residual connections and their start, norms and their place, dropout.

Shapes: B batch, T time, C channels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seq2seq.learn import small
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, matrix, panels, smooth
from seq2seq.model.blocks import Residual
from seq2seq.model.components import normalization
from seq2seq.model.gpt import Gpt


class Skipped(nn.Module):
    """In place of a `Residual`: the sub-layer is left out."""

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x -> x."""
        return x


class Without(nn.Module):
    """In place of a `Residual`: norm and sub-layer, no connection around them."""

    def __init__(self, residual: Residual) -> None:
        super().__init__()
        self.norm = residual.norm

    def forward(self, x: Tensor, sublayer: Callable[[Tensor], Tensor]) -> Tensor:
        """x (B, T, C) -> (B, T, C)."""
        return sublayer(self.norm(x))


def feed_forward() -> Lesson:
    """Attention alone looks but does not think: the feed-forward of each token is where it computes."""
    curves, losses, sizes = {}, {}, {}
    for name, layers, kept in (("2 layers", 2, True), ("2 layers without", 2, False), ("6 layers without", 6, False)):
        recipe = small.recipe(f"model.decoder_layers={layers}")
        gpt = small.gpt(recipe)
        for block in gpt.layers() if not kept else []:
            block.feed_forward, block.feed_forward_residual = nn.Identity(), Skipped()  # type: ignore[assignment]
        curves[name] = small.curve(recipe, gpt)
        losses[name] = small.dev_loss(gpt)
        sizes[name] = sum(weight.numel() for weight in gpt.layers()[0].parameters()) * layers
    (whole, bare, deep), (few, _, many) = losses.values(), sizes.values()
    expect("without feed-forward the loss is worse by more than 0.1 nats", bare > whole + 0.1)
    expect("attention with about as many weights does not make up for it", deep > whole + 0.1)
    block = small.trained_gpt().layers()[0]
    x = torch.randn(1, 8, 64)
    with torch.inference_mode():
        apart = torch.cat([block.feed_forward(x[:, place : place + 1]) for place in range(8)], dim=1)
        gap = (apart - block.feed_forward(x)).abs().max()
    expect("the feed-forward of a token sees that token alone", gap < 1e-5)
    figure, (axes,) = panels(1)
    for name, line in zip(curves, ("-", "--", ":")):
        axes.plot(smooth(curves[name]), line, label=f"{name}: {losses[name]:.2f} on held-out text")
    axes.set_ylim(whole - 0.1, 3.5)
    axes.grid(axis="y")
    axes.legend()
    label(axes, "a GPT with and without its feed-forward networks", "update", "training loss (nats per character)")
    return Lesson(
        (
            "Attention is communication, the feed-forward computation, each token by itself:",
            "token by token, or all at once, it gives the same, to 1e-5.",
            f"With it 2 layers reach {whole:.2f} nats per character in 200 updates, without {bare:.2f}.",
            f"6 layers of attention alone, {many:,} weights in place of {few:,}, reach {deep:.2f}:",
            "tokens look at each other, and have no means to think about what they found.",
        ),
        figure,
    )


def residuals() -> Lesson:
    """Addition hands the gradient on: with residual connections it reaches the first layer, without it is lost."""
    depth, steps = 16, 60
    tokens, labels = small.dev_rows()
    sizes = (f"model.decoder_layers={depth}", "model.d_model=32", "model.d_ff=128")
    recipe = small.recipe(*sizes, f"training.steps={steps}")
    one, other = torch.randn(2, 5, requires_grad=True).unbind()
    gradients = torch.autograd.grad((one + other).square().sum(), (one, other))
    expect("addition hands the same gradient to both sides", torch.equal(*gradients))
    norms, losses = {}, {}
    for name in ("with", "without"):
        gpt = small.gpt(recipe)
        for block in gpt.layers() if name == "without" else []:
            block.attention_residual = Without(block.attention_residual)  # type: ignore[assignment]
            block.feed_forward_residual = Without(block.feed_forward_residual)  # type: ignore[assignment]
        states = [gpt.embed(tokens)]
        for block in gpt.layers():
            states.append(block(states[-1]))
        loss = F.cross_entropy(gpt.head(gpt.norm(states[-1])).flatten(0, 1), labels.flatten())
        norms[name] = [gradient.norm().item() for gradient in torch.autograd.grad(loss, states)]
        losses[name] = sum(small.curve(recipe, gpt)[-10:]) / 10
    kept = {name: each[1] / each[-1] for name, each in norms.items()}
    expect("with residual connections the gradient reaches the first layer whole", 0.5 < kept["with"] < 2)
    expect("without them it is lost on the way", kept["without"] < 1e-3)
    expect("without them a deep model hardly learns", losses["without"] > losses["with"] + 0.15)
    figure, (axes,) = panels(1)
    for (name, each), line in zip(norms.items(), ("o-", "s--")):
        axes.plot(range(depth + 1), each, line, label=f"{name} residual connections")
    axes.set_yscale("log")
    axes.grid(axis="y")
    axes.legend(loc="lower right")
    label(axes, f"the gradient before training, {depth} layers", "after layer (0: the embedding)", "gradient norm")
    return Lesson(
        (
            "The gradient of a + b is the same for a and for b: addition hands it on whole.",
            f"From layer {depth} back to layer 1 it changes by a factor of {kept['with']:.1f} with residuals,",
            f"and of {kept['without']:.0e} without: the first layers hear nothing of the loss.",
            f"After {steps} updates: {losses['with']:.2f} nats per character with, {losses['without']:.2f} without",
            "(about the loss of letter frequencies): depth is of no use without them.",
        ),
        figure,
    )


def zero_branches() -> Lesson:
    """Branches that start at zero leave the stream as it is at first, and come online while training."""
    depth, marks = 4, (0, 1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120)
    tokens, _ = small.dev_rows()
    shares: dict[str, list[list[float]]] = {"full": [], "zero": []}
    losses = {}
    for start in shares:
        recipe = small.recipe(
            f"model.decoder_layers={depth}",
            "model.initialization=xavier",
            f"model.residual_start={start}",
            "model.scale_embedding=true",
            "training.steps=120",
        )
        gpt = small.gpt(recipe)
        shares[start].append(_shares(gpt, tokens))
        updates = small.trained(recipe, gpt, small.batches(recipe, small.verse().train))
        for number, update in enumerate(updates, start=1):
            if number in marks:
                shares[start].append(_shares(gpt, tokens))
            losses[start] = update["loss"]
    zero = torch.tensor(shares["zero"])
    expect("zero-initialised layers begin as the identity", (zero[0] == 0).all())
    expect("each has come online after training", (zero[-1] > 0.1).all())
    expect("full ones do not begin as the identity", min(shares["full"][0]) > 0.1)
    figure, axes = panels(1, 1)
    for place, (start, each) in zip(axes, shares.items()):
        for layer, line in zip(range(depth), ("o-", "s--", "^-.", "D:")):
            place.plot(marks, [row[layer] for row in each], line, markersize=4, label=f"layer {layer + 1}")
        place.set_xscale("symlog", linthresh=1)
        place.set_xticks((0, 1, 3, 10, 30, 100), ("0", "1", "3", "10", "30", "100"))
        place.set_ylim(-0.05, max(map(max, shares["full"] + shares["zero"])) * 1.1)
        place.grid(axis="y")
        label(place, f"residual_start = {start}", "update", "|what the layer adds| / |stream|")
    axes[1].legend()
    full, first, last = shares["full"][0], zero[marks.index(3)].max(), zero[-1]
    return Lesson(
        (
            "residual_start = zero: the last matrix of each branch is 0: each layer begins",
            f"as the identity; `full` ones add {min(full):.1f} to {max(full):.1f} times the stream before they learn.",
            f"The zero ones come online: after 3 updates they add up to {first:.2f} of the stream,",
            f"and after {marks[-1]} updates {last.min():.1f} to {last.max():.1f} of it, each layer its own share.",
            f"Both train: the last batch costs {losses['zero']:.2f} nats per character; `full`: {losses['full']:.2f}.",
        ),
        figure,
    )


def _shares(gpt: Gpt, tokens: Tensor) -> list[float]:
    """What each layer adds to the residual stream, relative to the stream."""
    shares, x = [], gpt.embed(tokens)
    with torch.no_grad():
        for block in gpt.layers():
            after = block(x)
            shares.append(((after - x).norm() / x.norm()).item())
            x = after
    return shares


def norms() -> Lesson:
    """Batch norm takes its mean over rows, layer norm over the channels of one token."""
    model = small.trained_gpt()
    tokens, _ = small.dev_rows()
    with torch.inference_mode():
        x = model.layers()[0](model.embed(tokens)).flatten(0, 1)  # (B·T, C): 256 tokens of 64 channels
        by_batch, by_layer = nn.BatchNorm1d(64), normalization(small.recipe("model.bias=true").model)
        batch, layer = by_batch(x), by_layer(x)
        alone, alone_layer = by_batch(x[:32]), by_layer(x[:32])
        evaluated = by_batch.eval()(x)
    columns = max(batch.mean(0).abs().max().item(), (batch.std(0) - 1).abs().max().item())
    rows = max(layer.mean(1).abs().max().item(), (layer.std(1, correction=0) - 1).abs().max().item())
    expect("batch norm makes columns of mean 0 and deviation 1", columns < 0.01)
    expect("layer norm makes rows of mean 0 and deviation 1", rows < 0.01)
    moved = (alone - batch[:32]).abs().max()
    expect("batch norm depends on the other rows of the batch", moved > 0.1)
    expect("layer norm does not", (alone_layer - layer[:32]).abs().max() < 1e-6)
    expect("batch norm differs in evaluation", (evaluated - batch).abs().max() > 0.1)
    figure, axes = panels(1, 1, 1, height=3.8)
    for place, values, title in zip(
        axes, (x, batch, layer), ("the stream", "batch norm: each column", "layer norm: each row")
    ):
        image = matrix(place, values[:48], vmin=-3, vmax=3, cmap="RdBu_r")
        label(place, title, "channel", "token" if values is x else "")
    figure.colorbar(image, ax=axes, shrink=0.8)
    buffers, apart = sum(1 for _ in by_batch.buffers()), (evaluated - batch).abs().max()
    return Lesson(
        (
            f"{x.size(0)} tokens (rows) of {x.size(1)} channels (columns), after layer 1 of a GPT. Batch norm",
            "gives each column mean 0 and deviation 1; layer norm each row: the other axis.",
            f"32 of the tokens alone: batch norm moves them by up to {moved:.1f}, layer norm by 0.",
            f"In evaluation batch norm differs by up to {apart:.1f}: it takes {buffers} buffers. Layer norm",
            "has none, no momentum, and is the same in training; both have gamma and beta.",
        ),
        figure,
    )


def pre_norm() -> Lesson:
    """A norm before each sub-layer, not after the sum, as in the paper: it is worth most in deep models."""
    depths, curves, losses = (1, 3, 6), {}, {}
    for norm in ("pre", "post"):
        for depth in depths:
            recipe = small.recipe(
                f"model.decoder_layers={depth}",
                f"model.norm={norm}",
                "model.d_model=32",
                "model.d_ff=128",
                "training.steps=150",
            )
            gpt = small.gpt(recipe)
            curves[norm, depth] = small.curve(recipe, gpt)
            losses[norm, depth] = small.dev_loss(gpt)
    gaps = [losses["post", depth] - losses["pre", depth] for depth in depths]
    expect("six layers train better with the norm before", gaps[-1] > 0.1)
    expect("that is worth most to the deepest model", gaps[-1] > max(gaps[:-1]))
    figure, (left, right) = panels(1.5, 1)
    for norm, colour in (("pre", COLOURS[0]), ("post", COLOURS[1])):
        for depth, line in zip(depths, (":", "--", "-")):
            left.plot(smooth(curves[norm, depth]), line, color=colour, label=f"{norm}-norm, {depth} layers")
    left.legend(fontsize=8)
    left.grid(axis="y")
    right.plot(depths, gaps, "o-", color=COLOURS[2])
    right.set_xticks(depths)
    right.set_ylim(min(0, *gaps))
    label(left, "learning rate 6e-3, 10 updates of warm-up", "update", "training loss (nats per character)")
    label(right, "post-norm minus pre-norm", "layers", "held-out loss (nats)")
    pre, post = losses["pre", depths[-1]], losses["post", depths[-1]]
    return Lesson(
        (
            "Pre-norm: x + f(norm(x)). The paper's post-norm: norm(x + f(x)). 150 updates at",
            f"a rate of 6e-3: with {depths[-1]} layers pre-norm reaches {pre:.2f} nats per character,",
            f"post-norm {post:.2f}; with 1 layer the gap is {gaps[0]:.2f}, with 3 {gaps[1]:.2f}: deep ones suffer.",
            "A norm after each sum is in the gradient's way; post-norm trains too, with",
            "a long warm-up and a lower rate, which is how the paper did it (4,000 updates).",
        ),
        figure,
    )


def dropout() -> Lesson:
    """Each pass with dropout trains another sub-network; without it the whole is about their ensemble."""
    count = 32
    recipe = small.recipe("model.dropout=0.2", "training.steps=300")
    gpt = small.gpt(recipe)
    small.curve(recipe, gpt)
    batch = small.dev_batches()[0]
    labels = batch.labels.flatten()
    with torch.inference_mode():
        whole = F.cross_entropy(gpt.eval()(*batch.inputs).flatten(0, 1), labels).item()
        gpt.train()
        each = torch.stack([gpt(*batch.inputs).flatten(0, 1).softmax(-1) for _ in range(count)])
        losses = [F.nll_loss(one.log(), labels).item() for one in each]
        ensembles = [F.nll_loss(each[:size].mean(0).log(), labels).item() for size in range(1, count + 1)]
    single = sum(losses) / count
    expect("the whole network predicts better than its sub-networks", whole < min(losses))
    expect("so does an ensemble of them", ensembles[-1] < min(losses))
    expect("the whole is about as good as the ensemble", abs(whole - ensembles[-1]) < 0.05)
    little, worst, curves = small.verse().train[:3000], {}, {}
    for rate in (0.0, 0.2):  # too little text: what dropout is for
        recipe = small.recipe(f"model.dropout={rate}", "training.steps=175")
        gpt, dev = small.gpt(recipe), []
        for number, _ in enumerate(small.trained(recipe, gpt, small.batches(recipe, little)), start=1):
            if number % 25 == 0:
                dev.append(small.dev_loss(gpt))
        curves[rate], worst[rate] = dev, dev[-1]
    expect("with dropout a model of little text overfits less", worst[0.2] < worst[0.0] - 0.2)
    figure, (left, right) = panels(1, 1)
    left.plot(range(1, count + 1), ensembles, label="mean of n sub-networks")
    left.plot([1] * count, losses, ".", color=COLOURS[4], label="each sub-network")
    left.axhline(whole, color=COLOURS[6], linestyle="--", label="all neurons, no dropout")
    left.legend()
    for (rate, dev), line in zip(curves.items(), ("s--", "o-")):
        right.plot(range(25, 176, 25), dev, line, color=COLOURS[rate == 0], label=f"dropout {rate:g}")
    right.legend()
    label(left, "an ensemble of sub-networks", "n", "held-out loss (nats per character)")
    label(right, "trained on 3,000 characters alone", "update", "held-out loss (nats per character)")
    return Lesson(
        (
            "Each pass with dropout shuts off other neurons: it trains another sub-network.",
            f"One sub-network predicts held-out text at {single:.3f} nats per character, the mean",
            f"of {count} of them at {ensembles[-1]:.3f}, and the whole network, all neurons on, at {whole:.3f}:",
            "one pass does what the ensemble does. It also regularises: on 3,000 characters",
            f"alone, held-out loss after 175 updates is {worst[0.0]:.2f} without dropout, {worst[0.2]:.2f} with.",
        ),
        figure,
    )
