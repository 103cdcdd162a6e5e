"""The carrier of a parcel, by its names or its number."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from domain.carriers.naming import carrier_named
from domain.errors import Problem, RecordRejected
from domain.parsing.vendor_documents import VendorFindings


class Found(VendorFindings):
    """The findings of an OMS of the tests."""

    def rejection(self, field: str, message: str, value: str) -> RecordRejected:
        """Return a rejection."""
        return RecordRejected(Problem("unreadable", field, message, "look at it", value))


@pytest.mark.parametrize(
    ("names", "number", "carrier", "warned"),
    [
        (["", "UPS Ground"], "", "ups", False),
        (["House"], "", "own", False),
        (["Unknown", "FedEx"], "", "fedex", False),
        (["Unknown"], "1Z999AA10123456784", None, True),
        ([""], "1Z999AA10123456784", "ups", False),
        ([""], "no number", None, True),
        ([""], "", None, False),
    ],
)
def test_names_come_before_the_number(
    names: Sequence[str], number: str, carrier: str | None, warned: bool
) -> None:
    """A named carrier that is not known is not guessed from the number."""
    found = Found()
    assert carrier_named(names, number, {"house": "own"}, "carrier", "Depot", found) == carrier
    assert [one.code for one in found.warnings] == ["carrier_unknown"] * warned
