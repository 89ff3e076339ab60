"""Improvement of a run by reinforcement learning: of a translator on source lines, of a chat model on
prompts. The finished run serves as its start does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq import tasks, torchrun
from seq2seq.data.corpus import Corpus, Given, Source, SplitName
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.prompts import PromptKind, conversations_of, text_of
from seq2seq.errors import DataError, RecipeError, RunError
from seq2seq.evaluation import frontier, kept
from seq2seq.run import Run
from seq2seq.tasks import lineage, reward_run
from seq2seq.tasks.examples import example
from seq2seq.tasks.improving import Improving
from seq2seq.tasks.task import Figure, Say

if TYPE_CHECKING:
    from torch import nn

    from seq2seq.data.records import Kind
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import PageSection, Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.recipe.policy import Policy as PolicySettings
    from seq2seq.tasks.completions import Completer, EncodedPrompt
    from seq2seq.tasks.policy_training import PolicyTraining, PolicyWorkload

_EVERY = ("reward", "gold", "kl", "kl_k3", "entropy", "length", "ended")


class Policy(Improving[Source[Any]]):
    """What a run of another task becomes when completions that earn a higher reward are made more probable."""

    noun = "policy"
    plural = "policies"
    improved = "a policy"
    usual_recipe = "fr-en-ppo"
    shown = ("reward", "gold", "kl", "entropy", "clip_share", "length", "explained")

    @property
    def settings(self) -> PolicySettings:
        """The section of the recipe."""
        assert self.recipe.policy is not None, "a recipe of this task has one"
        return self.recipe.policy

    @property
    def judged_as_start(self) -> bool:
        return self.base.prompts_itself

    # The records: those of a translator, which are prompts with references, or prompts.

    def kind(self) -> Kind[Any, Any]:
        return self.base.kind() if self.base.prompts_itself else PromptKind(self.recipe.data)

    def find(self, given: Mapping[SplitName, Given], reading: Reading = PLAIN) -> Corpus[Any]:
        return self.base.find(given, reading) if self.base.prompts_itself else super().find(given, reading)

    def refused_files(self, given: Given) -> str:
        return self.base.refused_files(given) if self.base.prompts_itself else super().refused_files(given)

    def first(self, corpus: Corpus[Any], tokenizers: Tokenizers, count: int) -> Corpus[Any]:
        raise RecipeError("--overfit is for losses that fall to 0: a policy has none; leave it out")

    def lines(self, corpus: Corpus[Any], sides: Collection[int]) -> Iterator[str]:
        raise RunError("the start of a policy has no tokenizer; start from a run that seqx trained")

    def write_test(self, run: Run, test: Source[Any]) -> None:
        if self.base.prompts_itself:
            self.base.write_test(run, test)
        else:
            super().write_test(run, test)

    def read_test(self, run: Run) -> Source[Any]:
        return self.base.read_test(run) if self.base.prompts_itself else super().read_test(run)

    # Training.

    def model(self, tokenizers: Tokenizers) -> nn.Module:
        """A policy, and a value network beside it where advantages are estimated from one."""
        from seq2seq.model.actor_critic import ActorCritic
        from seq2seq.model.scored import Scored

        policy = self.base.model(tokenizers)
        if self.settings.estimator == "rloo":
            return ActorCritic(policy)
        return ActorCritic(policy, Scored(self.base.model(tokenizers), self.recipe.model.d_model))

    def initialise(self, model: nn.Module, run: Run) -> str:
        """The policy from the start; the value network from the reward model, else from the start too."""
        from seq2seq.model.actor_critic import ActorCritic
        from seq2seq.model.scored import LIKELIHOOD
        from seq2seq.storage.tensors import load_weights, read_weights

        assert isinstance(model, ActorCritic)
        described = lineage.load(self.base, model.policy, run)
        if model.value is not None:
            reward = reward_run.of(run)
            if reward.path.is_dir():
                weights = read_weights(reward.weights)
                weights.pop(LIKELIHOOD, None)
                load_weights(model.value, weights, reward.weights)
            else:
                model.value.trunk.load_state_dict(model.policy.state_dict())
        return described

    def training(self, corpus: Corpus[Any], tokenizers: Tokenizers, run: Run, say: Say) -> PolicyTraining:
        from seq2seq.tasks.policy_training import PolicyTraining

        place = torchrun.place()
        if place is not None and place.size > 1:  # each would draw completions of its own
            raise RecipeError("a policy is trained by one process: start it without torchrun")
        reward_run.begin(self.recipe, run)
        prompts, dropped = self._encoded(
            [record for source in corpus.train for record in self.prompts(source)], tokenizers
        )
        held_out, _ = self._encoded(list(self.prompts(corpus.dev)), tokenizers)
        for found, source, split in ((prompts, corpus.train[0], "train"), (held_out, corpus.dev, "dev")):
            if not found:
                raise DataError(
                    f"{source.origin}: no prompt for {split} leaves place for a completion; give shorter ones"
                )
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in dropped.items() if count) or "none"
        say(f"Prompts: {len(prompts):,} to train on (dropped: {reasons}); {len(held_out):,} held out")
        report = {"prompts": {"kept": len(prompts), "dropped": dropped, "held_out": len(held_out)}}
        opened = partial(self._completer, run, tokenizers)
        return PolicyTraining(self.recipe, prompts, held_out, report, opened, partial(self._best_of, run, say))

    def workload(self) -> PolicyWorkload:
        from seq2seq.tasks.policy_training import PolicyWorkload

        return PolicyWorkload(self.recipe, self.base.workload(), translates=self.base.prompts_itself)

    def _encoded(self, prompts: Sequence[Any], tokenizers: Tokenizers) -> tuple[list[EncodedPrompt], dict[str, int]]:
        """Prompts with their tokens, and how many are left out, by reason."""
        from seq2seq.tasks.completions import EncodedPrompt
        from seq2seq.tasks.models import encode_prompts, longest_prompt

        encoded = encode_prompts(self.recipe, tokenizers, [prompt for prompt, _ in prompts])
        longest = longest_prompt(self.recipe, self.settings.max_tokens)
        kept = [EncodedPrompt(*each) for each in zip(prompts, encoded, strict=True) if 0 < len(each[1]) <= longest]
        blank = sum(not tokens for tokens in encoded)
        return kept, {"blank": blank, "too long": len(encoded) - blank - len(kept)}

    def _completer(self, run: Run, tokenizers: Tokenizers, numerics: Numerics) -> Completer:
        """What draws and measures completions, with the start and the reward model in the run folder."""
        from seq2seq.evaluation.raters import rater
        from seq2seq.tasks import models
        from seq2seq.tasks.completions import Completer, ConstantReward, RaterReward, RewardModel

        settings, device = self.settings, numerics.device
        architecture = models.architecture(self.recipe)
        gold = None if self.recipe.data.rater is None else rater(self.recipe.data.rater)
        reward: Any
        if settings.reward == "constant":
            reward = ConstantReward()
        elif settings.reward == "rater":
            assert gold is not None, "the recipe was checked"
            reward = RaterReward(gold, tokenizers)
        else:
            own = reward_run.of(run)
            reward = RewardModel(tasks.of(own.recipe()).trained(own, device), architecture.layout, numerics)
        start = lineage.of(run)
        return Completer(
            architecture, tokenizers, numerics,
            start=tasks.of(start.recipe()).trained(start, device).eval(), reward=reward, rater=gold,
            temperature=settings.temperature, max_tokens=settings.max_tokens,
        )  # fmt: skip

    def _best_of(self, run: Run, say: Say, completer: Completer, prompts: Sequence[EncodedPrompt]) -> None:
        """Record, once, what choosing the best of several completions of the start gives on the held-out prompts."""
        from seq2seq.evaluation.best_of import best_of
        from seq2seq.tasks.policy_training import VALIDATION_SEED

        if not self.settings.best_of or "best_of" in run.record():
            return
        rewards, gold = completer.candidates(prompts, self.settings.best_of, VALIDATION_SEED)
        rows = best_of(rewards, gold)
        run.note(best_of=rows)
        say(f"Best of {rows[-1]['n']} completions of the start: {_line(rows[-1])}; of 1: {_line(rows[0])}")

    def validation_line(self, figures: Mapping[str, float]) -> str:
        return f"dev {_line(figures)}"

    # Judging: as the start is, and completions that are drawn as in training.

    def judge(self, run: Run, device: Choice, say: Say) -> None:
        own = "rollouts" if self.base.prompts_itself else "test"  # the name under which these are kept
        kept.keep_own(run, own, {"set": own, **self._drawn(run, device)})
        frontier.save(run)
        say(f"Gold and reward against the distance from the start: {run.path / frontier.PICTURE}")
        if self.base.prompts_itself:
            self.base.judge(run, device, say)  # last: the scores of the test set say that all is judged

    def measure(self, run: Run, text: Source[Any], device: Choice, processes: Processes) -> dict[str, Any]:
        return self._drawn(run, device, text)

    def _drawn(self, run: Run, device: Choice, text: Source[Any] | None = None) -> dict[str, Any]:
        """Figures of completions of a text's prompts, by default of the test set's, beside those of the start."""
        from seq2seq.tasks.models import read_tokenizers
        from seq2seq.tasks.policy_training import VALIDATION_SEED

        tokenizers = read_tokenizers(self.recipe, run.path)
        prompts, _ = self._encoded(list(self.prompts(text or self.read_test(run))), tokenizers)
        completer = self._completer(run, tokenizers, device.numerics)
        start = lineage.of(run)
        policies = {"": run, "start": start}
        figures: dict[str, Any] = {}
        for name, own in policies.items():
            policy = tasks.of(own.recipe()).trained(own, device.numerics.device)
            measured = completer.complete(policy, prompts, VALIDATION_SEED).figures()
            measured |= {f"greedy_{key}": value for key, value in completer.greedy(policy, prompts).items()}
            figures |= {name: measured} if name else measured
        return {"prompts": len(prompts), "temperature": self.settings.temperature, **figures}

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        if "prompts" not in scores:
            yield from self.base.score_lines(name, scores)
            return
        yield f"{name}: {scores['prompts']:,} prompts, one completion of each at temperature {scores['temperature']:g}"
        yield f"  start   {_line(scores['start'])}"
        yield f"  policy  {_line(scores)}"
        for key in ("gold", "reward"):
            if f"greedy_{key}" in scores:
                before, after = (each[f"greedy_{key}"] for each in (scores["start"], scores))
                yield f"  {key} of the most probable completions: {before:.3f} of the start, {after:.3f} of the policy"

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        if "prompts" not in scores:
            return self.base.figures(scores)
        names = ("greedy_gold", "gold", "reward", "kl")
        return [
            Figure(key.replace("_", " "), scores[key], less_is_better=key == "kl") for key in names if key in scores
        ]

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        from seq2seq.tasks import reporting

        return reporting.drawn(scores) if "prompts" in scores else self.base.score_parts(scores)

    def report_sections(self, run: Run) -> Iterator[PageSection]:
        from seq2seq.tasks import reporting

        yield from reporting.distance(run)
        yield from self.base.report_sections(run)

    def convert(self, run: Run, dev: Source[Any] | None = None) -> Verified:
        if self.base.prompts_itself:
            return self.base.convert(run, dev)
        return self.base.convert(run, conversations_of(dev or self.read_test(run)))

    def example(self, run: Run) -> str:
        if self.judged_as_start:
            return super().example(run)
        return example("chat", (text_of(prompt) for prompt in self.read_test(run).read()), run)


def _line(figures: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {figures[name]:.3f}" for name in _EVERY if name in figures)
