"""Slow oracles: the paper's equations and the definition of the search, in plain loops over Python floats and lists.

They share no code with seq2seq. "Attention Is All You Need" is Vaswani et al., 2017; GNMT is Wu et al., 2016.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Vector = list[float]
Matrix = list[Vector]
Allowed = Callable[[int, int], bool]  # (query, key) -> may the one attend to the other
Next = Callable[[tuple[int, ...]], Sequence[float]]  # tokens so far -> natural-log probability of each next token

PAD, UNKNOWN, BOS, EOS = 0, 1, 2, 3


def softmax(scores: Sequence[float]) -> Vector:
    """Positive numbers in the ratio of the exponentials, summing to 1."""
    largest = max(scores)
    powers = [math.exp(score - largest) for score in scores]
    return [power / sum(powers) for power in powers]


def attention(queries: Matrix, keys: Matrix, values: Matrix, allowed: Allowed) -> Matrix:
    """Equation 1 for one head, softmax(QKᵀ/√D)V, over the keys that each query may attend to."""
    contexts = []
    for t, query in enumerate(queries):
        seen = [s for s in range(len(keys)) if allowed(t, s)]
        scores = [_dot(query, keys[s]) / math.sqrt(len(query)) for s in seen]
        weights = softmax(scores)
        contexts.append([sum(w * values[s][d] for w, s in zip(weights, seen)) for d in range(len(values[0]))])
    return contexts


def multi_head(
    queries: Matrix, keys: Matrix, values: Matrix, n_heads: int, output: Matrix, bias: Vector, allowed: Allowed
) -> Matrix:
    """Section 3.2.2 after its three projections: the heads side by side, then the output matrix."""
    width = len(queries[0]) // n_heads
    heads = []
    for head in range(n_heads):
        columns = slice(head * width, (head + 1) * width)
        query, key, value = ([row[columns] for row in part] for part in (queries, keys, values))
        heads.append(attention(query, key, value, allowed))
    return linear([list(itertools.chain(*parts)) for parts in zip(*heads)], output, bias)


def linear(rows: Matrix, weight: Matrix, bias: Vector) -> Matrix:
    """Wx + b of each row."""
    return [[_dot(row, line) + shift for line, shift in zip(weight, bias)] for row in rows]


def layer_norm(rows: Matrix, gain: Vector, bias: Vector) -> Matrix:
    """Each row to mean 0 and variance 1, then scaled and shifted."""
    normalised = []
    for row in rows:
        mean = sum(row) / len(row)
        deviation = math.sqrt(sum((value - mean) ** 2 for value in row) / len(row) + 1e-5)
        normalised.append([(value - mean) / deviation * g + b for value, g, b in zip(row, gain, bias)])
    return normalised


def position(t: int, d_model: int) -> Vector:
    """Section 3.5: PE(t, 2i) = sin(t / 10000^(2i/d)), PE(t, 2i + 1) = cos(the same)."""
    encoding = []
    for column in range(d_model):
        angle = t / 10000 ** ((column - column % 2) / d_model)
        encoding.append(math.cos(angle) if column % 2 else math.sin(angle))
    return encoding


class Transformer:
    """Sections 3.1 to 3.5 for one sentence, from the state dict of a `seq2seq.model.transformer.Transformer`."""

    def __init__(self, weights: Mapping[str, Any], n_heads: int, norm: str) -> None:
        self._weights = {name: weight.tolist() for name, weight in weights.items()}
        self._n_heads = n_heads
        self._norm = norm

    def logits(self, source: Sequence[int], target: Sequence[int], allowed: Allowed = lambda t, s: True) -> Matrix:
        """Logits after each target token; `allowed` is the graph of the source."""
        rows = self.decode(target, self.encode(source, allowed))
        return [[_dot(row, line) for line in self._weights["head.weight"]] for row in rows]

    def encode(self, source: Sequence[int], allowed: Allowed = lambda t, s: True) -> Matrix:
        """The memory."""
        x = self._embed("source_embedding", source)
        for layer in self._layers("encoder.blocks"):
            x = self.block(layer, x, allowed)
        return self._final_norm("encoder.norm", x)

    def decode(self, target: Sequence[int], memory: Matrix) -> Matrix:
        """The decoder's states."""
        x = self._embed("target_embedding", target)
        for layer in self._layers("decoder.blocks"):
            x = self._cross_block(layer, x, memory)
        return self._final_norm("decoder.norm", x)

    def block(self, layer: str, x: Matrix, allowed: Allowed) -> Matrix:
        """Self-attention and feed-forward of the layer whose weights' names begin with `layer`."""
        x = self._residual(f"{layer}attention_residual", x, lambda y: self._attend_self(layer, y, allowed))
        return self._residual(f"{layer}feed_forward_residual", x, lambda y: self._feed_forward(layer, y))

    def _cross_block(self, layer: str, x: Matrix, memory: Matrix) -> Matrix:
        x = self._residual(f"{layer}attention_residual", x, lambda y: self._attend_self(layer, y, lambda t, s: s <= t))
        x = self._residual(f"{layer}cross_attention_residual", x, lambda y: self._attend_memory(layer, y, memory))
        return self._residual(f"{layer}feed_forward_residual", x, lambda y: self._feed_forward(layer, y))

    def _embed(self, table: str, tokens: Sequence[int]) -> Matrix:
        rows = []
        for t, token in enumerate(tokens):
            vector = self._weights[f"{table}.weight"][token]
            rows.append([math.sqrt(len(vector)) * v + p for v, p in zip(vector, position(t, len(vector)))])
        return rows

    def _residual(self, name: str, x: Matrix, sublayer: Callable[[Matrix], Matrix]) -> Matrix:
        gain, bias = self._weights[f"{name}.norm.weight"], self._weights[f"{name}.norm.bias"]
        if self._norm == "pre":
            return _add(x, sublayer(layer_norm(x, gain, bias)))
        return layer_norm(_add(x, sublayer(x)), gain, bias)

    def _final_norm(self, name: str, x: Matrix) -> Matrix:
        if self._norm == "post":
            return x
        return layer_norm(x, self._weights[f"{name}.weight"], self._weights[f"{name}.bias"])

    def _attend_self(self, layer: str, x: Matrix, allowed: Allowed) -> Matrix:
        queries, keys, values = _split(self._linear(f"{layer}attention.query_key_value", x), 3)
        return multi_head(queries, keys, values, self._n_heads, *self._pair(f"{layer}attention.output"), allowed)

    def _attend_memory(self, layer: str, x: Matrix, memory: Matrix) -> Matrix:
        queries = self._linear(f"{layer}cross_attention.query", x)
        keys, values = _split(self._linear(f"{layer}cross_attention.key_value", memory), 2)
        output = self._pair(f"{layer}cross_attention.output")
        return multi_head(queries, keys, values, self._n_heads, *output, lambda t, s: True)

    def _feed_forward(self, layer: str, x: Matrix) -> Matrix:
        inner = [[max(0.0, value) for value in row] for row in self._linear(f"{layer}feed_forward.inner", x)]
        return self._linear(f"{layer}feed_forward.outer", inner)

    def _linear(self, name: str, x: Matrix) -> Matrix:
        return linear(x, *self._pair(name))

    def _pair(self, name: str) -> tuple[Matrix, Vector]:
        return self._weights[f"{name}.weight"], self._weights[f"{name}.bias"]

    def _layers(self, stack: str) -> list[str]:
        return sorted({f"{stack}.{name.split('.')[2]}." for name in self._weights if name.startswith(f"{stack}.")})


def beam_search(
    following: Next, limit: int, *, beam_size: int, alpha: float, n_best: int
) -> list[tuple[tuple[int, ...], list[float], float]]:
    """The n best outputs found for one sentence, every step to the limit: (tokens, token scores with EOS, score).

    The candidates of a step are all extensions of the live hypotheses, best first: those that end, among the first
    K, are finished; the first K that do not end live on.
    """
    finished = []
    live: list[tuple[tuple[int, ...], list[float]]] = [((), [])]
    for length in range(1, limit + 2):
        candidates = []
        for tokens, scores in live:
            for token, score in enumerate(following(tokens)):
                if token == EOS or (token not in (PAD, UNKNOWN, BOS) and length <= limit):
                    candidates.append(((*tokens, token), [*scores, score]))
        candidates.sort(key=lambda candidate: -sum(candidate[1]))
        for tokens, scores in candidates[:beam_size]:
            if tokens[-1] == EOS:
                finished.append((tokens[:-1], scores, sum(scores) / ((5 + length) / 6) ** alpha))
        live = [candidate for candidate in candidates if candidate[0][-1] != EOS][:beam_size]
    return sorted(finished, key=lambda found: -found[2])[:n_best]


def greedy(following: Next, limit: int) -> tuple[int, ...]:
    """The most probable token each time, up to EOS or the limit."""
    tokens: tuple[int, ...] = ()
    while len(tokens) < limit:
        scores = following(tokens)
        best = max((token for token in range(len(scores)) if token not in (PAD, UNKNOWN, BOS)), key=scores.__getitem__)
        if best == EOS:
            break
        tokens = (*tokens, best)
    return tokens


def every_output(following: Next, vocabulary: int, limit: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """(tokens, log-probability) of every output that there is within the limit."""
    for length in range(limit + 1):
        for tokens in itertools.product(range(EOS + 1, vocabulary), repeat=length):
            spelt = (*tokens, EOS)
            yield tokens, sum(following(spelt[:t])[token] for t, token in enumerate(spelt))


def smoothed_loss(logits: Matrix, labels: Sequence[int], smoothing: float) -> float:
    """Section 5.4: cross-entropy with (1 - e) on the label and e spread over V, summed where a label is not PAD."""
    total = 0.0
    for row, label in zip(logits, labels):
        if label != PAD:
            for token, probability in enumerate(softmax(row)):
                wanted = smoothing / len(row) + (1 - smoothing) * (token == label)
                total -= wanted * math.log(probability)
    return total


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def _add(one: Matrix, other: Matrix) -> Matrix:
    return [[a + b for a, b in zip(left, right)] for left, right in zip(one, other)]


def _split(rows: Matrix, parts: int) -> list[Matrix]:
    width = len(rows[0]) // parts
    return [[row[part * width : (part + 1) * width] for row in rows] for part in range(parts)]
