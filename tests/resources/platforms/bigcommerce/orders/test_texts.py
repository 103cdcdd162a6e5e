"""What shoppers have written reaches the OMS, without payment cards' numbers."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from domain.exchange import Mapped
from domain.records.orders import Order
from domain.records.record import decode_record, encode_record
from resources.oms.manhattan.orders.mapping import OrderMapper
from tests.resources.oms.manhattan.samples import settings_of
from tests.resources.platforms.bigcommerce.stores import Json, line_of, mapper, order

CARD = "4111 1111 1111 1111"


def mapped_with_warnings(document: Json) -> tuple[Order, list[tuple[str, str]]]:
    """Map an order; return it as it is stored and read again, with code and field of warnings."""
    result = mapper().to_order(orjson.dumps(document), lambda _: False)
    assert isinstance(result, Mapped)
    stored = decode_record(Order, encode_record(result.record))
    return stored, [(warning.code, warning.field) for warning in result.warnings]


def notes_at_oms(found: Order) -> dict[str, tuple[str, str]]:
    """Return type and text of each note of the OMS's order by its id."""
    payload: Json = OrderMapper(settings_of()).payload(found)
    return {
        note["NoteId"]: (note["NoteType"]["NoteTypeId"], note["NoteText"])
        for note in payload.get("OrderNote", ())
    }


@pytest.mark.parametrize(
    ("kind", "value", "is_sent"),
    [
        ("Text field", "For Ada", True),
        ("Multi-line text field", "For Ada\nand Charles", True),
        ("Date field", "1st May 2026", True),
        ("Numbers only text field", "7", True),
        ("A kind to come", "words", True),
        ("Multiple choice", "Small", False),
        ("Swatch", "Red", False),
        (None, "S", False),
    ],
)
def test_an_option_that_the_shopper_has_written_is_a_note(
    kind: str | None, value: str, is_sent: bool
) -> None:
    """What was chosen is in the SKU; of a type that is not known, no word is lost."""
    document = order()
    option = {"display_name": "Engraving", "display_value": value, "type": kind}
    line_of(document)["product_options"] = [option]
    found, warnings = mapped_with_warnings(document)
    text = f"TOWEL-1 (line 501): Engraving: {' '.join(value.split())}"
    expected = {"line-501-1": ("Customer", text)} if is_sent else {}
    assert notes_at_oms(found) == expected
    entered = (f"Engraving: {' '.join(value.split())}",)
    assert (found.lines[0].options, found.lines[0].texts) == (
        ((), entered) if is_sent else (entered, ())
    )
    assert warnings == []


@pytest.mark.parametrize(
    ("value", "shown"),
    [("Blue ink", "Blue ink"), (7, "7"), (["Monday", "Friday"], "Monday, Friday"), (True, "yes")],
)
def test_fields_of_products_and_addresses_are_notes(value: Any, shown: str) -> None:
    """Each names the line or the delivery that it is about."""
    document = order()
    field = {"name": "Wish", "value": value}
    line_of(document)["configurable_fields"] = [field]
    document["consignments"]["shipping"][0]["form_fields"] = [field, {"name": "Empty", "value": ""}]
    document["billing_address"] = document["billing_address"] | {"form_fields": [field]}
    found, warnings = mapped_with_warnings(document)
    assert notes_at_oms(found) == {
        "form-1": ("Customer", f"Wish: {shown}"),
        "line-501-1": ("Customer", f"TOWEL-1 (line 501): Wish: {shown}"),
        "form-99-1": ("Customer", f"Delivery 99: Wish: {shown}"),
    }
    assert warnings == []


def test_card_numbers_are_masked_in_every_text() -> None:
    """In options, fields, gift messages and notes alike; the warning names the field."""
    document = order(customer_message=f"pay {CARD}")
    line_of(document).update(
        product_options=[{"display_name": "Text", "display_value": CARD, "type": "Text field"}],
        configurable_fields=[{"name": "Field", "value": CARD}],
        wrapping_message=f"from {CARD}",
    )
    shipping = document["consignments"]["shipping"][0]
    shipping["form_fields"] = [{"name": "Gate", "value": CARD}]
    found, warnings = mapped_with_warnings(document)
    assert "4111" not in str(notes_at_oms(found))
    assert b"4111" not in encode_record(found)
    line = "consignments.shipping[0].line_items[0]."
    assert sorted(warnings) == [
        ("card_number_masked", "consignments.shipping[0].form_fields[0].value"),
        ("card_number_masked", f"{line}configurable_fields[0].value"),
        ("card_number_masked", f"{line}product_options[0].display_value"),
        ("card_number_masked", f"{line}wrapping_message"),
        ("card_number_masked", "customer_message"),
    ]


def test_an_uploaded_file_is_a_warning() -> None:
    """The OMS has no place for it, so it gets the name."""
    for kind in ("File Upload", "File upload field"):
        document = order()
        option = {"display_name": "Logo", "display_value": "logo.png", "type": kind}
        line_of(document)["product_options"] = [option]
        found, warnings = mapped_with_warnings(document)
        assert found.lines[0].texts == ("Logo: logo.png",)
        assert [code for code, _ in warnings] == ["file_not_sent"]
