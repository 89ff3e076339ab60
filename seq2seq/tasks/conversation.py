"""Conversation: a GPT that answers what a user says, trained on demonstrations (Ouyang et al., 2022, step 1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from seq2seq.data.conversations import ConversationKind, ConversationSource, usable
from seq2seq.data.corpus import Corpus
from seq2seq.run import Run
from seq2seq.tasks import lineage
from seq2seq.tasks.examples import example
from seq2seq.tasks.task import Figure, Say, Task

if TYPE_CHECKING:
    from seq2seq.data.findings import Audit
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.conversation_training import ConversationTraining, ConversationWorkload

_WHOLE = ("embedding", "blocks", "norm", "head")  # all parts of a GPT


class Conversations(Task[ConversationSource]):
    """A GPT that takes turns with a user."""

    noun = "chat model"
    plural = "chat models"
    usual_recipe = "assistant-sft"
    takes = _WHOLE

    @property
    def does(self) -> str:
        return "answers in conversations"

    def kind(self) -> ConversationKind:
        return ConversationKind(self.recipe.data)

    def audit(self, corpus: Corpus[ConversationSource]) -> Audit:
        """With what cannot be learnt from."""
        from seq2seq.data.audit import audit
        from seq2seq.data.audit_conversations import ConversationTally

        return audit(corpus, self.kind(), ConversationTally)

    def training(
        self, corpus: Corpus[ConversationSource], tokenizers: Tokenizers, run: Run, say: Say
    ) -> ConversationTraining:
        from seq2seq.tasks.conversation_training import training

        return training(self.recipe, corpus, tokenizers.target, say)

    def workload(self) -> ConversationWorkload:
        from seq2seq.tasks.conversation_training import ConversationWorkload

        return ConversationWorkload(self.recipe)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        gold = f", gold {figures['gold']:.3f}" if "gold" in figures else ""
        return f"dev loss {figures['negative_log_likelihood']:.4f} nats per token of an answer{gold}"

    def measure(self, run: Run, text: ConversationSource, device: Choice, processes: Processes) -> dict[str, Any]:
        """Beside the run's figures those of its start, a language model too."""
        from seq2seq.tasks.conversation_training import measure
        from seq2seq.tasks.models import trained_gpt

        conversations = usable(text.read())
        scores: dict[str, Any] = {}
        for name, own in (("", run), ("start", lineage.of(run))):
            if own.path.is_dir():
                gpt, tokenizers = trained_gpt(own, device.numerics.device)
                measured = measure(gpt, self.recipe, tokenizers.target, conversations, device.numerics)
                scores |= {name: measured} if name else measured
        return scores

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        too_long = f", {scores['too_long']:,} too long" if scores["too_long"] else ""
        yield f"{name}: {scores['conversations']:,} conversations{too_long}, {scores['tokens']:,} tokens of answers"
        for label, each in (("start", scores.get("start")), ("model", scores)):
            if each:
                yield f"  {label}  {each['nats_per_token']:.4f} nats per token{_gold(each)}"

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        from seq2seq.tasks import reporting

        yield from super().score_parts(scores)
        if "start" in scores:
            yield reporting.figures(self.figures(scores["start"]), "The start, on the same conversations")

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        gold = [Figure("gold", **scores["gold"])] if "gold" in scores else []
        return [*gold, Figure("nats per token", scores["nats_per_token"], less_is_better=True)]

    def convert(self, run: Run, dev: ConversationSource | None = None) -> Verified:
        import torch

        from seq2seq.interop.ctranslate2.convert import convert
        from seq2seq.interop.ctranslate2.verify import verify_generator
        from seq2seq.tasks import models
        from seq2seq.tasks.models import trained_gpt

        gpt, tokenizers = trained_gpt(run, torch.device("cpu"))
        texts = ("\n".join(self.kind().texts(record)) for record in (dev or self.read_test(run)).read())
        verify = partial(verify_generator, path=run.path, model=gpt, tokenizer=tokenizers.target, texts=texts)
        return convert(run, gpt, tokenizers, models.longest_source(self.recipe), verify)

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import of_assistant

        return of_assistant(run, numerics)

    def example(self, run: Run) -> str:
        asked = (record.turns[-2].content for record in usable(self.read_test(run).read()))
        return example("chat", (line for text in asked for line in text.split("\n")), run)


def _gold(scores: Mapping[str, Any]) -> str:
    if "gold" not in scores:
        return ""
    shown = [
        f"{label} {scores[key]['value']:.3f} ({scores[key]['low']:.3f}-{scores[key]['high']:.3f})"
        for key, label in (("gold", "gold"), ("gold_drawn", "at temperature 1"))
    ]
    return ", " + ", ".join(shown)
