"""Synthetic orders: a realistic mix of countries, currencies, taxes and deliveries, from a seed.

``orders`` builds each order from scratch; ``bulk.orders`` varies templates and is for load tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.seed.amounts import ZERO, Rate, minor_unit, rounded
from sandbox.seed.catalogue import Article, Catalogue
from sandbox.seed.dirt import corrupt
from sandbox.seed.documents import order_document
from sandbox.seed.drafts import Address, Discount, Draft, Line
from sandbox.seed.payments import pay
from sandbox.seed.seedset import Document
from sandbox.seed.shoppers import COUNTRIES, WEIGHTS, Country, shopper

# Status and its share of a hundred orders: mostly paid ones awaiting fulfilment.
STATUSES = {11: 82, 7: 5, 5: 4, 0: 3, 1: 2, 12: 2, 6: 1, 10: 1}
KINDS = {"ship": 74, "several": 8, "pickup": 8, "digital": 5, "mixed": 3, "certificate": 2}
# Rough price levels, so that a mug does not cost 12 yen.
LEVELS = {"JPY": Decimal(150), "INR": Decimal(80), "BRL": Decimal(5)}
DISPLAYED = {
    "USD": ("EUR", "0.9200000000"),
    "EUR": ("USD", "1.0900000000"),
    "GBP": ("EUR", "1.1700000000"),
}
NOTES = (
    "",
    "",
    "",
    "",
    "Please ring twice 🔔",
    "Laissez le colis chez le voisin, merci !",
    "門の前に置いてください",
    'Gate code "4711" & <back door>',
)
CODES = ("WELCOME10", "SPRING-5", "ÉTÉ2025")
PICKUP = {
    "pickup_method_id": 1,
    "pickup_method_display_name": "Collect in store",
    "collection_instructions": "Bring the order number",
    "collection_time_description": "9 to 18",
    "location": {
        "id": 3,
        "name": "Market Street store",
        "code": "STORE-01",
        "address_line_1": "1 Market Street",
        "address_line_2": "",
        "city": "Austin",
        "state": "Texas",
        "postal_code": "78701",
        "country_alpha2": "US",
        "email": "store-01@store.example",
        "phone": "512 555 0100",
    },
}


@dataclass(slots=True)
class Basket:
    """Lines and addresses of an order being built, and its price level."""

    country: Country
    unit: Decimal
    lines: list[Line]
    addresses: list[Address]
    pickups: list[dict[str, Any]]


def orders(
    count: int,
    seed: int,
    start: date,
    days: int,
    catalogue: Catalogue,
    *,
    dirt: float = 0.0,
    labels: dict[int, str] | None = None,
    first_id: int = 1001,
    longest: int = 8,
) -> Iterator[Document]:
    """Generate orders sorted by creation, evenly over ``days`` days from ``start``.

    Ids start at ``first_id``. A share ``dirt`` of them is corrupted; ``labels`` then maps the order
    id to what was done (``dirt.CORRUPTIONS``). ``longest``: most articles of an order.
    """
    random = Random(seed)
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    step = timedelta(days=days) / max(count, 1)
    for index in range(count):
        created = (begin + step * (index + random.random())).replace(microsecond=0)
        document = order(random, catalogue, created, first_id + index, longest)
        if random.random() < dirt:
            label = corrupt(random, document)
            if label and labels is not None:
                labels[first_id + index] = label
        yield document


def order(
    random: Random, catalogue: Catalogue, created: datetime, number: int | None, longest: int = 8
) -> Document:
    """Generate one order; without a number, the store assigns its ids."""
    country = random.choices(COUNTRIES, WEIGHTS)[0]
    status = random.choices(list(STATUSES), list(STATUSES.values()))[0]
    person = shopper(random, country)
    basket = _basket(random, catalogue, country, person, longest)
    shown = DISPLAYED.get(country.currency) if random.random() < 0.06 else None
    extra: dict[str, Any] = {
        "customer_message": random.choice(NOTES),
        "customer_locale": country.locale,
        "store_default_currency_code": "USD",
        "order_source": random.choice(("www", "www", "iphone", "android")),
    }
    if shown:
        extra |= {"currency_code": shown[0], "currency_exchange_rate": shown[1]}
    draft = Draft(
        id=number,
        status=status,
        created=created,
        modified=min(
            created + timedelta(seconds=random.randrange(600)),
            created.replace(hour=23, minute=59, second=59),
        ),
        currency=country.currency,
        inclusive=country.inclusive,
        customer_id=0 if random.random() < 0.4 else random.randrange(1, 20_000),
        billing=person | {"form_fields": []},
        lines=basket.lines,
        addresses=basket.addresses,
        pickups=basket.pickups,
        discounts=_discounts(random, basket),
        fees=_fees(country, basket.unit) if random.random() < 0.04 else [],
        extra=extra,
    )
    document = order_document(draft)
    pay(random, document, created)
    return document


def _fees(country: Country, unit: Decimal) -> list[tuple[str, Decimal, tuple[Rate, ...]]]:
    fee = rounded(Decimal("1.50") * _price_level(country), unit)
    return [("Small order fee", fee, country.rates)]


def _price_level(country: Country) -> Decimal:
    return LEVELS.get(country.currency, Decimal(1))


def _basket(
    random: Random, catalogue: Catalogue, country: Country, person: dict[str, Any], longest: int
) -> Basket:
    kind = random.choices(list(KINDS), list(KINDS.values()))[0]
    if kind in ("digital", "mixed") and not catalogue.downloads:
        kind = "ship"
    basket = Basket(country, minor_unit(country.currency), [], [], [])
    wanted = min(longest, int(random.expovariate(0.6)) + 1)
    if kind == "digital":
        basket.lines = [
            _line(random, basket, article, None)
            for article in random.sample(
                catalogue.downloads, min(wanted, 2, len(catalogue.downloads))
            )
        ]
        return basket
    if kind == "pickup":
        basket.pickups = [PICKUP]
    if kind != "pickup":
        for _ in range(random.choice((2, 2, 3)) if kind == "several" else 1):
            basket.addresses.append(
                _address(
                    random, basket, person if not basket.addresses else shopper(random, country)
                )
            )
    wanted = max(wanted, len(basket.addresses))
    for place, article in enumerate(
        random.sample(catalogue.articles, min(wanted, len(catalogue.articles)))
    ):
        address = place % len(basket.addresses) if basket.addresses else None
        basket.lines.append(_line(random, basket, article, address))
    if kind == "mixed":
        basket.lines.append(_line(random, basket, random.choice(catalogue.downloads), None))
    if kind == "certificate":
        basket.lines.append(_certificate(random, basket))
    return basket


def _line(random: Random, basket: Basket, article: Article, address: int | None) -> Line:
    wrap = not article.digital and random.random() < 0.05
    return Line(
        sku=article.sku,
        name=article.name,
        price=rounded(article.price * _price_level(basket.country), basket.unit),
        quantity=random.choice((1, 1, 1, 1, 2, 2, 3, 5, 12)),
        product_id=article.product_id,
        variant_id=article.variant_id,
        kind="digital" if article.digital else "physical",
        address=address,
        pickup=0 if basket.pickups else None,
        options=list(article.options),
        rates=basket.country.rates,
        wrapping=rounded(Decimal("2.50") * _price_level(basket.country), basket.unit)
        if wrap
        else ZERO,
        wrapping_message="Happy birthday 🎂" if wrap else "",
        weight="0.0000" if article.digital else "0.7500",
        brand="Lantern & Loom",
    )


def _certificate(random: Random, basket: Basket) -> Line:
    price = rounded(
        Decimal(random.choice((25, 50, 100))) * _price_level(basket.country), basket.unit
    )
    return Line("", "Gift certificate", price, 1, kind="giftcertificate", address=None)


def _address(random: Random, basket: Basket, person: dict[str, Any]) -> Address:
    country, free = basket.country, random.random() < 0.2
    shipping = (
        ZERO
        if free
        else rounded(
            Decimal(random.randrange(399, 2499)) / 100 * _price_level(country), basket.unit
        )
    )
    handling = (
        rounded(Decimal("1.25") * _price_level(country), basket.unit)
        if random.random() < 0.1
        else ZERO
    )
    return Address(person, random.choice(country.methods), shipping, handling, country.rates)


def _discounts(random: Random, basket: Basket) -> list[Discount]:
    """Return a coupon, an order discount, a line discount or none; always a part of the value."""
    goods = [
        (index, line) for index, line in enumerate(basket.lines) if isinstance(line.price, Decimal)
    ]
    chance = random.random()
    if chance > 0.25 or not goods:
        return []
    index, line = random.choice(goods)
    share = Decimal(random.choice((5, 10, 15))) / 100
    whole = sum(
        (line.price * line.quantity for _, line in goods if isinstance(line.price, Decimal)), ZERO
    )
    amount = (
        rounded((line.price * line.quantity if chance < 0.05 else whole) * share, basket.unit)
        if isinstance(line.price, Decimal)
        else ZERO
    )
    if chance < 0.05:
        return [Discount(amount, "Bulk price", line=index)]
    code = random.choice(CODES)
    found = (
        [Discount(amount, code, code)] if chance < 0.17 else [Discount(amount, "Manual Discount")]
    )
    if chance > 0.24:
        found.append(Discount(rounded(amount / 2, basket.unit), code, code))
    return found
