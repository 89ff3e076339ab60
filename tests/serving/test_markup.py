"""HTML around translations: every tag stays, once and where it belongs, whatever the translation."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as some

from seq2seq.decoding.alignment import Link, words
from seq2seq.serving.markup import Markup

WORDS = some.lists(some.sampled_from(["un", "chat,", "l'eau", "(rouge)", "été.", "&", "<", "«", "猫"]), max_size=4)
TEXT = some.tuples(some.sampled_from(["", " "]), WORDS, some.sampled_from(["", " "])).map(
    lambda parts: (parts[0] + " ".join(parts[1]) + parts[2]).replace("&", "&amp;").replace("<", "&lt;")
)
KEPT = some.sampled_from(
    [
        "<br>",
        "<img src=x>",
        "<code>ls <b>-l</b></code>",
        '<i translate="no">non</i>',
        "<a href=y>@un</a>",
        "<!-- un -->",
    ]
)


def html_of(texts: some.SearchStrategy[str]) -> some.SearchStrategy[str]:
    """HTML of blocks, with elements in one another around texts, and between them what is kept."""
    inline = some.recursive(
        some.lists(texts | KEPT, max_size=4).map("".join),
        lambda inside: some.tuples(
            some.sampled_from(["b", "em", "a href='z'", "span"]), some.lists(inside, max_size=3)
        ).map(lambda parts: f"<{parts[0]}>{''.join(parts[1])}</{parts[0].split()[0]}>"),
        max_leaves=12,
    )
    block = some.lists(inline, min_size=1, max_size=4).map(lambda parts: f"<p>{''.join(parts)}</p>\n<hr>")
    return some.lists(block | some.just("<script>if (a < b && c) non()</script>"), max_size=3).map("".join)


def tags(html: str) -> list[str]:
    return re.findall(r"<!--.*?-->|</?\w[^>]*>", html)


def blocks(html: str) -> list[str]:
    return [tag for tag in tags(html) if re.match(r"</?(p|hr|script)", tag)]


def without_tags(html: str) -> str:
    """The words of HTML, but for what is kept."""
    kept = r"<!--.*?-->|<script>.*?</script>|<code>.*?</code>|<i translate.*?</i>|<a href=y>.*?</a>"
    bare = re.sub(kept, "", html).replace("<br>", " ")
    return "".join(unescape(re.sub(r"</?\w[^>]*>", "", bare)).split())


def assert_balanced(html: str) -> None:
    opened: list[str] = []
    for tag in tags(html):
        name = re.sub(r"\W*(\w*).*", r"\1", tag)
        if tag.startswith("</"):
            assert opened and opened.pop() == name, html
        elif not tag.startswith("<!") and name not in ("br", "img", "hr"):
            opened.append(name)
    assert not opened, html


@some.composite
def translated(draw: some.DrawFn) -> tuple[str, Markup, list[str], list[list[Link]]]:
    """HTML, its texts, any translations of these, and any links with them, or none."""
    html = draw(html_of(TEXT))
    markup = Markup(html)
    texts, links = [], []
    for text in markup.texts:
        texts.append(
            " ".join(draw(some.lists(some.sampled_from(["one", "cat.", "red", "(x)", "<", "。"]), max_size=6)))
        )
        sizes = len(words(text)), len(words(texts[-1]))
        pairs = some.tuples(*(some.integers(0, max(0, size - 1)) for size in sizes))
        links.append(draw(some.lists(pairs, max_size=8)) if all(sizes) else [])
    return html, markup, texts, links


@given(translated())
def test_tags_stay_and_words_are_those_of_the_translations(
    case: tuple[str, Markup, list[str], list[list[Link]]],
) -> None:
    html, markup, texts, links = case
    done = markup.translated(texts, links)
    assert Counter(tags(done)) == Counter(tags(html))
    assert blocks(done) == blocks(html)
    assert_balanced(done)
    assert without_tags(done) == "".join("".join(texts).split())
    for kept in ("<code>ls <b>-l</b></code>", '<i translate="no">non</i>', "<a href=y>@un</a>"):
        assert done.count(kept) == html.count(kept)


@given(html_of(TEXT.map(" {} ".format)))
def test_texts_that_are_their_own_translation_leave_html_as_it_is(html: str) -> None:
    markup = Markup(html)
    assert "".join(markup.translated(markup.texts).split()) == "".join(html.split())


@given(TEXT)
def test_text_without_tags_is_one_text(text: str) -> None:
    markup = Markup(f"<p>{text}</p>")
    assert markup.texts == [" ".join(unescape(text).split())] * bool(text.strip())


@pytest.mark.parametrize(
    ("html", "translation", "links", "wanted"),
    [
        (
            "Le <b>chat noir</b> voit (<a href=u>l'eau</a>) et <code>x</code> ici.",
            "The black cat sees (water) and here.",
            [(0, 0), (1, 2), (2, 1), (3, 3), (4, 4), (5, 5), (6, 6)],
            "The <b>black cat</b> sees (<a href=u>water</a>) and <code>x</code> here.",
        ),
        ("un <a>lien</a>", "link", [(0, 0), (1, 0)], "<a>link</a>"),
        # A part that is not together in the translation is where most of it is.
        (
            "<a>la page d'accueil</a> du site",
            "the site's home page",
            [(0, 0), (1, 3), (2, 2), (4, 1)],
            "the site's <a>home page</a>",
        ),
        ("Voici <a>le lien</a>.", "Here is the link.", [(0, 0), (0, 1), (1, 2), (2, 3)], "Here is <a>the link</a>."),
        ("Tapez <b><code>ls</code></b>.", "Type.", [(0, 0)], "Type <b><code>ls</code></b>."),
        ("<code>ls</code> liste <i>tout</i>", "lists all", [(0, 0), (1, 1)], "<code>ls</code> lists <i>all</i>"),
        ("Un<br>deux", "One two", [(0, 0), (1, 1)], "One<br>two"),
        ("<b>A <i>b</b> c</i>", "a", [], None),
    ],
)
def test_tags_are_at_the_words_that_theirs_became(
    html: str, translation: str, links: list[Link], wanted: str | None
) -> None:
    markup = Markup(html)
    if wanted is None:  # not balanced: each text by itself
        assert markup.texts == ["A", "b", "c"]
    else:
        assert markup.translated([translation], [links]) == wanted


def test_what_is_between_blocks_is_kept() -> None:
    html = (
        "<!DOCTYPE html><P CLASS=x>un <b>chat</b><br>deux &amp; trois<!-- non --></p><img alt='a'>"
        "<script>if (a && b < c) non()</script><p translate=no>non <i>non</i></p> fin <code>non</code><br><br>la"
    )
    markup = Markup(html)
    assert markup.texts == ["un chat deux & trois", "fin", "la"]
    assert [passage.divided for passage in markup.passages] == [True, False, False]
    assert markup.translated(markup.texts) == html
    assert "&lt;" in markup.translated(["one <", "", ""])
