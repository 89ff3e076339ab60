"""Classification: texts with labels, told apart by an encoder."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from seq2seq.data.characters import visible
from seq2seq.data.corpus import Corpus
from seq2seq.data.labelled import LabelledKind, LabelledSource, LabelledTally, classes_of, unknown_label
from seq2seq.errors import DataError
from seq2seq.run import Run
from seq2seq.tasks.classification_opening import open_classifier
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.task import Evaluated, Figure, Front, Say, Task, TestText

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from seq2seq.data.findings import Audit
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.decoding.classification.classify import TextClassifier
    from seq2seq.decoding.translation.distributed import Processes
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.model.classifier import EncoderClassifier
    from seq2seq.recipe import Recipe
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.classification_training import ClassificationTraining, ClassificationWorkload

_CLASSES_SHOWN, _MATRIX_SHOWN, _WRONG_SHOWN = 20, 10, 3


class Classification(Task[LabelledSource]):
    """An encoder with a class head."""

    noun = "classifier"
    plural = "classifiers"
    usual_recipe = "sentiment"
    predicted = "text"
    takes = ("encoder",)

    _classes: tuple[str, ...] = ()  # of the corpus, once they are known

    @classmethod
    def described(cls, run: Run) -> str:
        return f"a classifier ({_listed(run.record().get('classes', ()))})"

    def kind(self) -> LabelledKind:
        return LabelledKind(self.recipe.data)

    def audit(self, corpus: Corpus[LabelledSource]) -> Audit:
        """With classes."""
        from seq2seq.data.audit import audit

        return audit(corpus, self.kind(), LabelledTally)

    def first(self, corpus: Corpus[LabelledSource], tokenizers: Tokenizers, count: int) -> Corpus[LabelledSource]:
        """The first texts, with the classes of all."""
        from seq2seq.tasks.classification_training import first_records

        self._classes = self._classes_of(corpus)
        few = first_records(corpus.train[0], count)
        return replace(corpus, found="overfit", train=(few,), dev=few, test=few)

    def lines(self, corpus: Corpus[LabelledSource], sides: Collection[int]) -> Iterator[str]:
        """The texts, without labels."""
        for source in corpus.train:
            for record in source.read():
                yield from map(visible, record.texts)

    def training(
        self, corpus: Corpus[LabelledSource], tokenizers: Tokenizers, run: Run, say: Say
    ) -> ClassificationTraining:
        from seq2seq.tasks.classification_training import training

        self._classes = self._classes or self._classes_of(corpus)
        return training(self.recipe, self._classes, corpus, tokenizers, run, say)

    def from_start(self, former: Recipe, weights: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """A GPT's layers are the encoder."""
        if former.task == self.recipe.task or former.model.architecture != "decoder-only":
            return weights
        return {f"encoder.{name}": weight for name, weight in weights.items()}

    def model(self, tokenizers: Tokenizers) -> EncoderClassifier:
        """The model, its weights drawn from torch's generator, with the classes of the text that `training` was given.
        Raises RecipeError where this machine cannot hold it."""
        from seq2seq.tasks.classification_opening import classifier

        assert self._classes, "the classes are known once the text is"
        return classifier(self.recipe, tokenizers.source.size, len(self._classes))

    def model_of(self, run: Run, tokenizers: Tokenizers) -> EncoderClassifier:
        """With the classes that its record has."""
        from seq2seq.tasks import classification_opening

        self._classes = classification_opening.classes_of(run)
        return self.model(tokenizers)

    def trained(self, run: Run, device: torch.device) -> EncoderClassifier:
        from seq2seq.tasks.classification_opening import trained_classifier

        return trained_classifier(run, device)[0]

    def workload(self) -> ClassificationWorkload:
        from seq2seq.tasks.classification_training import ClassificationWorkload

        return ClassificationWorkload(self.recipe)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        return (
            f"dev accuracy {figures['accuracy']:.1%}, macro-F1 {figures['macro_f1']:.1%}, loss {figures['loss']:.3f} "
            f"({figures['negative_log_likelihood']:.3f} unsmoothed)"
        )

    def measure(self, run: Run, text: LabelledSource, device: Choice, processes: Processes) -> dict[str, Any]:
        """By the engine that serves. Raises DataError where a label is not one of the run's classes, or no text has
        one."""
        opened = open_classifier(run, EngineChoice(device=str(device.numerics.device)))
        return {**self._measured(opened.classifier, text, processes), "engine": opened.engine}

    def _measured(self, classifier: TextClassifier, text: LabelledSource, processes: Processes) -> dict[str, Any]:
        from seq2seq.evaluation.classification import judge
        from seq2seq.tasks.classification_training import is_usable

        number_of = {name: number for number, name in enumerate(classifier.classes)}
        texts, labels, left_out = [], [], 0
        for number, record in text.numbered():
            if not is_usable(record):
                left_out += 1
                continue
            if record.label not in number_of:
                place = f"{text.origin}, text {number:,}"
                raise unknown_label(
                    record.label,
                    classifier.classes,
                    place,
                    "name the columns with --columns, or the classes as the model does",
                )
            texts.append(record.texts)
            labels.append(number_of[record.label])
        if not texts:
            raise DataError(f"{text.origin}: no text with a label; nothing to evaluate")
        start = time.perf_counter()
        # Each process computes its part; all have the same figures.
        parts = np.array_split(np.arange(len(texts)), processes.size)
        own = classifier.probabilities([texts[number] for number in parts[processes.rank]])[0]
        probabilities = np.concatenate(processes.all_gather(own))
        figures = judge(texts, np.array(labels), probabilities, classifier.classes)
        return {**figures, "left_out": left_out, "seconds": round(time.perf_counter() - start, 2)}

    def figures(self, scores: Mapping[str, Any]) -> list[Figure]:
        names = {"accuracy": "accuracy", "macro_f1": "macro-F1"}
        return [Figure(name, **scores[key]) for key, name in names.items() if scores[key]]

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        from seq2seq.tasks import reporting

        yield from super().score_parts(scores)
        for parts in (reporting.classes, reporting.calibration, reporting.most_wrong):
            yield from parts(scores)

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        left_out = f"; {scores['left_out']:,} without text or label left out" if scores["left_out"] else ""
        yield f"{name}: {scores['texts']:,} texts, {scores['seconds']:.1f} s{left_out}"
        for label, key in (("accuracy", "accuracy"), ("macro-F1", "macro_f1")):
            figure = scores[key]
            more = f" (always the most frequent class: {scores['most_frequent_class']:.1%})"
            yield (
                f"  {label}  {figure['value']:6.1%}   95 %: {figure['low']:.1%} to {figure['high']:.1%}"
                f"{more if key == 'accuracy' else ''}"
            )
        calibration = scores["calibration"]
        yield (
            f"  calibration error {calibration['error']:.1%}: probabilities are {calibration['confidence']:.1%} on "
            f"average; {scores['negative_log_likelihood']:.3f} nats per text"
        )
        rows = scores["by_class"]
        width = min(30, max(len(row["class"]) for row in rows))
        yield f"  {'class':{width}}    texts  precision  recall      F1"
        for row in sorted(rows, key=lambda row: -row["texts"])[:_CLASSES_SHOWN]:
            yield (
                f"  {row['class'][:width]:{width}} {row['texts']:8,} {row['precision']:9.1%} {row['recall']:8.1%} "
                f"{row['f1']:7.1%}"
            )
        if len(rows) > _CLASSES_SHOWN:
            yield f"  and {len(rows) - _CLASSES_SHOWN} more classes: --json has all"
        yield from _matrix([row["class"] for row in rows], scores["confusion"], width)
        for row in scores["most_wrong"][:_WRONG_SHOWN]:
            yield (
                f"  most wrong: text {row['number']:,} is {row['label']}, given {row['given']} "
                f"({row['probability']:.0%}): {row['text'][:80]!r}"
            )

    def convert(self, run: Run, dev: LabelledSource | None = None) -> Verified:
        import torch

        from seq2seq.decoding.classification.torch import TorchEngine
        from seq2seq.device import Numerics
        from seq2seq.interop.ctranslate2.convert import convert
        from seq2seq.interop.ctranslate2.verify_classifier import CHECKED, verify_classifier
        from seq2seq.tasks.classification_opening import layout_of, trained_classifier

        if self.recipe.model.architecture != "encoder-only":
            self.keep_pytorch(run, "CTranslate2 gives no states of the layers of a GPT")
        cpu = Numerics(torch.device("cpu"), None)
        model, classes, tokenizers = trained_classifier(run, cpu.device)
        texts = [record.texts for record in islice((dev or self.read_test(run)).read(), CHECKED)]
        verify = partial(
            verify_classifier,
            path=run.path,
            plain=TorchEngine(model, cpu),
            classes=classes,
            tokenizers=tokenizers,
            rows=layout_of(self.recipe),
            texts=texts,
        )
        return convert(run, model, tokenizers, self.recipe.data.max_length, verify)

    def misused(self, command: str, given: Mapping[str, str], run: Run) -> str:
        """A classifier has engines to choose from."""
        chosen = ("engine", "precision") if command == "evaluate" else ()
        return super().misused(command, {name: each for name, each in given.items() if name not in chosen}, run)

    def evaluate(self, run: Run, text: TestText, choice: EngineChoice, front: Front) -> Iterator[Evaluated]:
        opened = open_classifier(run, choice)
        if opened.missing:
            front.say(f"NOTE: {opened.missing}")
        texts = [(file.name, self.kind().files([file], text.reading), [file]) for file in text.files]
        with front.together() as processes:
            for name, records, files in texts or [("test", self.read_test(run), [])]:
                front.say(f"{run.path} on {name}, by {opened.engine}")
                scores = {"set": name, **self._measured(opened.classifier, records, processes)}
                if not processes.rank:
                    yield Evaluated(scores, records.checksum, {"engine": opened.engine}, files)

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import of_classifier

        return of_classifier(run, numerics)

    def _classes_of(self, corpus: Corpus[LabelledSource]) -> tuple[str, ...]:
        return classes_of(self.kind(), (*corpus.train, corpus.dev, corpus.test))


def _matrix(classes: list[str], counts: list[list[int]], width: int) -> Iterator[str]:
    """The confusion matrix of few classes; of many, the pairs that are confused most often."""
    if len(classes) <= _MATRIX_SHOWN:
        cells = [max(7, min(12, len(name)) + 2) for name in classes]
        heading = "".join(f"{name[: cell - 2]:>{cell}}" for name, cell in zip(classes, cells))
        yield f"  {'given:':>{width}}{heading}"
        for name, row in zip(classes, counts):
            yield f"  {name[:width]:{width}}" + "".join(f"{count:{cell},}" for count, cell in zip(row, cells))
        return
    pairs = ((count, one, other) for one, row in enumerate(counts) for other, count in enumerate(row) if one != other)
    for count, one, other in islice(sorted(pairs, key=lambda pair: -pair[0]), 5):
        if count:
            yield f"  {count:,} texts of {classes[one]} were given {classes[other]}"


def _listed(classes: Collection[str]) -> str:
    shown = ", ".join(islice(classes, 4))
    return shown + (f" and {len(classes) - 4} more" if len(classes) > 4 else "")
