"""Registered customers of a seed: documents of customers.v3.yml with their addresses."""

from __future__ import annotations

from random import Random
from typing import Any

from sandbox.seed.seedset import Document
from sandbox.seed.shoppers import COUNTRIES, WEIGHTS, shopper

FIRST_ID = 101
ADDRESSES = (0, 1, 1, 2, 3)
"""How many addresses a customer has; a new one has none yet."""


def customers(count: int, seed: int) -> list[Document]:
    """Generate customers with up to three addresses each."""
    random = Random(seed)
    return [_customer(random, FIRST_ID + n) for n in range(count)]


def _customer(random: Random, number: int) -> Document:
    country = random.choices(COUNTRIES, WEIGHTS)[0]
    person = shopper(random, country)
    places = [shopper(random, country) for _ in range(random.choice(ADDRESSES))]
    return {
        "id": number,
        "email": f"registered{number}@mail.example",
        **{name: person[name] for name in ("first_name", "last_name", "company", "phone")},
        "addresses": [_address(place, number * 10 + n) for n, place in enumerate(places, 1)],
    }


def _address(place: dict[str, Any], number: int) -> Document:
    same = ("first_name", "last_name", "company", "city", "country", "phone")
    return {
        "id": number,
        **{name: place[name] for name in same},
        "address1": place["street_1"],
        "address2": place["street_2"],
        "state_or_province": place["state"],
        "postal_code": place["zip"],
        "country_code": place["country_iso2"],
    }
