"""The three steps from a model that completes text to one that answers (Ouyang et al., 2022), in seconds.

How each is trained: `assistant.py` beside this file.
"""

from __future__ import annotations

from seq2seq.learn import assistant
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, panels, smooth


def demonstrations() -> Lesson:
    """Pre-training gives a document completer; demonstrations make it a question answerer."""
    questions = assistant.legs().questions
    answers = {name: assistant.answered(model(), questions) for name, model in _MODELS.items()}
    gold = {name: sum(each) / len(each) for name, (_, _, each) in answers.items()}
    ended = {name: sum(each.ended for each in drawn) / len(drawn) for name, (drawn, _, _) in answers.items()}
    expect("a model that completes documents does not answer", gold["pre-trained"] < 0.02 and ended["pre-trained"] < 0.2)
    expect("after demonstrations it answers and ends", ended["fine-tuned"] > 0.8)
    expect("and some answers are right", gold["fine-tuned"] > 0.1)
    figure, (left, right) = panels(1, 1.9, height=3.2)
    for shift, (name, values) in zip((-0.2, 0.2), (("ends", ended), ("the rater's mark", gold))):
        left.bar([place + shift for place in range(2)], values.values(), width=0.4, label=name)
    left.set_xticks(range(2), [*_MODELS])
    left.legend()
    label(left, f"{len(questions)} questions", "", "mean (0 to 1)")
    right.axis("off")
    right.set_title("what each says", loc="left")
    place = _telling(answers["fine-tuned"][2])
    for height, (who, text) in enumerate(_turns(questions, answers, place)):
        right.text(0, 0.93 - 0.155 * height, f"{who}: ", ha="left", color=COLOURS[0], fontsize=9, transform=right.transAxes)
        right.text(0.23, 0.93 - 0.155 * height, text, ha="left", fontsize=9, transform=right.transAxes)
    return Lesson(
        (
            f"Step 0: a GPT read {len(assistant.legs().documents):,} sentences on legs. Asked, it goes on as a document would:",
            f"{ended['pre-trained']:.0%} of its answers to {len(questions)} questions end, and a rater gives them {gold['pre-trained']:.2f} of 1.",
            f"Step 1: {len(assistant.legs().demonstrations)} demonstrations of answers, right and wrong, brief, long or rude.",
            f"Now {ended['fine-tuned']:.0%} end, and the mark is {gold['fine-tuned']:.2f}: it answers, as its teachers did.",
            "Documents are plenty, demonstrations dear: comparisons are the next step.",
        ),
        figure,
    )


_MODELS = {"pre-trained": assistant.pretrained, "fine-tuned": assistant.taught}


def _telling(gold: list[float]) -> list[int]:
    """Questions whose answers are right, and one whose is not."""
    return [*[place for place, mark in enumerate(gold) if mark == 1][:2], gold.index(0.0)]


def _turns(questions: list[assistant.Question], answers: dict[str, tuple], places: list[int]) -> list[tuple[str, str]]:  # type: ignore[type-arg]
    turns = []
    for place in places[:2]:
        turns.append(("question", questions[place][0]))
        turns += [(name, f"{texts[place][:52].strip()}{'…' * (len(texts[place]) > 52)}") for name, (_, texts, _) in answers.items()]
    return turns


def reward_model() -> Lesson:
    """A reward model learns from comparisons which answers people prefer."""
    pairs = assistant.comparisons()
    _, scores, losses = assistant.rewarded()
    margins = scores[:, 0] - scores[:, 1]
    right = (margins > 0).float().mean().item()
    expect("it tells held-out comparisons better than a coin", right > 0.58)
    expect("its loss falls below ln 2, that of a coin", sum(losses[-20:]) / 20 < 0.65)
    figure, (left, middle) = panels(1, 1)
    left.plot(smooth(losses), label="training loss")
    left.axhline(0.6931, linestyle="--", color=COLOURS[6], label="a coin: ln 2")
    left.legend()
    bins = [-4 + 0.5 * number for number in range(17)]
    middle.hist(margins[margins > 0], bins, color=COLOURS[0], label=f"told right: {right:.0%}")
    middle.hist(margins[margins <= 0], bins, color=COLOURS[1], hatch="//", label=f"told wrong: {1 - right:.0%}")
    middle.legend()
    label(left, "learning from comparisons", "update", "-log sigmoid(margin) (nats)")
    label(middle, f"{len(margins)} held-out comparisons", "score of the preferred answer less the other's", "comparisons")
    return Lesson(
        (
            f"Step 2: the model answers each question twice, a rater says which is better: {len(pairs)} pairs.",
            "The reward model is the same GPT with one number for a head. Loss: -log sigmoid of",
            "the preferred answer's score less the other's (Bradley and Terry), ln 2 at first.",
            f"It tells {right:.0%} of {len(margins)} held-out comparisons right, where a coin tells half.",
            "Better than a coin, far from a rater: the next step shows what comes of that.",
        ),
        figure,
    )


def policy() -> Lesson:
    """A policy optimised against a reward model gains reward; whether it gains what was meant must be measured."""
    figures = assistant.optimised()
    reward, gold, divergence = ([each[key] for each in figures] for key in ("reward", "gold", "kl"))
    first, last = (sum(part) / len(part) for part in (reward[:2], reward[-4:]))
    expect("the reward of the policy rises", last > first + 0.3)
    expect("it leaves its start for that", sum(divergence[-4:]) / 4 > 0.1 and divergence[0] < 0.01)
    marks = [sum(part) / len(part) for part in (gold[:2], gold[-4:])]
    figure, (left, right) = panels(1, 1)
    left.plot(smooth(reward, 0.5), "o-", markersize=4, label="score of the reward model")
    left.plot(smooth(gold, 0.5), "s--", markersize=4, label="gold: the rater, never seen")
    left.legend()
    right.plot(divergence, "o-", markersize=4, color=COLOURS[2])
    label(left, "what is optimised, and what is meant", "phase of 96 answers", "mean (smoothed)")
    label(right, "how far it has gone from its start", "phase of 96 answers", "KL (nats per answer)")
    return Lesson(
        (
            f"Step 3: {len(figures)} phases of 96 answers; those that the reward model scores above the other",
            "three to their question become more probable (PPO's clipped loss, leave-one-out).",
            f"Its score goes from {first:.1f} to {last:.1f}, {divergence[-1]:.0f} nats from the start. The rater, never seen in",
            f"training, gave {marks[0]:.2f} of 1 at first and gives {marks[1]:.2f} now: a weak reward model is exploited",
            "as much as followed. `recipes/README.md` has the minutes-long runs of all steps.",
        ),
        figure,
    )
