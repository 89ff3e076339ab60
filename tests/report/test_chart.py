"""Charts, numbers and marked words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.evaluation.parts import Chart, ChartLine
from seq2seq.report.chart import HEIGHT, WIDTH, drawn
from seq2seq.report.logs import spread, thinned
from seq2seq.report.numbers import aligned, shown, tick
from seq2seq.report.words import differences

FIGURES = st.floats(-1e12, 1e12).map(lambda value: value if abs(value) > 1e-12 else 0.0)
POINTS = st.lists(st.tuples(st.integers(0, 10**9).map(float), FIGURES), min_size=1, max_size=30)


@given(points=POINTS, marked=st.booleans())
def test_every_point_is_within_the_picture_in_the_order_of_its_value(
    points: list[tuple[float, float]], marked: bool
) -> None:
    svg = drawn(Chart("Loss", "step", "nats", [ChartLine("training", points, marked)]))
    (line,) = svg["lines"]
    places = [tuple(map(float, pair.split(","))) for pair in line["path"].split()]
    assert len(places) == len(points)
    for x, y in (*places, *((float(each["at"]), HEIGHT / 2) for each in svg["x_ticks"])):
        assert 0 <= x <= WIDTH and 0 <= y <= HEIGHT
    highest, lowest = max(points, key=lambda each: each[1]), min(points, key=lambda each: each[1])
    assert places[points.index(highest)][1] <= places[points.index(lowest)][1]
    assert len(line["marks"]) == (len(points) if marked or len(points) == 1 else 0)
    assert 1 <= len(svg["y_ticks"]) <= 20 and str(len(points)) in svg["said"]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=10))
def test_a_diagonal_leads_from_corner_to_corner(points: list[tuple[float, float]]) -> None:
    svg = drawn(Chart("Calibration", "probability", "share", [ChartLine("model", points)], diagonal=True))
    assert [tick["said"] for tick in svg["x_ticks"]] == [tick["said"] for tick in svg["y_ticks"]]
    assert svg["x_ticks"][0]["said"] == "0" and svg["x_ticks"][-1]["said"] == "1"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_shown_to_four_digits_or_more(value: float) -> None:
    read = float(shown(value).replace(",", ""))
    assert read == pytest.approx(value, rel=6e-3, abs=1e-300)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (12345, "12,345"), (55.26, "55.3"), (2.14841, "2.148"), (0.36370, "0.3637"), (3e-5, "3.00e-05"),
     (None, ""), (True, "yes"), ("text", "text"), (math.inf, "inf")],
)  # fmt: skip
def test_numbers_are_shown_for_people(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_a_column_has_one_number_of_decimals_where_its_figures_are_of_one_size() -> None:
    assert aligned([55.26, 9.784, (8.91, 10.0)]) == ["55.3", "9.8", "8.9–10.0"]
    assert aligned([0.3637, 120.0]) == ["0.3637", "120"]
    assert aligned([("a")]) == ["a"] and aligned([(None, None)]) == [""]


def test_marks_of_an_axis_are_short() -> None:
    assert list(map(tick, (0.0, 0.0002, 2e-5, 1500.0, 3e7))) == ["0", "0.0002", "2e-5", "1,500", "3e7"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_marked_words_are_the_texts(one: str, other: str) -> None:
    found = differences(one, other)
    assert ["".join(piece.text for piece in each) for each in found] == [one, other]
    assert not any(piece.differs for each in differences(one, one) for piece in each)


@pytest.mark.parametrize(
    ("reference", "output", "missed", "other"),
    [
        ("The cat is red.", "the dog is red.", ["cat"], ["dog"]),
        ("one two three", "one three", ["two"], []),
        ("猫在那里", "狗在那里", ["猫"], ["狗"]),
        ("", "all new", [], ["all", "new"]),
    ],
)
def test_the_words_that_differ_are_marked(reference: str, output: str, missed: list[str], other: list[str]) -> None:
    found = [[piece.text for piece in each if piece.differs] for each in differences(reference, output)]
    assert [" ".join(each).split() for each in found] == [missed, other]


@given(POINTS, st.integers(2, 10))
def test_thinned_curves_keep_the_mean_and_the_last_step(points: list[tuple[float, float]], most: int) -> None:
    few = thinned(points, most)
    assert len(few) <= most and few[-1][0] == points[-1][0]
    assert min(y for _, y in points) - 1 <= min(y for _, y in few)
    some = spread(points, most)
    assert len(some) == min(len(points), most) and some[0] == points[0] and some[-1] == points[-1]
