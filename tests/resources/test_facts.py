"""Each field that Lockstep reads is listed as a fact, or known to be personal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest

from domain.parsing.payload import Document
from domain.personal import is_personal, plain, without_personal_data
from domain.records.orders import Order
from domain.records.record import encode_record
from resources.facts import fact_fields
from resources.oms.extensiv.payload import OrderView
from resources.oms.manhattan.payload import PublishedOrder
from resources.platforms.bigcommerce.payload import CapturedOrder
from tests.resources.platforms.bigcommerce.stores import mapped, order

ENTERED = {
    "display_value",  # of an option: a choice or a text
    "value",  # of a field of the store's own
    "form_fields.name",
    "configurable_fields.name",
    "items.reason",  # of a refund: what the merchant has written
    "declined_message",  # a provider's own words
    *(f"custom_field_{n}" for n in (2, 3, 4, 5)),  # of an account's own
}
"""Fields that are read and hold what a person has entered, or the store's own words."""


def scalars(kind: type[Document], parent: str = "") -> Iterator[tuple[str, str]]:
    """Yield parent and name of every field below a document that holds a value of its own."""
    for field in msgspec.structs.fields(kind):
        inner = list(_documents(field.type))
        if not inner:
            yield parent, field.encode_name
        for each in inner:
            if each is not kind:
                yield from scalars(each, field.encode_name)


def _documents(annotation: Any) -> Iterator[type[Document]]:
    if isinstance(annotation, type) and issubclass(annotation, Document):
        yield annotation
    for part in get_args(annotation):
        yield from _documents(part)


@pytest.mark.parametrize("kind", [CapturedOrder, PublishedOrder, OrderView])
def test_every_field_that_is_read_is_classified(kind: type[Document]) -> None:
    """Or a forgotten order's shipments could no longer be read, or a new field is kept unseen."""
    unknown = {
        f"{parent}.{name}"
        for parent, name in scalars(kind)
        if not {plain(name), f"{plain(parent)}.{plain(name)}"} & fact_fields()
        and not is_personal(name)
        and not {name, f"{parent}.{name}"} & ENTERED
    }
    assert unknown == set()


def test_no_fact_is_a_field_that_is_known_to_be_personal() -> None:
    """The list that keeps never wins over the one that removes."""
    assert not [name for name in fact_fields() if "." not in name and is_personal(name)]


def test_facts_of_an_order_stay_in_every_form_of_it() -> None:
    """In the store's document, and in the canonical record, which can still be read."""
    document = order()
    cleaned = without_personal_data(document, fact_fields())
    assert cleaned["total_inc_tax"] == document["total_inc_tax"]
    assert cleaned["consignments"]["shipping"][0]["line_items"][0]["name"] == "Fog Linen Towel"
    assert cleaned["consignments"]["shipping"][0]["state"] == "Texas"
    assert "Jane" not in str(cleaned)
    record = mapped(document)
    stored = msgspec.json.decode(encode_record(record))
    kept = msgspec.convert(without_personal_data(stored, fact_fields()), Order, strict=False)
    assert (kept.total, kept.charges, kept.payments) == (
        record.total,
        record.charges,
        record.payments,
    )
    assert kept.lines[0].line_total == record.lines[0].line_total
    assert kept.customer.email != record.customer.email
