"""Attention: an average of the past, queries and keys, any graph, positions, the scale of scores, heads.

Shapes: B batch, H heads, T queries, S keys, D head width, C = H x D model width.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter

import torch

from seq2seq.learn import small
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, matrix, network, panels, smooth
from seq2seq.model.attention import SelfAttention, attend
from seq2seq.model.positions import NoPositions, added_positions
from seq2seq.recipe import Model


def averaging() -> Lesson:
    """A triangular matrix averages the past; softmax of masked scores makes it, and so does attention."""
    verse, T = small.verse(), 10
    tokens = verse.some(0, T)
    x = small.gpt(small.recipe()).embedding(tokens).detach()  # (B, T, C)
    by_loop = torch.stack([x[:, : end + 1].mean(1) for end in range(T)], dim=1)
    triangle = torch.ones(T, T).tril()
    by_product = (triangle / triangle.sum(1, keepdim=True)) @ x
    weights = torch.zeros(T, T).masked_fill(triangle == 0, -math.inf).softmax(-1)
    by_softmax = weights @ x
    nothing = torch.zeros_like(x)[:, None]  # queries and keys that find all tokens equally interesting
    by_attention = attend(nothing, nothing, x[:, None], causal=True)[:, 0]
    ways = torch.stack((by_product, by_softmax, by_attention))
    expect("loop, product, softmax and attention give one average", (ways - by_loop).abs().max() < 1e-6)
    spread = by_loop.std(-1)[0]
    letters = verse.letters(tokens[0])
    figure, (left, middle, right) = panels(1.2, 1, 1)
    matrix(left, weights, x=letters, y=letters, vmin=0, vmax=1)
    for row, place in itertools.product(range(T), range(T)):
        if place <= row:
            colour = "white" if weights[row, place] > 0.5 else "black"
            left.text(
                place,
                row,
                f"{weights[row, place]:.2f}"[1 if row else 0 :],
                ha="center",
                va="center",
                color=colour,
                fontsize=7,
            )
    limit = float(x.abs().max())
    for axes, values, title in ((middle, x, "the vectors"), (right, by_loop, "averages of the past")):
        matrix(axes, values[0, :, :16], y=letters, vmin=-limit, vmax=limit, cmap="RdBu_r")
        label(axes, title, "channel (the first 16)", "")
    label(left, "weights: what row t takes", "of this token", "this token")
    return Lesson(
        (
            f"Row t of the triangle, divided by its sum, has 1/t at the first t of {T} places:",
            "its product with vectors (B, T, C) is the mean of each token's past, no loop.",
            "Softmax of scores that are 0 there and -inf in the future gives the same matrix,",
            "and so does seqx's `attend` with queries and keys of 0: all four agree to 1e-6.",
            f"A mean blurs: vectors shrink to {spread[-1] / spread[0]:.0%} over {T} places. Queries and keys choose.",
        ),
        figure,
    )


def query_key_value() -> Lesson:
    """A real head of a trained GPT: softmax(QKᵀ/√D) of its own projections, and what it attends to."""
    verse, model = small.verse(), small.trained_gpt()
    tokens = verse.some(110, 20)
    block = model.layers()[0]
    attention = block.attention
    with torch.inference_mode():
        x = block.attention_residual.norm(model.embed(tokens))  # (1, T, C)
        query_key, value = attention.query_key_value(x).view(1, 20, 3, attention.n_heads, -1).split((2, 1), dim=2)
        for transform in attention.transforms:  # rotary positions
            query_key = transform(query_key, 0)
        query, key = query_key.permute(2, 0, 3, 1, 4)  # what it looks for, what it contains: (1, H, T, D) each
        value = value.squeeze(2).transpose(1, 2)  # what it says if it is found interesting
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.size(-1))
        weights = scores.masked_fill(torch.ones(20, 20).tril() == 0, -math.inf).softmax(-1)  # (1, H, T, T)
        output = attention.output((weights @ value).transpose(1, 2).flatten(2))
        gap = (output - attention(x)).abs().max()
        selfish = key @ key.transpose(-2, -1)  # the notes' q = key(x)
    expect("the head computed here is the model's own", gap < 1e-5)
    sharp = weights[0, :, 4:].amax(-1).mean(-1)
    head = int(sharp.argmax())
    uniform = (1 / torch.arange(5, 21)).mean()
    expect("a trained head is far from the average of the past", sharp[head] > 2 * uniform)
    asymmetry = (scores - scores.mT).abs().mean() / scores.abs().mean()
    expect("scores of queries and keys are directed", asymmetry > 0.1)
    expect("scores of keys with keys are not", (selfish - selfish.mT).abs().max() < 1e-4)
    letters = verse.letters(tokens[0])
    figure, (left, right) = panels(1, 1, height=4.3)
    for axes, values, title in ((left, scores, "scores QKᵀ/√D"), (right, weights, "weights: masked, softmax")):
        image = matrix(axes, values[0, head], x=letters, y=letters, cmap="Blues" if axes is right else "PuOr_r")
        figure.colorbar(image, ax=axes, shrink=0.8)
        label(axes, title, "key: this token offers", "query: this token asks")
    return Lesson(
        (
            f"Head {head + 1} of layer 1 of a GPT after 200 updates on {verse.name}, D = {query.size(-1)}:",
            "each row asks (query), each column offers (key); their product is the score.",
            f"Softmax gives the strongest column {sharp[head]:.2f} on average; a mean would give {uniform:.2f}.",
            "weights @ value, all heads, then `output`: equal to the model's own to 1e-5.",
            f"Who asks and who offers differ: |s(i,j) - s(j,i)| is {asymmetry:.2f} times the mean score.",
        ),
        figure,
        correction="the notes write q = key(x): then s(i,j) = s(j,i), and no token could ask for what it is not.",
    )


def graph() -> Lesson:
    """Attention runs on any directed graph: here who answers whom in the play."""
    verse = small.verse()
    turns = [line[:-1] for before, line in itertools.pairwise(["", *verse.lines]) if not before and line.endswith(":")]
    turns = turns[:300]  # of one play, where the text has several
    names = [name for name, _ in Counter(turns).most_common(7)]
    N = len(names)
    edges = torch.eye(N, dtype=torch.bool)  # (T, S): True where query may attend to key; every node hears itself
    counts = Counter((one, other) for one, other in itertools.pairwise(turns) if one in names and other in names)
    for (one, other), _ in counts.most_common(2 * N):
        edges[names.index(other), names.index(one)] = True  # who answers hears whom he answers
    torch.manual_seed(1)
    x = torch.randn(1, N, 16)
    layer = SelfAttention(Model(d_model=16, n_heads=1), causal=False)
    with torch.inference_mode():
        changed = x.clone()
        changed[0, 0] += 1
        first = (layer(changed, edges) - layer(x, edges))[0].abs().amax(-1) > 0
        second = (layer(layer(changed, edges), edges) - layer(layer(x, edges), edges))[0].abs().amax(-1) > 0
        query_key = layer.query_key_value(x).view(1, N, 3, 1, 16).permute(2, 0, 3, 1, 4)
        weights = attend(query_key[0], query_key[1], torch.eye(N)[None, None], mask=edges)[0, 0]  # of one-hot values
    hears = edges[:, 0]
    expect("weights are zero where there is no edge", (weights[~edges] == 0).all() and (weights[edges] > 0).all())
    expect("one layer carries news along one edge", torch.equal(first, hears))
    expect("two layers carry it along two", torch.equal(second, (edges.float() @ edges.float())[:, 0] > 0))
    figure, (left, right) = panels(1.15, 1, height=4.3)
    reached = [COLOURS[4] if near else COLOURS[5] if far else "#dddddd" for near, far in zip(first, second)]
    network(left, edges, names, [COLOURS[1], *reached[1:]])
    matrix(right, weights, x=[name[:9] for name in names], y=[name[:9] for name in names], vmin=0, vmax=1)
    right.tick_params(axis="x", rotation=60)
    label(left, "red tells; orange knows after one layer, blue after two", "", "")
    label(right, "weights: 0 without an edge", "of this node", "this node")
    return Lesson(
        (
            f"Nodes: {N} busy speakers of {verse.name}. Edges: who answers whom, the",
            f"{int(edges.sum()) - N} commonest pairs; each also hears itself. The mask is the graph: True = edge.",
            f"{int((~edges).sum())} of {N * N} weights are exactly 0: where there is no edge, nothing flows.",
            f"After one layer {hears.sum()} of them know what {names[0][:16]} said, after two {second.sum()}:",
            "one layer, one edge. A GPT's graph is a triangle, an encoder's has every edge.",
        ),
        figure,
    )


def positions() -> Lesson:
    """Attention acts on a set: without positions it cannot know the order. What order is worth."""
    verse = small.verse()
    tokens = verse.some(0, 12)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    config = small.recipe("model.positions=sinusoidal", "model.scale_embedding=true").model
    model = small.gpt(small.recipe("model.positions=sinusoidal", "model.scale_embedding=true"))
    layer = SelfAttention(config, causal=False)
    moves = {}
    for name, added in (("without", NoPositions()), ("with", added_positions(config, 12))):
        with torch.inference_mode():
            straight = layer(added(model.embedding(tokens)))[:, order]  # the outputs, shuffled
            shuffled = layer(added(model.embedding(tokens[:, order])))  # of shuffled inputs
            moves[name] = (straight - shuffled).abs().max().item()
    expect("without positions a shuffled text gives the same outputs, shuffled", moves["without"] < 1e-5)
    expect("with positions it does not", moves["with"] > 0.1)
    curves, losses = {}, {}
    for kind in ("none", "learned", "sinusoidal", "rotary"):
        changes = [f"model.positions={'learned' if kind == 'none' else kind}"]
        recipe = small.recipe(*changes, *(["model.scale_embedding=true"] if kind == "sinusoidal" else []))
        gpt = small.gpt(recipe)
        if kind == "none":
            gpt.positions = NoPositions()
        curves[kind] = small.curve(recipe, gpt)
        losses[kind] = small.dev_loss(gpt)
    none, learned, sines, rotary = losses.values()
    gain = none - rotary
    expect("order is worth more than 0.1 nats per character", gain > 0.1)
    figure, (axes,) = panels(1)
    for kind, line in zip(curves, ("--", "-.", ":", "-")):
        axes.plot(smooth(curves[kind]), line, label=f"{kind}: {losses[kind]:.2f} on held-out text")
    axes.set_ylim(min(losses.values()) - 0.1, 3.5)
    axes.grid(axis="y")
    axes.legend()
    label(axes, "the same GPT with and without positions", "update", "training loss (nats per character)")
    return Lesson(
        (
            "Attention acts on a set of vectors. Shuffle 12 characters, and without positions",
            f"the outputs are the same, shuffled, to 1e-5; with sinusoids they differ by {moves['with']:.1f}.",
            f"A GPT without positions reaches {none:.2f} nats per character in 200 updates (its mask",
            f"still says what is past), with rotary ones {rotary:.2f}: order is worth {gain:.2f} nats here.",
            f"Learned ones ({learned:.2f}) and sinusoids ({sines:.2f}) need longer to be of use.",
        ),
        figure,
    )


def scale() -> Lesson:
    """Unscaled scores grow with √D, and softmax of them is one-hot; over √D it stays diffuse at every width."""
    T, widths = 32, (1, 4, 16, 64, 256, 1024)
    torch.manual_seed(1)
    entropies: dict[str, list[float]] = {"scaled": [], "unscaled": []}
    rows = {}
    for D in widths:
        query, key = torch.randn(2, 1, 64, T, D)  # components of mean 0 and variance 1, as after a norm
        for name, factor in (("scaled", 1.0), ("unscaled", math.sqrt(D))):  # `attend` divides by √D
            weights = attend(factor * query, key, torch.eye(T).expand(1, 64, T, T))  # of one-hot values: the weights
            entropies[name].append(torch.special.entr(weights).sum(-1).mean().item())
            rows[name, D] = weights[0, 0]
    expect("scaled scores are as diffuse at every width", max(entropies["scaled"]) - min(entropies["scaled"]) < 0.3)
    expect("unscaled scores of wide heads are nearly one-hot", entropies["unscaled"][-1] < 0.15)
    scaled, raw = entropies.values()
    largest = [rows[name, widths[-1]].amax(-1).mean() for name in entropies]
    figure, (left, right) = panels(1, 1)
    for (name, values), line in zip(entropies.items(), ("o-", "s--")):
        left.plot(widths, values, line, label=name)
    left.axhline(math.log(T), color=COLOURS[6], linewidth=1, linestyle=":", label=f"uniform: ln {T}")
    left.set_xscale("log", base=4)
    left.set_xticks(widths, map(str, widths))
    left.set_ylim(0)
    left.legend()
    for name, shift in (("scaled", -0.2), ("unscaled", 0.2)):
        right.bar([key + shift for key in range(T)], rows[name, 256][0].tolist(), width=0.4, label=name)
    right.legend()
    label(left, "entropy of the weights", "head width D", "entropy (nats)")
    label(right, "one query's weights at D = 256", "key", "weight")
    return Lesson(
        (
            "A product of D numbers of variance 1 has variance D: scores grow with the width.",
            f"Unscaled, softmax over {T} keys falls from {raw[0]:.1f} nats of entropy at D = 1 to",
            f"{raw[-1]:.2f} at D = 1,024: one-hot, each token hears one other. (Uniform: {math.log(T):.2f}.)",
            f"Divided by √D it stays between {min(scaled):.2f} and {max(scaled):.2f}, whatever the width.",
            f"The largest of {T} weights at D = 1,024: {largest[1]:.2f} unscaled, {largest[0]:.2f} scaled.",
        ),
        figure,
    )


def heads() -> Lesson:
    """Heads are attentions side by side, the fourth dimension; several channels are worth more than a wide one."""
    C, H, T = 32, 4, 16
    layer = SelfAttention(Model(d_model=C, n_heads=H), causal=True)
    x = torch.randn(1, T, C)
    with torch.inference_mode():
        query, key, value = layer.query_key_value(x).split(C, dim=-1)  # (1, T, C) each
        parts = [part.split(C // H, dim=-1) for part in (query, key, value)]  # H times (1, T, C / H)
        one_by_one = [attend(q[:, None], k[:, None], v[:, None], causal=True)[:, 0] for q, k, v in zip(*parts)]
        gap = (layer.output(torch.cat(one_by_one, dim=-1)) - layer(x)).abs().max()
    expect("heads one by one, concatenated, are the layer", gap < 1e-5)
    counts, losses = (1, 2, 4, 8, 16), {}
    for count in counts:
        recipe = small.recipe("model.decoder_layers=1", f"model.n_heads={count}")
        gpt = small.gpt(recipe)
        small.curve(recipe, gpt)
        losses[count] = small.dev_loss(gpt)
    expect("four heads predict better than one, with as many weights", losses[4] < losses[1] - 0.02)
    model, verse = small.trained_gpt(), small.verse()
    block, tokens = model.layers()[0], verse.some(110, 16)
    with torch.inference_mode():
        packed = block.attention.query_key_value(block.attention_residual.norm(model.embed(tokens)))
        both = block.attention.transforms[0](packed.view(1, 16, 3, 4, -1)[:, :, :2], 0).permute(2, 0, 3, 1, 4)
        weights = attend(both[0], both[1], torch.eye(16).expand(1, 4, 16, 16), causal=True)[0]
    figure, axes = panels(1, 1, 1, 1, 1.6, height=2.9, width=10)
    letters = verse.letters(tokens[0])
    for number, place in enumerate(axes[:4]):
        matrix(place, weights[number], x=letters, y=letters if number == 0 else [""] * 16, vmin=0, vmax=1)
        place.tick_params(labelsize=7)
        label(place, f"head {number + 1}", "key", "query" if number == 0 else "")
    axes[4].plot(counts, [*losses.values()], "o-")
    axes[4].set_xscale("log", base=2)
    axes[4].set_xticks(counts, map(str, counts))
    axes[4].grid(axis="y")
    label(axes[4], "1 layer, 200 updates", "heads", "held-out loss (nats)")
    return Lesson(
        (
            f"{C} channels in {H} heads are {H} attentions of {C // H}, in one (B, H, T, D) product:",
            "heads one by one, concatenated over channels, give the layer's output to 1e-5.",
            f"With as many weights, 1 head reaches {losses[1]:.2f} nats per character, 4 heads {losses[4]:.2f},",
            f"16 heads of width 4 {losses[16]:.2f}: several channels, of which none may be too narrow.",
            "The picture: each head of a trained layer looks elsewhere (rows ask).",
        ),
        figure,
    )
