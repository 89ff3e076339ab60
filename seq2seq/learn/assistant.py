"""From a model that completes documents to one that answers, in the three steps of Ouyang et al. (2022), on the bundled
small world's questions about legs. Here in seconds; the recipes `assistant-*` do the same in minutes, on all of it.
"""

from __future__ import annotations

import copy
import functools
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from seq2seq.data import tokenizers
from seq2seq.data.batches import JOINED, Batch, Place, collate_joined
from seq2seq.data.bundled import assistant
from seq2seq.data.comparison_batches import EncodedComparison, collate
from seq2seq.data.tokenizer import Tokenizer
from seq2seq.decoding.rollouts import DecoderOnlyRolloutSampler, Rollout
from seq2seq.evaluation.raters import world
from seq2seq.learn import small
from seq2seq.model.actor_critic import ActorCritic
from seq2seq.model.gpt import Gpt
from seq2seq.model.scored import Scored
from seq2seq.recipe import Tokenizer as TokenizerSettings
from seq2seq.tasks.completions import batch_of
from seq2seq.training.log_probabilities import token_log_probabilities
from seq2seq.training.ppo import Clipping, PolicyLoss, Rloo, divergences
from seq2seq.training.preferences import BradleyTerry

QuestionAndAnswer = tuple[str, str]  # and its right answer
_ABOUT = "legs"
_ROWS = 16  # of a batch
_ROUNDS = 16  # of two answers to each question
_HELD_OUT = 150  # comparisons


class World(NamedTuple):
    """The part of the small world that is about legs."""

    documents: list[str]
    demonstrations: list[QuestionAndAnswer]
    questions: list[QuestionAndAnswer]
    held_out: list[QuestionAndAnswer]
    tokenizer: Tokenizer


@functools.cache
def legs() -> World:
    """Sentences, demonstrations of answers in all manners, and questions."""
    sentences = [part.strip() for text in assistant.documents("train") for part in text.split(".")]
    documents = [f"{sentence}." for sentence in sentences if _ABOUT in sentence]
    parts = (assistant.demonstrations("train"), assistant.prompts("train"), assistant.prompts("test"))
    demonstrations, questions, held_out = ([row for row in rows if _asks(row[0])] for rows in parts)
    settings = TokenizerSettings(kind="byte-bpe", vocabulary_size=450)
    lines = [*documents, *(side for pair in demonstrations for side in pair)]
    return World(documents, demonstrations, questions, held_out, tokenizers.train(settings, lines))


def _asks(question: str) -> bool:
    """Whether it is about legs; of the three ways to ask for a yes or no one, which is enough here."""
    return _ABOUT in question.lower() and not question.startswith("Does ") and "yes or no" not in question


@functools.cache
def pretrained() -> Gpt:
    """Step 0: a GPT that completes documents."""
    tokens = np.array([token for ids in legs().tokenizer.encode(legs().documents) for token in ids])
    recipe = small.recipe("model.max_length=64", "training.steps=150")
    gpt = small.gpt(recipe, legs().tokenizer.size)
    small.curve(recipe, gpt, tokens)
    return gpt.eval()


@functools.cache
def taught() -> Gpt:
    """Step 1: the same GPT, fine-tuned on demonstrations."""
    gpt = copy.deepcopy(pretrained())
    asked, answers = (legs().tokenizer.encode([pair[side] for pair in legs().demonstrations]) for side in (0, 1))

    def batches() -> Iterator[tuple[Place, Batch]]:
        for index in itertools.count():
            rows = np.random.default_rng(index).integers(len(asked), size=_ROWS)
            yield Place(index=index), collate_joined([asked[row] for row in rows], [answers[row] for row in rows])

    for _ in small.trained(small.recipe("training.steps=250", "training.learning_rate=4e-3"), gpt, batches()):
        pass
    return gpt.eval()


def answered(
    model: Gpt, questions: Sequence[QuestionAndAnswer], seed: int = 1
) -> tuple[list[Rollout], list[str], list[float]]:
    """Answers that a model draws, their texts, and what the simulated rater thinks of each, 0 to 1."""
    prompts = legs().tokenizer.encode([question for question, _ in questions])
    rollouts = DecoderOnlyRolloutSampler(model, small.CPU).sample(prompts, max_tokens=40, seed=seed)
    texts = legs().tokenizer.decode([rollout.tokens for rollout in rollouts])
    return rollouts, texts, [world(*question, text) for question, text in zip(questions, texts)]


@functools.cache
def comparisons() -> list[EncodedComparison]:
    """Pairs of answers of the fine-tuned model to one question, of which the rater prefers the first."""
    found, (tokenizer, questions) = [], (legs().tokenizer, legs().questions)
    prompts = tokenizer.encode([question for question, _ in questions])
    for number in range(_ROUNDS):
        sides_of = [answered(taught(), questions, seed) for seed in (2 * number, 2 * number + 1)]
        for prompt, *pair in zip(prompts, *(zip(rollouts, gold) for rollouts, _, gold in sides_of)):
            (better, high), (worse, low) = sorted(pair, key=lambda side: -side[1])
            if high > low:
                found.append(EncodedComparison(prompt, better.tokens, worse.tokens))
    return found


@functools.cache
def rewarded() -> tuple[Scored, Tensor, list[float]]:
    """Step 2: a reward model; its scores (N, 2) of held-out comparisons, the preferred side first; its losses."""
    train, held_out = comparisons()[:-_HELD_OUT], comparisons()[-_HELD_OUT:]
    scored = Scored(copy.deepcopy(taught()), taught().head.in_features)
    objective = BradleyTerry(scored, small.CPU, centring=0.01)

    def batches() -> Iterator[tuple[Place, Batch]]:
        for index in itertools.count():
            rows = np.random.default_rng(index).integers(len(train), size=_ROWS)
            yield Place(index=index), collate(JOINED, [train[row] for row in rows])

    recipe = small.recipe("training.steps=120", "training.learning_rate=2e-3")
    losses = [update["loss"] for update in small.trained(recipe, scored, batches(), objective)]
    with torch.no_grad():
        return scored.eval(), objective.scores(collate(JOINED, held_out)), losses


def optimised(phases: int = 24, group: int = 4, kl: float = 0.1) -> list[dict[str, float]]:
    """Step 3: the fine-tuned model, improved against the reward model; reward, gold and divergence of each phase."""
    start, (reward, _, _) = taught(), rewarded()
    policy, questions, figures = ActorCritic(copy.deepcopy(start)), legs().questions, []

    @torch.no_grad()
    def phase(number: int) -> Batch:
        rows = np.random.default_rng(number).integers(len(questions), size=24).repeat(group)
        rollouts, _, gold = answered(policy.policy, [questions[row] for row in rows], seed=1000 + number)
        prompts = legs().tokenizer.encode([questions[row][0] for row in rows])
        whole = [rollout._replace(ended=True) for rollout in rollouts]  # as the reward model reads them
        batch, ended = batch_of(JOINED, prompts, rollouts), batch_of(JOINED, prompts, whole)
        assert batch.mask is not None
        unfinished = torch.tensor([not rollout.ended for rollout in rollouts]).float()
        scores = reward.rewards(ended.inputs, ended.labels, ended.mask) - unfinished
        now, before = (token_log_probabilities(model, batch, small.CPU) for model in (policy.policy, start))
        # Over the tokens of an answer these add up to its score less the divergence.
        each = scores[:, None] / batch.mask.sum(1, keepdim=True) - kl * (now - before)
        advantages = Rloo(group)(each, torch.zeros_like(each), batch.mask).advantages
        divergence = divergences(now - before, batch.mask)[1].mean().item()
        figures.append({"gold": sum(gold) / len(gold), "reward": scores.mean().item(), "kl": divergence})
        return replace(batch, extras={"old_log_probabilities": now, "advantages": advantages})

    objective = PolicyLoss(policy, small.CPU, Clipping(1.0, 0.2, 0.2, 0.0), dict)
    recipe = small.recipe(f"training.steps={phases}", "training.learning_rate=1e-3", "training.warmup_steps=2")
    batches = ((Place(index=number), phase(number)) for number in itertools.count())
    list(small.trained(recipe, policy, batches, objective))
    return figures
