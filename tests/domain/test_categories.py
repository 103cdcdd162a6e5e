"""Categories are found by their names, and by those above them where several have one name."""

from __future__ import annotations

import pytest

from domain.categories import Categories, Category, are_same, joined, split
from domain.errors import RecordRejected

SHOP = Categories(
    {
        "1": Category("Kitchen"),
        "2": Category("Mugs", "1"),
        "3": Category("Sale"),
        "4": Category("Mugs", "3"),
        "5": Category("Mugs"),
        "6": Category("Jars", "1", "jars-key"),
        "7": Category("Round", "7"),  # in itself, by a fault of the store
        "8": Category("Lost", "99"),
    }
)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("kitchen", "1"),
        ("Kitchen > Mugs", "2"),
        (" sale  >MUGS ", "4"),
        ("Mugs", "5"),  # the one that has no other name
        ("> Mugs", "5"),
        ("Jars", "6"),
        ("jars-key", "6"),
        ("Round", "7"),
        ("Lost", "8"),
        ("3", "3"),
    ],
)
def test_a_category_is_found_by_its_name(name: str, found: str) -> None:
    """Alone, by all of its path, by its key or its id."""
    assert SHOP.ids([name]) == [found]


def test_what_is_not_clear_is_named() -> None:
    """Each name by itself."""
    shop = Categories({"1": Category("A"), "2": Category("X", "1"), "3": Category("X", "4"),
                       "4": Category("B")})  # fmt: skip
    with pytest.raises(RecordRejected) as raised:
        shop.ids(["X", "B", "> X", "Y"])
    assert [one.value for one in raised.value.problems] == ["X", "> X", "Y"]
    assert "A > X; B > X" in raised.value.problems[0].message


def test_a_product_that_is_in_one_of_the_name_is_where_it_should_be() -> None:
    """So what was exported by the name alone moves nothing; a whole name does."""
    for one in ("2", "4", "5"):
        assert SHOP.names([one], ["mugs"]) == ("mugs",)
    assert SHOP.names(["2", "9"], ["> Mugs"]) == ("Kitchen > Mugs", "9")
    assert not are_same(SHOP.names(["2"], ["> Mugs"]), ["> Mugs"])


def test_names_are_kept_in_a_cell_only_if_they_can_be_read_again() -> None:
    """A name with a separator in it, or two of the same name, can't."""
    assert split(joined(["Kitchen > Mugs", "Sale"])) == ("Kitchen > Mugs", "Sale")
    assert split(" a; b\r\n;c ") == ("a", "b", "c")
    assert joined(["A;B"]) == joined(["Mugs", "mugs"]) == joined([]) == ""
    assert are_same(["b ", "A"], ["a", "B"])
    assert not are_same(["A"], ["A", "A"])
