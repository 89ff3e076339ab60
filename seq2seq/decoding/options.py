"""How to search, and how to sample. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

# Of a source in all that is translated: of its line, of its part of the line. What is sampled for it is a function of
# this and of the seed.
Number = tuple[int, ...]

_COLD = 1e-6


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn: from the softmax at `temperature`, cut to the `top_k` most probable, to the smallest set of
    mass `top_p`, and to those at least `min_p` times as probable as the most probable one."""

    temperature: float = 1.0  # 0 = always the most probable
    top_k: int = 0  # 0 = all
    top_p: float = 1.0
    seed: int = 1
    min_p: float = 0.0
    repetition_penalty: float = 1.0  # over 1: tokens that came before become less probable

    @property
    def greedy(self) -> bool:
        """Whether all that is drawn is the most probable token; to divide by so low a temperature would overflow."""
        return self.temperature < _COLD


@dataclass(frozen=True)
class SearchOptions:
    """How to translate."""

    beam_size: int = 4
    length_penalty: float = 0.6
    n_best: int = 1
    max_extra: int = 50  # output tokens beyond the source's
    batch_tokens: int = 4096
    sampling: Sampling | None = None  # in place of the search
    token_scores: bool = True  # whether each token's is needed: an engine may leave them out where they cost time

    def with_beam(self, beam_size: int | None, length_penalty: float | None, n_best: int) -> SearchOptions:
        """These options with other numbers, None for those that stay; a beam holds at least the n best."""
        beam_size = self.beam_size if beam_size is None else beam_size
        return replace(
            self,
            beam_size=max(beam_size, 1 if self.sampling else n_best),
            length_penalty=self.length_penalty if length_penalty is None else length_penalty,
            n_best=n_best,
        )


@dataclass(frozen=True)
class GenerationOptions:
    """How to continue a prompt."""

    sampling: Sampling = field(default_factory=lambda: Sampling(temperature=0.8))
    max_tokens: int = 500
    stop: tuple[str, ...] = ()  # the text ends before the first of these, none of them empty
    beam_size: int = 0  # 1 or more: in place of sampling, search for the most probable text


DEFAULT = GenerationOptions()
