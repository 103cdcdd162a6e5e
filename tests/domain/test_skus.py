"""One SKU in several spellings."""

from __future__ import annotations

import pytest

from domain.skus import BySku, sku_key


@pytest.mark.parametrize("spelled", ["cup-1 blue", "CUP-1  BLUE", " Cup-1\tBlue "])
def test_case_and_spaces_do_not_make_another_sku(spelled: str) -> None:
    """A value is found in any spelling, where no other SKU could be meant."""
    assert sku_key(spelled) == sku_key("Cup-1 Blue")
    assert BySku({"Cup-1 Blue": 7}).get(spelled) == 7
    assert BySku({"Cup-1Blue": 7}).get(spelled) is None


def test_the_exact_spelling_wins_and_two_others_mean_neither() -> None:
    """Two SKUs of a store that differ in case only stay two."""
    values = BySku({"cup": 1, "CUP": 2})
    assert (values.get("cup"), values.get("CUP"), values.get("Cup")) == (1, 2, None)
