"""A text that is longer than an OMS gets ends visibly, and is named."""

from __future__ import annotations

from domain.builders.cut_texts import CUT, cut, cut_in


def test_a_text_that_fits_is_as_it_was_and_a_longer_one_shows_that_more_is_missing() -> None:
    """Of the longest length, too, and with the mark in a text that fits."""
    assert cut("x" * 9, 10) == "x" * 9
    assert cut("x" * 10, 10) == "x" * 10
    assert cut("x" * 11, 10) == "x" * 9 + CUT
    assert cut(f"to be continued{CUT}", 20) == f"to be continued{CUT}"


def test_each_text_that_was_cut_is_named_once_with_its_place() -> None:
    """And nothing of what it says."""
    payload = {
        "remarks": cut("Leave it with the neighbour", 10),
        "short": f"so{CUT}",
        "items": [{"comment": "none", "count": 1}, {"comment": cut("Engrave: Anna", 10)}],
        "tags": ["a"],
    }
    found = cut_in(payload, 10, "Extensiv")
    assert [(problem.code, problem.field) for problem in found] == [
        ("text_cut", "remarks"),
        ("text_cut", "items[2].comment"),
    ]
    assert not [problem for problem in found if "neighbour" in str(problem)]
