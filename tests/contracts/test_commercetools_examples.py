"""The official examples of what is read besides orders: payments, messages, states, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.exchange import Mapped
from domain.rules.export import always
from domain.values import Window
from resources.platforms.commercetools.answers_payload import ERRORS, HELD_PAYMENTS, WORKFLOW_STATES
from resources.platforms.commercetools.deletions import DeletionsReader
from resources.platforms.commercetools.orders.mapping import OrderMapper
from tests.memory.serving import client_on
from tests.resources.platforms.commercetools.projects import connection, settings
from tests.shared import shared_path

Json = dict[str, Any]


def example(name: str) -> Json:
    """Return an official example."""
    folder: Path = shared_path("contracts/commercetools/examples")
    found: Json = orjson.loads((folder / f"{name}.json").read_bytes())
    return found


@pytest.mark.parametrize(("state", "shown"), [("Pending", []), ("Success", [("settlement", True)])])
def test_the_official_payments_pay_the_official_order(state: str, shown: list[object]) -> None:
    """The amounts come to the order's total, and a charge under way is not shown as made.

    The order's example is in another currency, in which its payment is read here.
    """
    rows = [example("payment.example"), *example("payments.example")["results"]]
    for row in rows:
        payment = orjson.loads(orjson.dumps(row).replace(b'"USD"', b'"EUR"'))
        assert [one["state"] for one in payment["transactions"]] == ["Pending"]
        payment["transactions"][0]["state"] = state
        assert not HELD_PAYMENTS.decode(orjson.dumps(payment)).problems
        reference = {"typeId": "payment", "id": payment["id"], "obj": payment}
        order = example("order.example") | {"paymentInfo": {"payments": [reference]}}
        result = OrderMapper(settings(), connection().addresses).to_order(
            orjson.dumps(order), always
        )
        assert isinstance(result, Mapped)
        [paid] = result.record.payments
        assert (paid.source_method, paid.amount) == ("CREDIT_CARD", Decimal("11.00"))
        assert [(one.kind, one.succeeded) for one in paid.transactions] == shown
        assert {one.reference for one in paid.transactions} <= {payment["interfaceId"]}


def test_the_official_page_of_messages_is_read() -> None:
    """Each names its record, at its time to the millisecond; the year 1970 is a placeholder."""
    raw = orjson.dumps(example("messages.example")).replace(b"1970-", b"2026-")
    page, start = orjson.loads(raw), datetime(2026, 1, 1, tzinfo=UTC)

    pages = [page, page | {"results": []}]
    kind = page["results"][0]
    reader = DeletionsReader(
        client_on(lambda _: orjson.dumps(pages.pop(0))),
        settings(),
        kind["resource"]["typeId"],
        kind["type"],
    )
    read = [row for rows in reader.read(Window(start, start + timedelta(days=1))) for row in rows]
    assert [(row.source_id, row.updated_at) for row in read] == [
        (one["resource"]["id"], start + timedelta(milliseconds=1)) for one in page["results"]
    ]


def test_the_official_states_are_read() -> None:
    """By key, as the settings name them."""
    for row in (example("state.example"), *example("states.example")["results"]):
        found = WORKFLOW_STATES.decode(orjson.dumps(row))
        assert not found.problems
        assert (found.document.id, found.document.key) == (row["id"], row["key"])


@pytest.mark.parametrize("name", ["error.example", "Error/ErrorResponse"])
def test_the_official_refusals_are_read(name: str) -> None:
    """With the code that decides between planning again and a rejection."""
    document = example(name)
    found = ERRORS.decode(orjson.dumps(document))
    assert not found.problems
    codes = [entry.code for entry in found.document.errors or () if entry is not None]
    assert codes == [entry["code"] for entry in document["errors"]]
