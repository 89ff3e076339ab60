"""The section of a recipe that says which pairs of a corpus are dropped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from seq2seq.errors import RecipeError, near
from seq2seq.recipe.section import Section
from seq2seq.storage.reading import parse_toml


def _number(value: Any) -> Any:
    if value is True:
        raise ValueError("write a number here, or false for off")
    return 0 if value is False else value


_Off = BeforeValidator(_number)
Limit = Annotated[int, _Off, Field(ge=0, le=10**9)]
ShareOrOff = Annotated[float, _Off, Field(ge=0, lt=1)]


class Cleaning(Section):
    """What is mended, then the filters in their order: a pair counts for the first one that takes it. A filter is off
    where its value is 0 or false."""

    mend: bool = Field(True, description="mend damaged encodings where that is certain: Ã©tÃ© becomes été")
    blank: bool = Field(True, description="a side without a visible character")
    damaged: bool = Field(True, description="characters of lost text: U+FFFD, control characters")
    min_characters: Limit = Field(0, description="least characters of a side")
    min_words: Limit = Field(0, description="least words of a side, separated by blanks")
    max_characters: Limit = Field(3000, description="most characters of a side")
    max_words: Limit = Field(500, description="most words of a side, separated by blanks")
    max_ratio: Annotated[float, _Off, Field(ge=0)] = Field(
        2.5, description="most that a side is longer than the other: the ratio of the lengths in characters + 10"
    )
    min_letters: ShareOrOff = Field(0.25, description="least share of letters among the visible characters of a side")
    max_other_script: ShareOrOff = Field(
        0.4, description="most letters in a script that the language is not written in"
    )
    identical: Limit = Field(30, description="both sides are the same text, from this number of characters on")
    max_repeats: Limit = Field(4, description="most times that a side repeats one to three words in succession")
    placeholders: bool = Field(True, description="placeholders, tags or addresses of one side that the other lacks")
    numbers: bool = Field(True, description="numbers of three or more digits of one side that the other lacks")
    language: ShareOrOff = Field(
        0.95, description="probability from which a side of 30 or more characters is in another language"
    )
    duplicates: bool = Field(True, description="the pair again")
    near_duplicates: bool = Field(True, description="the pair again but for case, punctuation, blanks and digits")
    max_per_side: Limit = Field(20, description="most pairs with the same source, or with the same target")


Cleaned = Annotated[Cleaning | Literal[False] | None, BeforeValidator(lambda value: {} if value is True else value)]


def changed_cleaning(changes: Iterable[str], cleaning: Cleaning | None = None) -> Cleaning:
    """The filters of a recipe, or the defaults, changed by `FILTER=VALUE`. Raises RecipeError."""
    values = (cleaning or Cleaning()).model_dump()
    for text in changes:
        name, separator, value = (part.strip() for part in text.partition("="))
        if not separator:
            raise RecipeError(f"--set {text}: write it as FILTER=VALUE, for example language=false")
        if name not in values:
            raise RecipeError(
                f"--set {text}: no filter is called {name}{near(name, values)}; there are: {', '.join(values)}"
            )
        try:
            values[name] = parse_toml(f"value = {value}")["value"]
            Cleaning.model_validate(values)
        except ValueError as error:
            message = error.errors()[0]["msg"] if isinstance(error, ValidationError) else "not a value"
            raise RecipeError(f"--set {text}: {message.removeprefix('Value error, ')}") from error
    return Cleaning.model_validate(values)
