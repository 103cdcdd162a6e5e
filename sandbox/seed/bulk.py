"""Many small orders fast, for load tests: templates with varied ids, times and shoppers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from random import Random

from sandbox.seed.catalogue import Catalogue
from sandbox.seed.documents import IDS_PER_ORDER, rfc2822
from sandbox.seed.seedset import Document
from sandbox.seed.synthetic import order

TEMPLATES = 500


def orders(
    count: int, seed: int, start: date, days: int, catalogue: Catalogue, *, first_id: int = 1001
) -> Iterator[Document]:
    """Generate orders as ``synthetic.orders`` does, all with status 11 and at most two articles."""
    random = Random(seed)
    begin = datetime(start.year, start.month, start.day, tzinfo=UTC)
    templates = list(_templates(random, catalogue, begin))
    seconds = days * 86_400
    for index in range(count):
        created = begin + timedelta(seconds=index * seconds // max(count, 1))
        yield _varied(
            templates[random.randrange(len(templates))],
            first_id + index,
            rfc2822(created),
            random.randrange(1, 1_000_000),
        )


def _templates(random: Random, catalogue: Catalogue, at: datetime) -> Iterator[Document]:
    made = 0
    while made < TEMPLATES:
        document = order(random, catalogue, at, 0, longest=2)
        if document["status_id"] == 11:
            made += 1
            yield document


def _varied(template: Document, number: int, at: str, customer: int) -> Document:
    """Copy what changes and share the rest: the documents are serialised, never changed."""
    offset = number * IDS_PER_ORDER
    email = f"shopper{customer}@mail.example"
    return template | {
        "id": number,
        "date_created": at,
        "date_modified": at,
        "customer_id": customer if customer % 5 else 0,
        "billing_address": template["billing_address"]
        | {"email": email, "last_name": f"Bulk {customer}"},
        "products": [
            line
            | {
                "id": line["id"] + offset,
                "order_address_id": line["order_address_id"] and line["order_address_id"] + offset,
            }
            | (
                {"order_pickup_method_id": line["order_pickup_method_id"] + offset}
                if "order_pickup_method_id" in line
                else {}
            )
            for line in template["products"]
        ],
        "shipping_addresses": [
            address | {"id": address["id"] + offset, "email": email}
            for address in template["shipping_addresses"]
        ],
        "taxes": [_shifted_tax(tax, offset) for tax in template["taxes"]],
        **{
            key: [entry | {"id": entry["id"] + offset} for entry in template[key]]
            for key in ("coupons", "fees", "pickups", "transactions")
        },
    }


def _shifted_tax(tax: Document, offset: int) -> Document:
    moved = tax | {
        "id": tax["id"] + offset,
        "order_address_id": tax["order_address_id"] and tax["order_address_id"] + offset,
    }
    if "order_product_id" in tax:
        moved["order_product_id"] = str(int(tax["order_product_id"]) + offset)
    return moved
