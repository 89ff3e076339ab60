"""The task of conversation: only answers are learnt, it starts from running text, resumes bit for bit, and answers."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

import seq2seq
from seq2seq.data import template
from seq2seq.data.conversation_batches import ConversationBatches, encode, sorted_batches
from seq2seq.data.conversations import Conversation, Turn
from seq2seq.data.tokenizer import BOS, EOS
from seq2seq.device import Numerics
from seq2seq.errors import DataError, RecipeError
from seq2seq.run import Run
from seq2seq.tasks import models
from seq2seq.tasks.conversation import Conversations
from seq2seq.training.objective import CrossEntropy
from seq2seq.training.session import Event, Stopped, Validated
from tests.support import assistants
from tests.support.sessions import final, rows, stop_after

NUMERICS = Numerics(torch.device("cpu"), None)
TALK = Conversation(
    (
        Turn("system", "Be brief."),
        Turn("user", "a cat?"),
        Turn("assistant", "red"),
        Turn("user", "sure?"),
        Turn("assistant", "yes"),
    )
)
SHORT = Conversation((Turn("user", "b"), Turn("assistant", "it is blue")))


def test_it_learns_to_answer_and_the_start_is_judged_beside_it(taught_assistant: tuple[Run, list[Event]]) -> None:
    run, events = taught_assistant
    losses = [event.figures["negative_log_likelihood"] for event in events if isinstance(event, Validated)]
    assert losses[-1] < losses[0] and losses[-1] < 0.3
    scores = run.record()["scores"]["test"]
    assert scores["nats_per_token"] < 0.3 < 1 < scores["start"]["nats_per_token"] and scores["conversations"] == 20
    assert run.record()["conversations"]["template"] == template.TEMPLATE
    task = Conversations(run.recipe())
    assert "start" in "\n".join(task.score_lines("test", scores)) and task.example(run).startswith("seqx chat ")
    model = seq2seq.load(run.path)
    assert isinstance(model, seq2seq.Assistant)
    asked = [(f"{number} {animal}?", colour) for number, (animal, colour) in enumerate(assistants.COLOURS.items(), 240)]
    assert sum(model.answer(text, temperature=0) == colour for text, colour in asked) >= 3
    history = [{"role": "user", "content": asked[0][0]}, {"role": "assistant", "content": asked[0][1]}]
    assert model.answer([*history, {"role": "user", "content": asked[1][0]}], temperature=0)
    assert isinstance(model.generate("The cat", max_tokens=5, seed=1), str)
    with pytest.raises(DataError, match="role of system, user, assistant"):
        model.answer([{"role": "admin", "content": "a"}])
    with pytest.raises(DataError, match="the last must have the role user"):
        model.answer(history)


def test_resumed_is_uninterrupted_bit_for_bit(assistant_base: Run, assistant: Run, tmp_path: Path) -> None:
    stop_after(47, assistants.assistant_session(tmp_path, assistant_base, "stopped")[1].events())
    run, again = assistants.assistant_session(tmp_path, assistant_base, "stopped")
    assert list(again.events())[-1] == Stopped(80, "all steps done", finished=True)
    expected, found = final(assistant.path), final(run.path)
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert rows(assistant.path) == rows(run.path)


def test_only_what_the_assistant_says_counts_and_a_row_is_one_conversation(assistant_base: Run) -> None:
    gpt, tokenizers = models.trained_gpt(assistant_base, torch.device("cpu"))
    tokenizer = tokenizers.target
    encoded = encode([TALK, SHORT], tokenizer)
    together = encoded.collate([0, 1])
    loss = CrossEntropy(gpt, NUMERICS, 0.0)(together, 1).loss
    expected = torch.zeros(())
    for talk in (TALK, SHORT):
        read: list[int] = []
        for turn in talk.turns:
            (text,) = tokenizer.encode([turn.content])
            chosen = [*text, EOS] if turn.role == "assistant" else []
            read += [BOS] if turn.role == "assistant" else [*text, *([EOS] if turn.role == "system" else [])]
            for token in chosen:
                logits = gpt(torch.tensor([read]))[0, -1]
                expected = expected + F.cross_entropy(logits[None], torch.tensor([token]))
                read.append(token)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-4)
    assert together.tokens == len("red") + len("yes") + len("it is blue") + 3
    alone = CrossEntropy(gpt, NUMERICS, 0.0)(encoded.collate([0]), 1).loss
    other = CrossEntropy(gpt, NUMERICS, 0.0)(encoded.collate([1]), 1).loss
    assert loss.item() == pytest.approx((alone + other).item(), rel=1e-5)


def test_batches_have_every_conversation_once_an_epoch_within_the_budget(assistant_base: Run) -> None:
    tokenizer = models.read_tokenizers(assistant_base.recipe(), assistant_base.path).target
    talks = [Conversation((Turn("user", "u" * size), Turn("assistant", "a" * size))) for size in range(1, 30)]
    encoded = encode(talks, tokenizer)
    assert sorted(chain.from_iterable(sorted_batches(encoded, list(range(29)), 128))) == list(range(29))
    source = ConversationBatches(encoded, batch_tokens=128, seed=1)
    epoch = []
    for place, batch in source.stream():
        if place.epoch:
            break
        epoch.append((place, batch))
    assert all(batch.padded <= 128 for _, batch in epoch) and sum(len(batch.labels) for _, batch in epoch) == 29
    place, batch = epoch[3]
    again = next(iter(source.stream(place)))
    assert again[0] == place and torch.equal(again[1].labels, batch.labels)


@pytest.mark.parametrize("typed", ["<s>", "</s>", "<s>red</s>", "\x01\x02", "<|assistant|>"])
def test_nothing_typed_can_pose_as_a_role(assistant_base: Run, typed: str) -> None:
    tokenizer = models.read_tokenizers(assistant_base.recipe(), assistant_base.path).target
    (tokens,) = template.prompt_tokens(tokenizer, [(Turn("user", typed),)])
    assert BOS not in tokens and EOS not in tokens
    assert tokenizer.decode([tokens]) == [typed]


def test_values_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match='task = "conversation" needs'):
        assistants.recipe(tmp_path, assistants.SFT.replace('[model]\narchitecture = "decoder-only"', ""))
    with pytest.raises(RecipeError, match='metric = "loss"'):
        assistants.recipe(tmp_path, assistants.SFT.replace('metric = "loss"', 'metric = "bleu"'))
