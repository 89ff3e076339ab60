"""Encoder and decoder: what the triangular mask decides, and attention from one sequence to another.

Shapes: B batch, H heads, T target, S source, C model width.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import torch

from seq2seq.data import tokenizers
from seq2seq.data.batches import Batch, Place, collate
from seq2seq.data.bundled import phrasebook, reviews
from seq2seq.data.labelled_batches import RowCollator
from seq2seq.data.pairs import Pair
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.learn import small
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, matrix, panels, shown, smooth
from seq2seq.model.attention import SelfAttention
from seq2seq.model.classifier import EncoderClassifier
from seq2seq.model.stack import CausalEncoder, Encoder
from seq2seq.model.transformer import Transformer
from seq2seq.recipe import files
from seq2seq.training.objective import ClassCrossEntropy, CrossEntropy

# Reviews whose words alone say what they mean are learnt in seconds.
_TURNS = re.compile(
    r"\b(?:not|no|never|nothing|however|though|but|yet|hardly|neither|nor|although|despite)\b|n't", re.I
)


def encoder() -> Lesson:
    """Without the triangular mask every token sees all: an encoder, which can judge a text at its first token."""
    train, dev = ([row for row in reviews.reviews(split) if _plain(row[1])] for split in ("train", "dev"))
    recipe = files.load(
        "sentiment",
        [
            *("data.corpus=reviews", "model.d_model=32", "model.d_ff=128", "model.encoder_layers=1"),
            *("model.dropout=0.0", "model.pooling=first", "tokenizer.vocabulary_size=2000"),
            *("training.steps=300", "training.warmup_steps=10", "training.learning_rate=1e-2"),
        ],
    )
    tokenizer = tokenizers.train(recipe.tokenizer, [text for _, text in train])
    layout = RowCollator(recipe.model.max_length, first=True)  # rows begin with a token of their own
    sides = [
        (
            [layout.row([ids]) for ids in tokenizer.encode([text for _, text in rows])],
            [kind == "positive" for kind, _ in rows],
        )
        for rows in (train, dev)
    ]
    (texts, labels), held_out = sides[0], layout.collate(*sides[1])

    def batches() -> Iterator[tuple[Place, Batch]]:
        for index in itertools.count():
            rows = np.random.default_rng(index).integers(len(texts), size=64)
            yield Place(index=index), layout.collate([texts[row] for row in rows], [labels[row] for row in rows])

    curves, accuracy, reach = {}, {}, {}
    config = recipe.model.model_copy(update={"decoder_layers": 1})
    for name, layers in (("encoder", Encoder), ("decoder", CausalEncoder)):
        torch.manual_seed(1)
        model = EncoderClassifier(config, tokenizer.size, 2, layers)
        objective = ClassCrossEntropy(model, small.CPU, label_smoothing=0.0)
        curves[name] = [each["negative_log_likelihood"] for each in small.trained(recipe, model, batches(), objective)]
        with torch.inference_mode():
            accuracy[name] = (model.eval()(*held_out.inputs).argmax(-1) == held_out.labels).float().mean().item()
        reach[name] = _reach(model.layers()[0].attention)
    expect("in an encoder each token hears all, in a decoder the past alone", _triangle(reach["decoder"]))
    expect("in an encoder each token hears all", (reach["encoder"] > 0).all())
    heard, unheard = accuracy.values()
    expect("an encoder's first state learns to judge the text", heard > 0.65)
    expect("a decoder's first state does not: it has seen nothing", abs(unheard - 0.5) < 0.1)
    figure, (left, middle, right) = panels(1, 1, 1.6)
    for axes, name in ((left, "encoder"), (middle, "decoder")):
        matrix(axes, reach[name] > 0, x=list("12345678"), y=list("12345678"), vmin=0, vmax=1.5)
        label(axes, f"{name}", "hears this token", "this token" if axes is left else "")
    for name, line in zip(curves, ("-", "--")):
        right.plot(smooth(curves[name]), line, label=f"{name}: {accuracy[name]:.0%} right")
    right.legend()
    label(right, "positive or negative, by the first state", "update", "training loss (nats)")
    return Lesson(
        (
            "A GPT hides the future with a triangle; judging a text needs no hiding.",
            "Who hears whom, by gradients: all of all in an encoder, the past in a decoder.",
            f"Reviews judged by the first token's state: an encoder has {heard:.0%} of {len(dev)} held-out",
            f"ones right after {len(curves['encoder'])} updates, a decoder {unheard:.0%}, by chance: its first token",
            "has seen no word of the review. (A decoder can judge too, at its last token.)",
        ),
        figure,
    )


def _plain(text: str) -> bool:
    return len(text.split()) <= 6 and not _TURNS.search(text)


def _reach(layer: SelfAttention) -> torch.Tensor:
    """How much each token's output changes with each token's input, (T, T), by gradients."""
    x = torch.randn(1, 8, layer.output.in_features, requires_grad=True)
    outputs = layer(x)[0].square().sum(-1)
    return torch.stack([torch.autograd.grad(each, x, retain_graph=True)[0][0].abs().sum(-1) for each in outputs])


def _triangle(reach: torch.Tensor) -> bool:
    return bool((reach.triu(1) == 0).all() and (reach[torch.ones(8, 8).tril() == 1] > 0).all())


def cross_attention() -> Lesson:
    """The decoder asks (queries), the encoder's states offer and say (keys and values)."""
    pairs, dev = _phrases()
    recipe = files.load(
        "fr-en-phrasebook",
        [
            *("model.d_model=64", "model.d_ff=256", "model.encoder_layers=1", "model.decoder_layers=1"),
            *("model.dropout=0.0", "tokenizer.vocabulary_size=1000", "training.label_smoothing=0.0"),
            *("training.steps=200", "training.warmup_steps=20", "training.learning_rate=1e-2"),
        ],
    )
    tokenizer = tokenizers.train(recipe.tokenizer, [side for pair in pairs for side in pair])
    torch.manual_seed(1)
    model = Transformer(recipe.model, tokenizer.size, tokenizer.size)
    losses = [each["negative_log_likelihood"] for each in small.trained(recipe, model, _batches(tokenizer, pairs))]
    source, target = (tokenizer.encode([pair[side] for pair in dev]) for side in (0, 1))
    objective = CrossEntropy(model, small.CPU, 0.0)
    right, wrong = (
        objective.evaluate([collate(some, target)])["loss"] for some in (source, [*source[1:], *source[:1]])
    )
    expect("a sentence is predicted better from its own source than from another", right < wrong - 0.5)
    block = model.decoder.layers()[-1]
    (tokens, _, output), labels = collate(source[:1], target[:1]).inputs, collate(source[:1], target[:1]).labels
    assert tokens is not None and output is not None
    with torch.inference_mode():
        memory = block.cross_attention.project(model.encoder(tokens))  # keys and values of the encoder's states
        x = model.decoder.embed(output)
        x = block.attention_residual(x, block.attention)
        asked = block.cross_attention.query(block.cross_attention_residual.norm(x))  # queries of the decoder
        query = asked.view(1, output.size(1), block.cross_attention.n_heads, -1).transpose(1, 2)
        weights = (query @ memory.key.mT / math.sqrt(query.size(-1))).softmax(-1)  # (1, H, T, S)
        said = block.cross_attention.output((weights @ memory.value).transpose(1, 2).flatten(2))
        gap = (said - block.cross_attention(block.cross_attention_residual.norm(x), memory)).abs().max()
    expect("the weights computed here are the model's own", gap < 1e-5)
    figure, (left, middle) = panels(1.3, 1, height=4.0)
    names = [[shown(tokenizer.piece(int(token))) for token in row] for row in (tokens[0], labels[0])]
    image = matrix(left, weights[0].mean(0), x=names[0], y=names[1], vmin=0)
    figure.colorbar(image, ax=left, shrink=0.8)
    left.tick_params(axis="x", rotation=60)
    middle.plot(losses, label="training", color=COLOURS[5], linewidth=1)
    middle.axhline(right, label="held out, own source", color=COLOURS[0])
    middle.axhline(wrong, label="held out, another's source", color=COLOURS[1], linestyle="--")
    middle.legend()
    label(left, "weights, mean of the heads", "key: French, from the encoder", "query: the English token that comes")
    label(middle, "what the source is worth", "update", "loss (nats per token)")
    return Lesson(
        (
            "Self-attention: queries, keys, values of one x. Cross-attention: queries of the",
            f"decoder, keys and values of the encoder, here {tuple(memory.key.shape)} = (B, H, S, D).",
            f"A translator of {len(losses)} updates on {len(pairs)} phrases predicts held-out ones at {right:.2f} nats",
            f"per token from their own source, with {wrong:.2f} from another phrase's: it listens.",
            "Masks: none in the encoder but for padding; a triangle in the decoder itself.",
        ),
        figure,
    )


def _phrases() -> tuple[list[Pair], list[Pair]]:
    """Short phrases of frequent words, and some held out."""
    every = [
        pair for pair in dict.fromkeys(phrasebook.pairs("train")) if pair[0][0].isupper() and not pair[0].isupper()
    ]
    counts = Counter(word for french, _ in every for word in french.split())
    frequent = {word for word, _ in counts.most_common(400)}
    pairs = [pair for pair in every if len(pair[0].split()) <= 6 and frequent.issuperset(pair[0].split())]
    dev = sorted(pairs[::20], key=lambda pair: -len(pair[0].split()))  # the longest is drawn
    return [pair for pair in pairs if pair not in dev], dev


def _batches(tokenizer: Tokenizer, pairs: list[Pair]) -> Iterator[tuple[Place, Batch]]:
    source, target = (tokenizer.encode([pair[side] for pair in pairs]) for side in (0, 1))
    for index in itertools.count():
        rows = np.random.default_rng(index).integers(len(pairs), size=48)
        yield Place(index=index), collate([source[row] for row in rows], [target[row] for row in rows])
