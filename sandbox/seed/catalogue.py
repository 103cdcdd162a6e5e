"""A synthetic catalogue: the store's products, the OMS's items, stock at three OMS locations."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from random import Random

from sandbox.seed.amounts import CENT, to_text
from sandbox.seed.seedset import Document, oms_item, oms_location, store_location, store_product

ADJECTIVES = (
    "Alder",
    "Basalt",
    "Cobalt",
    "Drift",
    "Ember",
    "Fjord",
    "Grove",
    "Harbor",
    "Indigo",
    "Juniper",
)
NOUNS = (
    "Jacket",
    "Mug",
    "Lamp",
    "Backpack",
    "Blanket",
    "Kettle",
    "Notebook",
    "Sneaker",
    "Tent",
    "Tray",
)
SIZES = ("S", "M", "L")
COLOURS = ("Sand", "Ink")
DIGITAL_EVERY = 20  # every twentieth product is a download
LOCATIONS = (
    ("DC-EAST", "East distribution centre", "DC"),
    ("DC-WEST", "West distribution centre", "DC"),
    ("STORE-01", "Market Street store", "Store"),
)


@dataclass(frozen=True, slots=True)
class Article:
    """What an order line needs to know of one variant."""

    sku: str
    name: str
    price: Decimal
    product_id: int
    variant_id: int
    options: tuple[tuple[str, str], ...]
    digital: bool


@dataclass(slots=True)
class Catalogue:
    """The catalogue in the forms of the store, the OMS and the order generator."""

    products: list[Document] = field(default_factory=list)
    items: list[Document] = field(default_factory=list)
    supply: list[Document] = field(default_factory=list)
    locations: list[Document] = field(default_factory=list)
    store_locations: list[Document] = field(default_factory=list)
    articles: list[Article] = field(default_factory=list)
    downloads: list[Article] = field(default_factory=list)


def catalogue(count: int, seed: int, stock: int = 100_000) -> Catalogue:
    """Generate products, half with six variants each; ``stock`` is the most per SKU and place."""
    random = Random(seed)
    result = Catalogue(
        locations=[oms_location(code, kind) for code, _, kind in LOCATIONS],
        store_locations=[
            store_location(n, code, name, "US") for n, (code, name, _) in enumerate(LOCATIONS, 1)
        ],
    )
    for number in range(1, count + 1):
        _add_product(result, number, random)
    for article in result.articles:
        result.items.append(oms_item(article.sku, article.name))
        for code, _, kind in LOCATIONS:
            most = stock if kind == "DC" else stock // 100
            result.supply.append(
                {"item": article.sku, "location": code, "quantity": random.randint(most // 2, most)}
            )
    result.items += [oms_item(article.sku, article.name) for article in result.downloads]
    # Gift certificates have no SKU in the store; the OMS uses this one for them.
    result.items.append(oms_item("GIFT-CERTIFICATE", "Gift certificate"))
    return result


def _add_product(result: Catalogue, number: int, random: Random) -> None:
    product_id = 100 + number
    name = f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)} {number}"
    price = Decimal(random.randrange(300, 25_000)) * CENT
    base = f"LS-{number:05d}"
    if number % DIGITAL_EVERY == 0:
        result.downloads.append(
            Article(base, name, price, product_id, product_id, (), digital=True)
        )
        result.products.append(
            store_product(
                product_id, base, name, to_text(price), type="digital", inventory_tracking="none"
            )
        )
        return
    if number % 2:
        result.articles.append(
            Article(base, name, price, product_id, product_id, (), digital=False)
        )
        result.products.append(store_product(product_id, base, name, to_text(price)))
        return
    variants: list[Document] = []
    for place, (size, colour) in enumerate((size, colour) for size in SIZES for colour in COLOURS):
        sku, variant_id = f"{base}-{size}-{colour[:2].upper()}", product_id * 10 + 100_000 + place
        options = (("Size", size), ("Colour", colour))
        values = [
            {"id": place * 2 + n, "option_id": n, "option_display_name": name, "label": label}
            for n, (name, label) in enumerate(options, 1)
        ]
        variants.append(
            {"id": variant_id, "product_id": product_id, "sku": sku, "option_values": values}
        )
        result.articles.append(
            Article(sku, name, price, product_id, variant_id, options, digital=False)
        )
    result.products.append(
        store_product(
            product_id, base, name, to_text(price), inventory_tracking="variant", variants=variants
        )
    )
