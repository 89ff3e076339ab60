"""The three steps from a model that completes text to one that answers (Ouyang et al., 2022), in seconds.

How each is trained: `assistant.py` beside this file.
"""

from __future__ import annotations

from seq2seq.learn import assistant
from seq2seq.learn.lesson import Lesson, expect
from seq2seq.learn.pictures import COLOURS, label, panels, shown, smooth


def demonstrations() -> Lesson:
    """Pre-training gives a document completer; demonstrations make it a question answerer."""
    world, questions = assistant.legs(), assistant.legs().questions
    answers = [assistant.answered(model, questions) for model in (assistant.pretrained(), assistant.taught())]
    marks = [sum(gold) / len(gold) for _, _, gold in answers]
    ends = [sum(each.ended for each in rollouts) / len(rollouts) for rollouts, _, _ in answers]
    expect("a model that completes documents does not answer", marks[0] < 0.02 and ends[0] < 0.2)
    expect("after demonstrations it answers and ends", ends[1] > 0.8)
    expect("and some answers are right", marks[1] > 0.1)
    figure, (left, right) = panels(1, 1.9, height=3.2)
    for shift, (name, values) in zip((-0.2, 0.2), (("ends", ends), ("the rater's mark", marks))):
        left.bar([place + shift for place in range(2)], values, width=0.4, label=name)
    left.set_xticks(range(2), ["pre-trained", "fine-tuned"])
    left.legend(loc="upper left")
    label(left, f"{len(questions)} questions", "", "mean (0 to 1)")
    best = [place for place, mark in enumerate(answers[1][2]) if mark == 1][:2]
    said = []
    for place in best:
        said.append(("question", questions[place][0]))
        said += [(who, texts[place]) for who, (_, texts, _) in zip(("pre-trained", "fine-tuned"), answers)]
    for row, (who, text) in enumerate(said):
        right.text(0, 0.9 - 0.16 * row, f"{who}:", color=COLOURS[0], fontsize=9)
        right.text(0.22, 0.9 - 0.16 * row, shown(text.strip()[:56], " "), fontsize=9)
    right.axis("off")
    label(right, "what each says", "", "")
    return Lesson(
        (
            f"Step 0: a GPT read {len(world.documents):,} sentences about legs. Asked, it babbles on like them:",
            f"{ends[0]:.0%} of its answers to {len(questions)} questions end, and a rater gives {marks[0]:.2f} of 1.",
            f"Step 1: {len(world.demonstrations)} demonstrations of answers, right and wrong, brief, long or rude.",
            f"Now {ends[1]:.0%} end, and the rater gives {marks[1]:.2f}: it answers, as its teachers did.",
            "Documents are plenty, demonstrations dear: comparisons are the next step.",
        ),
        figure,
    )


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
    middle.hist(margins[margins > 0].tolist(), bins, color=COLOURS[0], label=f"told right: {right:.0%}")
    middle.hist(
        margins[margins <= 0].tolist(), bins, color=COLOURS[1], hatch="//", label=f"told wrong: {1 - right:.0%}"
    )
    middle.legend()
    label(left, "learning from comparisons", "update", "-log sigmoid(margin) (nats)")
    label(
        middle, f"{len(margins)} held-out comparisons", "score of the preferred answer less the other's", "comparisons"
    )
    return Lesson(
        (
            f"Step 2: the model answers questions twice, a rater prefers one: {len(pairs)} comparisons.",
            "The reward model is the same GPT, its head one number. Loss: -log sigmoid of",
            "the preferred answer's score less the other's (Bradley-Terry), ln 2 at first.",
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
    before, after = (sum(part) / len(part) for part in (gold[:6], gold[-6:]))
    figure, (left, right) = panels(1, 1)
    left.plot(smooth(reward, 0.5), "o-", markersize=4, label="score of the reward model")
    left.plot(smooth(gold, 0.5), "s--", markersize=4, label="gold: the rater, never seen")
    left.legend()
    right.plot(divergence, "o-", markersize=4, color=COLOURS[2])
    label(left, "what is optimised, and what is meant", "phase of 96 answers", "mean (smoothed)")
    label(right, "how far it has gone from its start", "phase of 96 answers", "KL (nats per answer)")
    return Lesson(
        (
            f"Step 3: {len(figures)} phases of 96 answers. One that the reward model scores above the",
            "other three to its question becomes more probable (PPO's loss, leave-one-out).",
            f"Its score goes from {first:.2f} to {last:.2f}, {divergence[-1]:.1f} nats from its start. The rater, whom",
            f"training never sees, gave {before:.2f} of 1 at first and gives {after:.2f} now: a weak reward",
            "model is exploited, not followed. Measure both, as `seqx frontier` does.",
        ),
        figure,
    )
