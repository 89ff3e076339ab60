"""A line as its sentences, by the rules of its script and language.

`sentencex` knows the ends of sentences and the abbreviations of many languages. Added here: titles, initials, ordinal
numbers and numbers of lists, after which it would cut; ends that need no blank after them; quotations and emoji, which
belong to the sentence that they end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise

import regex
import sentencex

from seq2seq.data.abbreviations import ARTICLES, BEFORE_NUMBERS, BEGINNERS, NEVER_LAST, POINTED_ORDINALS, SELDOM_LAST
from seq2seq.data.characters import ENDS, WIDE_ENDS, has_letters, may_hold_several
from seq2seq.data.languages import short_code

_PAIRS = {"“": "”", "„": "“”", "«": "»", "‹": "›", "(": ")", "[": "]", "「": "」", "『": "』", "（": "）", "【": "】"}
_PAIRS |= {"《": "》", "〈": "〉", "｢": "｣", "〔": "〕"}
_CLOSERS = frozenset("".join(_PAIRS.values()))
_QUOTES = frozenset('”’“‘」』｣»›"')
_END = f"[{regex.escape(ENDS)}]"
_CLOSING = r"[\"'”’»›)\]}」』｣）】》〉〕]"
_OPENING = r"[\"“„‟‘‚«‹(\[{「『｢（【《〈〔¿¡]"
_EMOJI = r"[\p{Extended_Pictographic}\U0001f1e6-\U0001f1ff]"

# Ends that sentencex does not see: what needs no blank after it; after an exclamation, a question, an ellipsis or a
# mark that closes, a capital; a Tibetan stroke. Each run of marks is read once, so that a long one costs no more.
_MORE = regex.compile(
    rf"(?<!{_END})(?:[{WIDE_ENDS}]{_END}*|{_END}+[{WIDE_ENDS}]{_END}*){_CLOSING}*+\s*+"
    rf"|(?<!{_END}|{_CLOSING})(?:[!?‽⁇⁈⁉‼…]|\.[.!?…]|{_END}{_CLOSING}){_END}*(?:{_END}|{_CLOSING})*+\s++"
    rf"(?=(?:{_OPENING}\s?){{0,3}}[\p{{Lu}}\p{{Lt}}])"
    r"|\b(?:etc|J\.-C|(?:\p{Lu}\.)+\p{Lu})\.\s++(?=\p{Lu})"
    r"|།[།\s]*+(?<=\s)"
)
_MORE_WITHOUT_CAPITALS = regex.compile(rf"{_MORE.pattern}|(?:(?<=\p{{L}}{{2}})\.|[!?])\s++(?=\p{{Ll}})")
_WORD_AT_END = regex.compile(r"(?:\p{L}{3}(?<!etc)\.|[!?])\s+$")
_WORD = regex.compile(r"\p{Lu}[\p{L}\p{M}]*+['’]?")
_TOKEN = regex.compile(r"(?:^|[\s'’\"“«(\[])([^\s'’\"“«(\[]*)\.\s*$")
_INITIAL = regex.compile(r"(?<![\p{Lu}\p{Ll}\p{M}\p{N}°])\p{Lu}\.[)”\"»]?\s*$")
_ORDINAL = regex.compile(r"(?<!\S)(?:\d{1,2}|[IVX]+)\.\s+$")
_NEW_WORD = regex.compile(r"\p{Lu}(?:\p{Ll}|['’]\p{L})[\p{Ll}'’-]*+(?:[\s,;:!?…]|\.(?:\s|$)|$)|[\p{Lu}]\s")
_LIST_NUMBER = regex.compile(r"\s*[(\[]?\d{1,3}[.)]\s*")
_EMOJI_RUN = regex.compile(rf"(?:{_EMOJI}(?:{_EMOJI}|[\ufe0f\u200d\U0001f3fb-\U0001f3ff])*+\s*+)++")
_MARK = regex.compile(f'[{regex.escape("".join(_PAIRS) + "".join(_CLOSERS))}"]')
_ENDED = regex.compile(rf"((?:{_END}|།)++)((?:\s?(?:{_CLOSING}|[“‘])|</\w+>)*+)\s*+(?:{_EMOJI}[\s\S]*)?$")
_FIRST = regex.compile(rf"(?:{_OPENING}|[\s'’])*+(\w)(?!\)\s)")
_NON_BLANK = regex.compile(r"\s*+([\s\S])")
_JOINED = regex.compile(r"[\p{M}\u200d]")
_OPEN_BEFORE = regex.compile(rf"{_OPENING}\s?$")
_SMALL_WORD = regex.compile(rf"(?:^|[\s'’\"“«(\[])\p{{Ll}}[\p{{Ll}}'’-]*\p{{Ll}}{_END}+{_CLOSING}*$")
_ANY_WORD = regex.compile(rf"(?:^|[\s'’\"“«(\[])[\p{{L}}\p{{M}}'’-]+{_END}+{_CLOSING}*$")
_BETWEEN_WORDS = regex.compile(rf"(?<![{regex.escape(ENDS)}\s])\s+(?=\p{{Ll}})")
_GREEK_QUESTION = regex.compile("[;\u037e]")
_BLANKS = regex.compile(r"\s*+")
_WHITE_SPACE = regex.compile(r"\s")
_SURROGATE = regex.compile("[\ud800-\udfff]")
_CLOSED = regex.compile(rf"(?:{_CLOSING}|{_END}|</\w+>)++")

_BLOCK = 2000  # characters that sentencex reads at a time: it takes time quadratic in the marks that open
_NEAR = 40  # characters around an end that decide on it


def sentences(text: str, language: str = "") -> list[str]:
    """The sentences of a text in a language (its code), each with the white space after it: joined, they are the text.

    A quotation within a sentence is part of it; one that is the whole text is split too.
    """
    if not may_hold_several(text):
        return [text]
    code = short_code(language)
    read = _SURROGATE.sub("\ufffd", text)
    if code == "el":
        read = _GREEK_QUESTION.sub("?", read)
    pieces = _without_bare([inner for piece in _split(read, code) for inner in _opened(piece, code)])
    bounds = [0, *accumulate(map(len, pieces))]
    return [text[start:end] for start, end in pairwise(bounds)]


def _split(text: str, language: str) -> list[str]:
    marks = _Marks.of(text)
    start, pieces = 0, []
    for candidate in _candidates(text, language):
        end = marks.settled(candidate)
        if start < end < len(text) and marks.ends(start, end, language):
            pieces.append(text[start:end])
            start = end
    return [*pieces, text[start:]]


def _opened(piece: str, language: str) -> list[str]:
    """The sentences of a piece that is nothing but a quotation or a remark in brackets; else the piece."""
    stripped = piece.strip()
    closed = stripped.rstrip(ENDS)
    if len(closed) < 2 or not (closed[0] == closed[-1] == '"' or closed[-1] in _PAIRS.get(closed[0], "")):
        return [piece]
    if closed[0] in closed[1:-1]:
        return [piece]
    first = piece.index(closed[0]) + 1
    last = first + len(closed) - 2
    inner = _split(piece[first:last], language)
    inner[0] = piece[:first] + inner[0]
    inner[-1] += piece[last:]
    return inner


def _without_bare(pieces: list[str]) -> list[str]:
    """Pieces without a letter go to their neighbours: the number of a list to the next, others to the one before."""
    joined: list[str] = []
    waiting = ""
    for piece in pieces:
        if has_letters(piece):
            joined.append(waiting + piece)
            waiting = ""
        elif waiting or not joined or _LIST_NUMBER.fullmatch(piece):
            waiting += piece
        else:
            joined[-1] += piece
    if waiting and joined:
        joined[-1] += waiting
    return joined or [waiting]


def _candidates(text: str, language: str) -> list[int]:
    """Where sentences after the first may begin."""
    places = {match.end() for match in (_MORE_WITHOUT_CAPITALS if _is_informal(text) else _MORE).finditer(text)}
    place = 0
    for block in _blocks(_WHITE_SPACE.sub(" ", text)):  # others than blanks make some of sentencex's rules panic
        for piece in _segmented(language, block):
            place += len(piece)
            places.add(place)
    return sorted(places)


def _is_informal(text: str) -> bool:
    """Whether a line begins with a small letter, as its other sentences may then do too."""
    return (first := _FIRST.match(text)) is not None and first[1].islower()


def _segmented(language: str, block: str) -> list[str]:
    try:
        return list(sentencex.segment(language, block))
    except BaseException as error:  # a panic in Rust is not an Exception
        if isinstance(error, KeyboardInterrupt | SystemExit):
            raise
        return [block]  # cut only by the rules of this module


def _blocks(text: str) -> Iterator[str]:
    """A text in blocks, cut before words that do not begin a sentence, where there are any."""
    start = 0
    while len(text) - start > _BLOCK:
        cut = _BETWEEN_WORDS.search(text, start + _BLOCK // 2, start + _BLOCK)
        end = cut.end() if cut else start + _BLOCK
        yield text[start:end]
        start = end
    yield text[start:]


@dataclass(frozen=True)
class _Marks:
    """A text with its quotations and brackets."""

    text: str
    opened: list[int]  # outermost marks that open, and are closed
    closed: list[int]  # where each is
    straight: list[int]  # straight quotation marks

    @classmethod
    def of(cls, text: str) -> _Marks:
        """Find the marks. One that is never closed, or never opened, does not count."""
        pairs: list[tuple[int, int]] = []
        waiting: list[int] = []
        expected: Counter[str] = Counter()
        straight = []
        for match in _MARK.finditer(text):
            mark, place = match[0], match.start()
            if mark == '"':
                straight.append(place)
            elif mark in _PAIRS and not expected[mark]:  # one that opens in one language closes in another
                waiting.append(place)
                expected.update(_PAIRS[mark])
            elif expected[mark]:
                opener = _popped(text, waiting, expected, mark)
                while pairs and pairs[-1][0] > opener:
                    pairs.pop()
                pairs.append((opener, place))
        return cls(text, [opener for opener, _ in pairs], [closer for _, closer in pairs], straight)

    def settled(self, place: int) -> int:
        """A place between sentences, moved past marks that close what is before it and before those that open what
        comes after; 0 where it is inside a quotation or brackets."""
        text = self.text
        place = self._after_blanks(place)
        while place < len(text):
            if closer := self._closer(place):
                if text[place:closer].strip(ENDS + " \u00a0\u202f"):
                    return 0
                place = closer + 1
            elif match := _CLOSED.match(text, place):
                if text[place - 1].isspace() and (text[place] != '"' or self._is_opening(place)):
                    return place
                place = match.end()
            elif match := _EMOJI_RUN.match(text, place):
                place = match.end()
            else:
                break
            place = self._after_blanks(place)
        while match := _OPEN_BEFORE.search(text, max(0, place - 8), place):
            opener = match.start()
            if self._closer(opener) == opener or (text[opener] == '"' and not self._is_opening(opener)):
                break
            place = opener
        return place

    def ends(self, start: int, end: int, language: str) -> bool:
        """Whether the sentence that begins at `start` ends where the white space before `end` does."""
        last = end
        while last > start + 1 and self.text[last - 2 : last].isspace():
            last -= 1
        before, after = self.text[max(start, last - _NEAR) : last], self.text[end : end + _NEAR]
        match = _ENDED.search(before)
        if match is None or _JOINED.match(after):
            return False
        marks, closed = match[1], match[2].rstrip()[-1:]
        if closed and after[0].isalpha() and not self._is_closed_sentence(start, closed, before, language):
            return False
        if marks[-1] in WIDE_ENDS or marks[-1] == "།":
            return True
        if _is_informal(after) and not (_is_informal(self.text) and _WORD_AT_END.search(before)):
            return False
        if not before[-1].isspace():
            return _begins_unspaced(before, after, marks[-1])
        return marks != "." or not _is_abbreviation(before, after, language)

    def _is_closed_sentence(self, start: int, closed: str, before: str, language: str) -> bool:
        """Whether an end before a mark that closes is that of the sentence, and not of a part of it: a remark in
        brackets that began with the sentence, a quotation that did not, where no blank follows."""
        opener = _NON_BLANK.match(self.text, start)
        begun = opener is not None and (closed in _PAIRS.get(opener[1], "") or closed == opener[1] == '"')
        if closed not in _QUOTES:
            return begun
        return before[-1].isspace() or not (begun or language == "ja")

    def _closer(self, place: int) -> int:
        """Where the quotation or the brackets around a place are closed; 0 where there are none."""
        number = bisect_left(self.opened, place) - 1
        return self.closed[number] if number >= 0 and self.closed[number] >= place else 0

    def _after_blanks(self, place: int) -> int:
        return _BLANKS.match(self.text, place).end()  # type: ignore[no-any-return]

    def _is_opening(self, place: int) -> bool:
        return bisect_left(self.straight, place) % 2 == 0


def _popped(text: str, waiting: list[int], expected: Counter[str], mark: str) -> int:
    """Remove the mark that `mark` closes, and those after it, from the waiting ones; returns its place."""
    while True:
        opener = waiting.pop()
        expected.subtract(_PAIRS[text[opener]])
        if mark in _PAIRS[text[opener]]:
            return opener


def _begins_unspaced(before: str, after: str, mark: str) -> bool:
    """Whether a sentence begins after another without a blank; False in file names, addresses and abbreviations."""
    if mark == ".":
        return bool(_SMALL_WORD.search(before) and _NEW_WORD.match(after))
    return bool(
        _ANY_WORD.search(before) and (_NEW_WORD.match(after) or (after[0].isalpha() and not after[0].isupper()))
    )


def _is_abbreviation(before: str, after: str, language: str) -> bool:
    """Whether a point is of an abbreviation, an initial or an ordinal number, and the sentence continues."""
    word = _WORD.match(after)
    next_word = word[0].casefold().replace("’", "'") if word else ""
    begins = next_word in BEGINNERS.get(language, ())
    if _INITIAL.search(before) or (language in POINTED_ORDINALS and _ORDINAL.search(before) and after[0].isalpha()):
        return not begins
    token = _TOKEN.search(before)
    last = token[1] if token else ""
    if last in NEVER_LAST[""] or last in NEVER_LAST.get(language, ()):
        return True
    if last in SELDOM_LAST.get(language, ()):
        return not (begins or next_word in ARTICLES)
    return after[0].isdigit() and last.casefold() in BEFORE_NUMBERS
