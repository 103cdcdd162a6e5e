"""The carrier of a parcel by the name that an OMS gives it, or by its tracking number. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from domain.carriers.carriers import normalise_carrier
from domain.carriers.tracking import proven_carrier
from domain.parsing.vendor_documents import VendorFindings


def carrier_named(
    names: Sequence[str],
    number: str,
    known: Mapping[str, str],
    field: str,
    system: str,
    found: VendorFindings,
) -> str | None:
    """Return our code of the first known of a parcel's carrier names; without names the number's.

    ``known`` are the connection's own names, in lower case. A name that is not known, or a number
    that proves no carrier, is the warning ``carrier_unknown`` at ``field``.
    """
    if any(names):
        codes = (known.get(name.casefold()) or normalise_carrier(name) for name in names if name)
        carrier = next(filter(None, codes), None)
        if carrier is None:
            text = f"{system}'s carrier is not known; it goes to the store as text."
            found.warn("carrier_unknown", field, text, "Map the carrier under shipments.carriers.")
        return carrier
    proven = proven_carrier(number) if number else None
    if number and proven is None:
        text = "No carrier is named, and the tracking number proves none."
        found.warn("carrier_unknown", field, text, "Have the warehouse name the carrier.")
    return proven
