"""Bad orders of the store: mapped to the cent, skipped by a rule, or rejected with advice."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import RecordRejected
from domain.exchange import Mapped
from domain.records.orders import Order
from tests.bad_input.counts import STORE_ORDERS
from tests.bad_input.growth import grows_too_fast
from tests.bad_input.mutations import Mutator
from tests.bad_input.outcomes import outcome_of, run
from tests.resources.platforms.bigcommerce.orders.test_mapping_odd import compound
from tests.resources.platforms.bigcommerce.stores import line_of, mapper, order

pytestmark = pytest.mark.slow(seconds=45)

PERSONAL = ("jane.doe", "Jane", "Doe", "123 Main", "555-0100", "5550100", "Bobby")
CENT = Decimal("0.01")
RULES = {"uom_rules": {"TOWEL-1": {"factor": 2}}, "pickup_locations": {"AUS": "S1"}}
MAPPER = mapper(RULES)
GENERATED = 400
KEYS = (
    "id",
    "order",
    "consignments",
    "shipping",
    "line_items",
    "quantity",
    "sku",
    "type",
    "billing_address",
    "status_id",
    "fees",
    "products",
    "\x00",
)
INCLUSIVE = order(is_tax_inclusive_pricing=True)
DOCUMENTS = [
    orjson.dumps(document)
    for document in (compound(), order(), INCLUSIVE, order(staff_notes="call Bobby", status_id=5))
]


def to_order(payload: bytes) -> Any:
    """Map a payload by the rules of the tests' connection; the OMS has some of the orders."""
    return MAPPER.to_order(payload, lambda number: number.endswith("7"))


def money_of(document: Any) -> tuple[Decimal, Decimal]:
    """Return total and tax as the document states them."""
    stated = document.get("order", document) if "id" not in document else document
    return Decimal(str(stated["total_inc_tax"]).strip()), Decimal(str(stated["total_tax"]).strip())


def unconserved(order_: Order, payload: bytes) -> str:
    """Return how a mapped order's money differs from its document's, or does not add up."""
    total, tax = money_of(json.loads(payload.decode(errors="replace")))
    if (order_.total, order_.total_tax) != (total, tax):
        return (
            f"the document says {total} with {tax} tax, "
            f"the order {order_.total} with {order_.total_tax}"
        )
    if abs(order_.computed_total() - order_.total) > CENT / 2:
        return f"the order comes to {order_.computed_total()} and says {order_.total}"
    if sum(payment.amount for payment in order_.payments) != max(Decimal(0), order_.total):
        return "the payments are not the total"
    return ""


def test_every_spoilt_order_is_mapped_skipped_or_rejected() -> None:
    """No crash, no empty message, no personal value shown; what maps conserves the money."""

    def to_conserved(payload: bytes) -> Any:
        found = to_order(payload)
        if isinstance(found, Mapped) and (fault := unconserved(found.record, payload)):
            raise AssertionError(fault)
        return found

    outcomes = run(to_conserved, Mutator(DOCUMENTS).payloads(STORE_ORDERS, 1_000_000), PERSONAL)
    assert outcomes.total() == STORE_ORDERS
    assert outcomes["mapped"] > STORE_ORDERS // 10, "the mutations must leave something that maps"
    assert len(outcomes) > 30, "and reach many rules"


def large(lines: int, text: str = "S") -> bytes:
    """Return an order of so many lines that adds up."""
    document = order(
        items_total=2 * lines,
        total_inc_tax=f"{22 * lines + 5.5:.4f}",
        total_tax=f"{2 * lines + 0.5:.4f}",
        staff_notes=text,
    )
    line = line_of(document)
    items = [deepcopy(line) | {"id": 1000 + i, "sku": f"SKU-{i}"} for i in range(lines)]
    document["consignments"]["shipping"][0]["line_items"] = items
    return orjson.dumps(document)


def test_an_order_of_ten_thousand_lines_is_mapped_in_proportionate_work() -> None:
    """Ten times the lines cost about ten times the work: nothing grows with their square."""
    assert outcome_of(to_order, large(10_000)) == ("mapped", "")

    def make(lines: int) -> Callable[[], object]:
        payload = large(lines)
        return lambda: to_order(payload)

    assert grows_too_fast(make, 1_000) == ""


def test_ten_thousand_bad_lines_are_one_rejection_that_can_be_read() -> None:
    """The first problems are listed and the rest is counted."""
    document = orjson.loads(large(10_000)) | {"items_total": None}
    for line in document["consignments"]["shipping"][0]["line_items"]:
        line["quantity"] = -1
    with pytest.raises(RecordRejected) as caught:
        to_order(orjson.dumps(document))
    *listed, last = caught.value.problems
    assert {problem.code for problem in listed} == {"quantity_invalid"}
    assert (last.code, last.message) == ("further_problems", "9950 further problems are not listed")
    assert len(str(caught.value)) < 20_000


FILLINGS = ("x", "4111111111111111 ", "a-", "\u200b", "e\u0301", "9", "@", " ", "+1-", "a@b.c ")
FIELDS = (
    ("staff_notes",),
    ("date_created",),
    ("total_tax",),
    ("default_currency_code",),
    ("payment_method",),
    ("customer_locale",),
    *(
        ("billing_address", key)
        for key in ("first_name", "zip", "phone", "email", "state", "country_iso2", "street_1")
    ),
)


@pytest.mark.parametrize("path", FIELDS, ids="_".join)
def test_a_long_text_costs_no_more_than_its_length(path: tuple[str, ...]) -> None:
    """Letters, digits, card numbers, addresses and separators: no pattern backtracks over them."""
    for filling in FILLINGS:

        def make(size: int, filling: str = filling) -> Callable[[], object]:
            document = order()
            holder: Any = document
            for key in path[:-1]:
                holder = holder[key]
            holder[path[-1]] = (filling * size)[:size]
            payload = orjson.dumps(document)
            assert outcome_of(to_order, payload)[1] == ""
            return lambda: outcome_of(to_order, payload)

        assert grows_too_fast(make, 20_000) == "", (path, filling)


def test_a_megabyte_in_every_text_of_an_order_is_one_outcome() -> None:
    """Such an order is rejected or mapped like any other, and its rejection stays small."""
    document = order()
    for holder in (document, document["billing_address"], line_of(document)):
        for key, value in holder.items():
            if type(value) is str:
                holder[key] = value + "x" * 1_000_000
    outcome, fault = outcome_of(to_order, orjson.dumps(document))
    assert outcome not in ("mapped", "skipped")
    assert fault == ""


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats()
        | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
        ),
        max_leaves=25,
    )
)
@settings(max_examples=GENERATED, suppress_health_check=[HealthCheck.too_slow])
def test_documents_of_any_structure_are_one_of_the_three_outcomes(document: Any) -> None:
    """Nothing of a valid order but its names, in any nesting."""
    for payload in (document, {"order": document}, order(consignments=document)):
        assert outcome_of(to_order, orjson.dumps(payload, option=orjson.OPT_NON_STR_KEYS))[1] == ""
