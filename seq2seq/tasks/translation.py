"""Translation, trained on sentence pairs, by an encoder-decoder or a decoder-only model."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice, tee
from typing import TYPE_CHECKING, Any

from seq2seq.data import corpora
from seq2seq.data.bundled import phrasebook
from seq2seq.data.characters import visible
from seq2seq.data.corpus import Corpus, Given, SplitName
from seq2seq.data.direction import looks_swapped, third_languages
from seq2seq.data.lines import PLAIN, Reading
from seq2seq.data.noise import SourceNoise
from seq2seq.data.pairs import Pair, PairKind, PairSource
from seq2seq.data.prompts import Prompt, prompt_of
from seq2seq.data.rows import must_hold_text
from seq2seq.data.unchanged import digest
from seq2seq.decoding.translation.distributed import DistributedTranslator
from seq2seq.errors import DataError
from seq2seq.evaluation import judge as judging
from seq2seq.evaluation.compare import TranslationComparison, compare
from seq2seq.evaluation.judge import Sentence
from seq2seq.evaluation.metrics import metrics_of
from seq2seq.run import Run
from seq2seq.tasks.opening import EngineChoice
from seq2seq.tasks.task import Evaluated, Front, Say, Task, TestText, no_effect
from seq2seq.tasks.translation_opening import OpenedTranslator, open_translator

if TYPE_CHECKING:
    from seq2seq.data.findings import Audit
    from seq2seq.data.tokenizers import Tokenizers
    from seq2seq.device import Choice, Numerics
    from seq2seq.evaluation.parts import PageSection, Part
    from seq2seq.interop.ctranslate2.verify import Verified
    from seq2seq.tasks.attention import Attends
    from seq2seq.tasks.translation_training import TranslationTraining, TranslationWorkload

_LANGUAGE_SAMPLE, _LETTERS = 1000, 6_000  # pairs, and characters of their sources: fewer are not enough to judge by


class Translation(Task[PairSource]):
    """From the language `data.source` to `data.target`."""

    noun = "translator"
    plural = "translators"
    usual_recipe = "fr-en"
    evaluates_several = False
    files_option = "--source-file and --target-file"
    prompts_itself = True

    @classmethod
    def described(cls, run: Run) -> str:
        data = run.recipe().data
        return f"a translator ({data.source} to {data.target})"

    @property
    def does(self) -> str:
        """Translators of the same direction can be compared."""
        return f"translates {self.recipe.data.source} to {self.recipe.data.target}"

    def kind(self) -> PairKind:
        return PairKind(self.recipe.data)

    def find(self, given: Mapping[SplitName, Given], reading: Reading = PLAIN) -> Corpus[PairSource]:
        """Raises DataError also where sacreBLEU does not have the test set that the recipe names."""
        if self.recipe.data.sacrebleu_test is not None:
            judging.sacrebleu_pair(self.recipe.data.sacrebleu_test, self.recipe.data)
        if self.recipe.data.corpora and not any(given.values()):
            return corpora.find(self.recipe.data, reading).judged_on(self.recipe.data.judge_pairs)
        corpus, data = super().find(given, reading), self.recipe.data
        return replace(corpus, train=tuple(corpora.clean(text, data.cleaning, data) for text in corpus.train))

    def refused_files(self, given: Given) -> str:
        if len(given.data) > 1:
            return f"recipe {self.recipe.name} is for pairs: give one file of them with --data, not {len(given.data)}"
        return ""

    def audit(self, corpus: Corpus[PairSource]) -> Audit:
        """With verdicts."""
        from seq2seq.data.audit_pairs import audit_pairs

        return audit_pairs(corpus, self.kind())

    def remarks(self, corpus: Corpus[PairSource]) -> Iterator[str]:
        """Which of several corpora are left out; and a note where the sides of the user's pairs look swapped, or like
        another language, none where there is too little text to tell."""
        for reason in corpus.missing:
            yield f"NOTE: left out: {reason}"
        text, data = corpus.train[0], self.recipe.data
        pairs = list(islice(text.read(), _LANGUAGE_SAMPLE)) if corpus.found == "files" else []
        enough = sum(len(source) for source, _ in pairs) >= _LETTERS
        if not enough:
            return
        if looks_swapped(pairs, data.source, data.target):
            yield (
                f"NOTE: the source of {text.origin} looks like {data.target}, the target like {data.source}: if so, "
                "swap the files, or the columns (--columns), or reverse the recipe (--reverse)"
            )
        others = third_languages(pairs, data.source, data.target)
        for side, other, language in zip(("source", "target"), others, (data.source, data.target)):
            if other:
                yield (
                    f"NOTE: the {side} of {text.origin} looks like {other}, and the recipe says {language}: if so, "
                    f"give other files, or --set data.{side}={other}"
                )

    def first(self, corpus: Corpus[PairSource], tokenizers: Tokenizers, count: int) -> Corpus[PairSource]:
        """The first pairs that are not dropped for their lengths."""
        data = self.recipe.data

        def usable(pair: Pair) -> bool:
            lengths = [len(tokenizers.encode_source(pair[:1])[0]), len(tokenizers.target.encode(pair[1:])[0])]
            return min(lengths) > 0 and max(lengths) < min(data.max_length, data.max_ratio * min(lengths))

        pairs = list(islice(filter(usable, corpus.train[0].read()), count))
        some = PairSource(f"first {count} pairs", lambda: iter(pairs), lambda: digest(pairs))
        return replace(corpus, found="overfit", train=(some,), dev=some, test=some, shares=())

    def lines(self, corpus: Corpus[PairSource], sides: Collection[int]) -> Iterator[str]:
        """Sources as the model reads them, with the recipe's noise."""
        noise, seed = SourceNoise(self.recipe.data.noise), self.recipe.training.seed
        for pairs in corpus.train:
            read, again = tee(pairs.read())
            sources = (visible(source) for source, _ in read)
            for source, (_, target) in zip(noise.over(sources, seed) if noise else sources, again):
                for side in sides:
                    yield target if side else pairs.tagged(source)

    def prompts(self, source: PairSource) -> Iterator[Prompt]:
        """Sources as the model reads them, each with its target as the reference."""
        for text, target in source.read():
            yield prompt_of((source.tagged(text), target))

    def training(self, corpus: Corpus[PairSource], tokenizers: Tokenizers, run: Run, say: Say) -> TranslationTraining:
        from seq2seq.tasks.translation_training import training

        return training(self.recipe, corpus, tokenizers, run, say)

    def workload(self) -> TranslationWorkload:
        from seq2seq.tasks.translation_training import TranslationWorkload

        return TranslationWorkload(self.recipe)

    def validation_line(self, figures: Mapping[str, float]) -> str:
        kinds = [
            f"{name.removeprefix('bleu_')} {value:.1f}" for name, value in figures.items() if name.startswith("bleu_")
        ]
        return (
            f"dev loss {figures['loss']:.3f} ({figures['negative_log_likelihood']:.3f} unsmoothed), dev BLEU "
            f"{figures['bleu']:.1f} (greedy{'; ' if kinds else ''}{', '.join(kinds)})"
        )

    def write_test(self, run: Run, test: PairSource) -> None:
        judging.write_set(run, test)

    def judge(self, run: Run, device: Choice, say: Say) -> None:
        """With the run's default engine; on the recipe's sacreBLEU test set too, or `say` receives why not; and where
        the bundled phrasebook was trained on from French to English, on the set `typed`: inputs as people type them."""
        data = self.recipe.data
        opened = open_translator(run, EngineChoice(device=str(device.numerics.device)))
        sets = {"test": judging.read_set(run)}
        trained_on = [text["origin"] for text in run.record()["corpora"]["train"]]
        if any(origin.startswith("bundled phrasebook") for origin in trained_on):
            if (data.source, data.target) == ("fr", "en"):
                # First: the scores of the test set say that all is judged.
                typed = [Sentence(source, tuple(answers)) for source, answers in phrasebook.typed()]
                sets = {"typed": typed, **sets}
            else:
                say(f"The set `typed` is French: not used for a model that translates from {data.source}")
        if (name := data.sacrebleu_test) is not None:
            try:
                sets = {name: judging.read_sacrebleu(name, data), **sets}
            except DataError as error:
                say(f"NOTE: {error}; once it can: seqx evaluate --run {run.path} --sacrebleu {name}")
        for name, sentences in sets.items():
            judged = judging.judge(opened.translator, sentences, (opened.source, opened.target), name)
            judging.keep(run, judged, opened.options, opened.engine)

    def read_test(self, run: Run) -> PairSource:
        """With the first reference of each source."""
        pairs = [(sentence.source, sentence.references[0]) for sentence in judging.read_set(run)]
        return PairSource(str(run.path / "test.jsonl"), lambda: iter(pairs), lambda: digest(pairs))

    def scores(self, run: Run, of: Run, device: Choice) -> dict[str, Any]:
        decoding = self.recipe.decoding
        choice = EngineChoice(
            device=str(device.numerics.device), beam_size=decoding.beam_size, length_penalty=decoding.length_penalty
        )
        opened = open_translator(run, choice)
        judged = judging.judge(opened.translator, judging.read_set(of), (opened.source, opened.target))
        return {**judged.record, **judging.how(opened.options, opened.engine)}

    def score_lines(self, name: str, scores: Mapping[str, Any]) -> Iterator[str]:
        search = f"beam {scores['beam_size']}, alpha {scores['length_penalty']}, " if "beam_size" in scores else ""
        yield (
            f"{name}: {scores['sentences']:,} sentences, {search}{scores['seconds']:.1f} s; "
            f"{scores['right']:,} exact matches (case and punctuation ignored)"
        )
        for label, group in (("", "scores"), ("against all known references", "all_known_references")):
            if label and scores[group]:
                yield label
            for score in scores[group]:
                interval = f"95 %: {score['low']:.1f} to {score['high']:.1f}"
                yield f"  {score['name']:6}{score['value']:6.1f}   {interval:22} {score['signature']}"
        for row in scores.get("by_kind", ()):
            figures = ", ".join(
                f"{score['name']} {score['value']:.1f} ({score['low']:.1f}-{score['high']:.1f})"
                for score in row["scores"]
            )
            yield f"  {row['kind'] or '(no kind)':12} {row['sentences']:6,} sentences  {figures}"
        if "macro" in scores:
            means = ", ".join(f"{name} {value:.1f}" for name, value in scores["macro"].items())
            yield f"  mean over the kinds: {means}"
        by_length = ", ".join(
            f"{row['source']} {row['bleu']:.1f} ({row['sentences']:,})" for row in scores["by_length"]
        )
        yield f"BLEU by source length: {by_length}"

    def score_parts(self, scores: Mapping[str, Any]) -> Iterator[Part]:
        from seq2seq.tasks import reporting

        return reporting.translation(scores)

    def report_sections(self, run: Run) -> Iterator[PageSection]:
        from seq2seq.tasks import translation_report

        return translation_report.sections(run)

    def p_values(self, first: Run, second: Run) -> dict[str, float]:
        """The paired bootstrap of `seqx compare`, on the translations that judging left in the runs."""
        sentences = judging.read_set(first)
        one, other = (judging.read_translations(run) for run in (first, second))
        if judging.read_set(second) != sentences or not len(one) == len(other) == len(sentences):
            return {}
        metrics = metrics_of(self.recipe.data.source, self.recipe.data.target)
        compared = compare(sentences, one, other, metrics, most=0)
        return {difference.metric: difference.p_value for difference in compared.differences}

    def convert(self, run: Run, dev: PairSource | None = None) -> Verified:
        import torch

        from seq2seq.device import Numerics
        from seq2seq.interop.ctranslate2.convert import convert
        from seq2seq.interop.ctranslate2.verify import JUDGED, verify_translator
        from seq2seq.tasks import models

        pairs = dev.read() if dev else ((sentence.source, sentence.references[0]) for sentence in judging.read_set(run))
        sentences = list(islice(pairs, 2 * JUDGED))
        cpu = Numerics(torch.device("cpu"), None)
        model, tokenizers = models.trained_model(run, cpu.device)
        verify = partial(
            verify_translator,
            path=run.path,
            plain=models.architecture(self.recipe).engine(model, cpu),
            tokenizers=tokenizers,
            options=models.options(self.recipe),
            sentences=sentences,
        )
        return convert(run, model, tokenizers, models.longest_source(self.recipe), verify)

    def attention(self, run: Run, numerics: Numerics) -> Attends:
        from seq2seq.tasks.attention import TranslatorReader

        return TranslatorReader(run, numerics)

    def misused(self, command: str, given: Mapping[str, str], run: Run) -> str:
        if command != "evaluate":
            return ""
        translator = f"{run.path} is a translator: it takes --source-file and --target-file"
        if "input" in given:
            other = [given[name] for name in ("source_file", "sacrebleu") if name in given]
            return f"both --input and {other[0]} were given; give one" if other else ""
        files = () if "source_file" in given else ("encoding", "encoding_errors")
        return no_effect(given, ("columns",), translator) or no_effect(given, files, "no file is given")

    def evaluate(self, run: Run, text: TestText, choice: EngineChoice, front: Front) -> Iterator[Evaluated]:
        name, sentences, files = self._test_set(run, text)
        opened = self._opened(run, choice, front)
        options = opened.options
        front.say(
            f"{run.path} on {name}: {len(sentences):,} sentences, beam {options.beam_size}, alpha "
            f"{options.length_penalty}, by {opened.engine}"
        )
        with front.together() as processes:
            alone = processes.size == 1
            shared = opened.translator if alone else DistributedTranslator(opened.translator, processes)
            with front.watched(shared, len(sentences)) as translator:
                if processes.rank:
                    for _ in translator.stream([sentence.source for sentence in sentences]):
                        pass
                    return
                judged = judging.judge(translator, sentences, (opened.source, opened.target), name)
        how = {**judging.how(options, opened.engine), "sentence_splitting": choice.sentences}
        yield Evaluated(judged.record, lambda: judging.checksum(sentences), how, files, judged.translations)

    def compare(
        self, runs: Sequence[Run], text: TestText, device: str, most: int, front: Front
    ) -> TranslationComparison:
        _, sentences, _ = self._test_set(runs[0], text)
        lines = [sentence.source for sentence in sentences]
        translations = []
        for run in runs:
            opened = self._opened(run, EngineChoice(device=device), front)
            front.say(f"Translating {len(lines):,} sentences with {run.path}, by {opened.engine}")
            with front.watched(opened.translator, len(lines)) as translator:
                translations.append([translation.text for translation in translator.stream(lines)])
        one, other = translations
        data = self.recipe.data
        return compare(sentences, one, other, metrics_of(data.source, data.target), most=most)

    def _test_set(self, run: Run, text: TestText) -> tuple[str, Sequence[Sentence], Sequence[Any]]:
        """The name, sentences and files of a test set."""
        if text.source_file:
            sentences = judging.read_files(text.source_file, text.references, text.reading)
            return text.source_file.stem, sentences, [text.source_file, *text.references]
        if text.files:
            if len(text.files) > 1:
                raise DataError(f"{text.files[0]} and {text.files[1]}: a translator is evaluated on one file at a time")
            must_hold_text(text.files[0])
            return text.files[0].stem, judging.read_rows(text.files[0]), text.files
        if text.sacrebleu:
            return text.sacrebleu, judging.read_sacrebleu(text.sacrebleu, self.recipe.data), []
        return "test", judging.read_set(run), []

    def _opened(self, run: Run, choice: EngineChoice, front: Front) -> OpenedTranslator:
        opened = open_translator(run, choice)
        if opened.missing:
            front.say(f"NOTE: {opened.missing}")
        return opened
