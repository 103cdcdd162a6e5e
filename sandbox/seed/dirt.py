"""Ways to corrupt a valid order document, as plug-ins, imports and manual edits do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from random import Random

from sandbox.seed.amounts import to_text
from sandbox.seed.seedset import Document

AWAITING_FULFILMENT = 11


def corrupt(random: Random, document: Document) -> str:
    """Corrupt a document in one way and return its name, or "" if the order is not a candidate.

    Candidates have status 11, an address and a physical line, so that there is exactly one reason
    for a rejection.
    """
    if (
        document["status_id"] != AWAITING_FULFILMENT
        or not document["shipping_addresses"]
        or document["products"][0]["type"] != "physical"
    ):
        return ""
    name = random.choice(list(CORRUPTIONS))
    CORRUPTIONS[name](document)
    return name


def _total_mismatch(document: Document) -> None:
    for key in ("total_inc_tax", "total_ex_tax"):
        document[key] = to_text(Decimal(document[key]) + Decimal("0.01"))


def _unknown_sku(document: Document) -> None:
    document["products"][0] |= {"sku": "DISCONTINUED-404", "product_id": 0, "variant_id": 0}


def _unknown_shipping_method(document: Document) -> None:
    document["shipping_addresses"][0]["shipping_method"] = "Pigeon Post"


def _country_missing(document: Document) -> None:
    document["shipping_addresses"][0] |= {"country": "", "country_iso2": ""}


def _no_lines(document: Document) -> None:
    document["products"] = []
    document["taxes"] = [
        tax for tax in document["taxes"] if tax["line_item_type"] not in ("item", "gift-wrapping")
    ]


def _zero_quantity(document: Document) -> None:
    document["products"][0]["quantity"] = 0


def _negative_quantity(document: Document) -> None:
    document["products"][0]["quantity"] *= -1


def _duplicate_line(document: Document) -> None:
    document["products"].append(dict(document["products"][0]))


CORRUPTIONS: dict[str, Callable[[Document], None]] = {
    "total_mismatch": _total_mismatch,
    "unknown_sku": _unknown_sku,
    "unknown_shipping_method": _unknown_shipping_method,
    "country_missing": _country_missing,
    "no_lines": _no_lines,
    "zero_quantity": _zero_quantity,
    "negative_quantity": _negative_quantity,
    "duplicate_line": _duplicate_line,
}
