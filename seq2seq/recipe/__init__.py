"""What to do: a recipe is a frozen, validated value. How files of it are read and changed: `files`. No torch here."""

from seq2seq.recipe.cleaning import Cleaning, changed_cleaning
from seq2seq.recipe.optimizers import Adam, AdamW, Muon, Optimizer
from seq2seq.recipe.recipe import SECTIONS, Recipe, validated
from seq2seq.recipe.section import Section
from seq2seq.recipe.sections import Data, Decoding, Hub, Model, NamedCorpus, Noise, Start, Tokenizer, Training
from seq2seq.recipe.tasks import TaskName

__all__ = [
    "SECTIONS",
    "Adam",
    "AdamW",
    "Cleaning",
    "Data",
    "Decoding",
    "Hub",
    "Model",
    "Muon",
    "NamedCorpus",
    "Noise",
    "Optimizer",
    "Recipe",
    "Section",
    "Start",
    "TaskName",
    "Tokenizer",
    "Training",
    "changed_cleaning",
    "validated",
]
