"""Options of search and of sampling. No torch here."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

# The number of a source in the whole text: of its line, then of its part of the line. Its samples are a function of
# this number and of the seed.
SampleNumber = tuple[int, ...]

_GREEDY_BELOW = 1e-6


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn: from the softmax at `temperature`, cut to the `top_k` most probable, to the smallest set of
    mass `top_p`, and to those at least `min_p` times as probable as the most probable one."""

    temperature: float = 1.0  # 0 = always the most probable
    top_k: int = 0  # 0 = all
    top_p: float = 1.0
    seed: int = 1
    min_p: float = 0.0
    repetition_penalty: float = 1.0  # over 1: earlier tokens become less probable

    @property
    def greedy(self) -> bool:
        """Whether the most probable token is always chosen: dividing by so low a temperature would overflow."""
        return self.temperature < _GREEDY_BELOW


@dataclass(frozen=True)
class SearchOptions:
    """How to translate."""

    beam_size: int = 4
    length_penalty: float = 0.6
    n_best: int = 1
    max_extra: int = 50  # output tokens beyond the source's
    batch_tokens: int = 4096
    sampling: Sampling | None = None  # instead of the search
    token_scores: bool = True  # whether those of tokens are needed: an engine may omit them to save time

    def with_beam(self, beam_size: int | None, length_penalty: float | None, n_best: int) -> SearchOptions:
        """These options with other numbers (None: unchanged); the beam holds at least the n best."""
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
    beam_size: int = 0  # 1 or more: instead of sampling, search for the most probable text


DEFAULT = GenerationOptions()
