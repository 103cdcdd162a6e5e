"""Scopes of standalone prices: where one applies, as ``prices.lists`` names it. Pure.

``catalog`` applies everywhere; ``country=DE``, ``channel=web`` and ``country=DE,channel=web`` in a
country, through a distribution channel by its key, or both.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from domain.prices import OWN_PRICES
from resources.platforms.commercetools.prices.payload import Standalone

_PART = re.compile(r"country=(?P<country>[A-Z]{2})|channel=(?P<channel>[A-Za-z0-9_-]{2,256})")


class PriceScope(NamedTuple):
    """A country or none, and a distribution channel or none."""

    country: str = ""
    channel: str = ""
    """By its key in the configuration, by its id in the project."""

    def has(self, price: Standalone) -> bool:
        """Return whether a price is the one of this scope, with the channel's id.

        Prices of customer groups, subscriptions and periods are others'.
        """
        channel = (price.channel.id or "") if price.channel is not None else ""
        others = (
            price.customer_group,
            price.recurrence_policy,
            price.valid_from,
            price.valid_until,
        )
        return (price.country or "", channel) == self and not any(others)


def scope_of(price_list: str) -> PriceScope | None:
    """Return the scope that a list is named after, ``None`` if it is none."""
    if price_list == OWN_PRICES:
        return PriceScope()
    found: dict[str, str] = {}
    for part in price_list.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None or match.lastgroup is None or match.lastgroup in found:
            return None
        found[match.lastgroup] = match[match.lastgroup]
    return PriceScope(found.get("country", ""), found.get("channel", ""))
