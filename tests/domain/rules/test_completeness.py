"""A complete read that comes back much smaller is an error and no deletion."""

from __future__ import annotations

import pytest

from domain.errors import PermanentError
from domain.rules.completeness import refuse_shrinkage


@pytest.mark.parametrize(
    ("before", "after", "limit"),
    [
        (0, 0, 0.2),
        (0, 500, 0.2),
        (100, 100, 0.0),
        (100, 250, 0.2),
        (100, 80, 0.2),
        (1000, 801, 0.2),
        (3, 0, 0.2),
        (10, 0, 0.0),
        (1000, 0, 1.0),
    ],
)
def test_growth_and_small_losses_are_believed(before: int, after: int, limit: float) -> None:
    """A merchant deletes products; of a tiny catalog that may be many in per cent."""
    refuse_shrinkage("acme: the store's catalog", before, after, limit)


@pytest.mark.parametrize(
    ("before", "after", "limit"), [(100, 79, 0.2), (11, 0, 0.2), (2000, 1000, 0.2), (100, 89, 0.1)]
)
def test_a_great_loss_is_an_error_that_names_both_numbers(
    before: int, after: int, limit: float
) -> None:
    """And what to do, whichever is true."""
    with pytest.raises(PermanentError) as caught:
        refuse_shrinkage("acme: the store's catalog", before, after, limit)
    text = str(caught.value)
    assert text.startswith("acme: the store's catalog came back with")
    assert f"with {after} records, and the last read had {before}" in text
    assert f"inventory.catalog_shrink ({limit:.0%})" in text
    assert "Nothing was removed" in text
