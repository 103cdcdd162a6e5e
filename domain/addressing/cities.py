"""Whether an address is incomplete without a city.

Source: Google's address data (libaddressinput, CC BY 4.0), field ``require``, in its present and
in its earlier edition, which differ for some countries: a city is missing only where both say so.
"""

from __future__ import annotations


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


WITHOUT = _codes("AG GI MO SG SM VG")
"""Countries that are one city, or whose addresses need none."""
SUBDIVISION_INSTEAD = _codes("AD AE CO HK ID JP KY NR")
"""Countries where a parish, an emirate, a district or a prefecture may stand in its place."""
FORCES = "BF"
"""The beginning of the postal codes of the British forces ("BFPO 57", "BF1 4AY"), whose addresses
name no place."""


def needs_city(country: str, subdivision: str, postcode: str) -> bool:
    """Return whether an address of a country (ISO 3166-1 alpha-2) has to have a city.

    ``subdivision`` is the text or code that the address has in that place.
    """
    if country in WITHOUT or (subdivision and country in SUBDIVISION_INSTEAD):
        return False
    return not (country == "GB" and postcode.startswith(FORCES))
