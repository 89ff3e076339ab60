"""Imports all that training by the command imports, and reads its options: for processes that are forked from this."""

import gc
from importlib import import_module

for _name in (
    *("cli.added", "cli.checks", "cli.longer", "cli.main", "cli.screen"),
    *("seq2seq.interop.ctranslate2.convert", "seq2seq.interop.ctranslate2.verify"),
    *("seq2seq.lifecycle.ancestors", "seq2seq.measure.devices"),
    *("seq2seq.report.attended", "seq2seq.report.of_run"),
    *("seq2seq.tasks.attention", "seq2seq.tasks.language_model_training", "seq2seq.tasks.preparation"),
    *("seq2seq.tasks.reporting", "seq2seq.tasks.reward_run"),
    *("seq2seq.tasks.translation_report", "seq2seq.tasks.translation_training"),
    *("seq2seq.training.extension", "seq2seq.training.provenance"),
    *("sacrebleu", "tests.support.command", "torch._dynamo"),
):
    import_module(_name)
gc.freeze()  # processes look for cycles in their own objects, without copying the pages of these
