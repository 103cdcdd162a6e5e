"""What errors may show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from pydantic import BaseModel, ValidationError

from assets.error_redaction import safe_text, unexpected
from domain.errors import PermanentError, Problem
from domain.records.orders import Order
from domain.rules.export import Decide
from domain.schemas.orders import order_problems
from resources.platforms.bigcommerce.orders.source import OrdersSource
from tests.assets.scene import Scene


class _Person(BaseModel):
    age: int


def test_postgres_details_are_left_out(database: str) -> None:
    """Postgres quotes the failing row; the message is enough to find the cause."""
    with psycopg.connect(database) as db:
        db.execute("CREATE TEMP TABLE person (name text, age int NOT NULL)")
        with pytest.raises(psycopg.Error) as caught:
            db.execute("INSERT INTO person VALUES ('Jane Doe', NULL)")
    text = safe_text(caught.value)
    assert "Jane" not in text
    assert "age" in text
    assert "23502" in text


def test_pydantic_inputs_are_left_out() -> None:
    """The place and the kind of fault are shown, not the value."""
    with pytest.raises(ValidationError) as caught:
        _Person.model_validate({"age": "jane.doe@example.com"})
    assert "jane" not in safe_text(caught.value)
    assert "age (int_parsing)" in safe_text(caught.value)


def test_our_own_messages_are_kept_and_others_masked() -> None:
    """Ours are made for showing; a library's may hold anything."""
    assert (
        safe_text(PermanentError("The token of acme was refused"))
        == "The token of acme was refused"
    )
    assert "jane" not in safe_text(KeyError("jane.doe@example.com"))


def test_an_unexpected_error_says_where_it_arose() -> None:
    """The stack is kept as metadata, since the error itself is not passed on."""
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    failure = unexpected(caught.value, "acme/orders_validated")
    assert "acme/orders_validated" in str(failure.description)
    assert "test_error_redaction.py" in str(failure.metadata["where"].value)
    assert not failure.allow_retries


def test_an_unforeseen_record_does_not_block_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug in the mapping of one order: it is rejected as our bug, and the other is delivered."""
    scene.place_many([9001, 9002])
    to_canonical = OrdersSource.to_canonical

    def stumbles(self: OrdersSource, payload: bytes, decide: Decide) -> object:
        if b'"id":9001,' in payload:
            raise LookupError("jane.doe@example.com")
        return to_canonical(self, payload, decide)

    monkeypatch.setattr(OrdersSource, "to_canonical", stumbles)
    scene.run("orders")
    assert scene.open_rejections("orders") == {"9001": "not_mapped"}
    assert set(scene.oms_orders()) == {"9002"}
    [(message,)] = scene.sql("SELECT message FROM sync.rejection")
    assert "jane" not in message


def test_a_record_on_which_the_batchs_check_stumbles_does_not_hold_up_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found by halving, rejected alone, and the others are checked together without it."""
    scene.place_many(range(9001, 9006))

    def stumbles(orders: Sequence[Order], *more: Any) -> dict[int, list[Problem]]:
        if any(order.number == "9003" for order in orders):
            raise OverflowError("jane.doe@example.com")
        return order_problems(orders, *more)

    monkeypatch.setattr("assets.streams.orders.stream.order_problems", stumbles)
    scene.run("orders")
    assert scene.open_rejections("orders") == {"9003": "not_mapped"}
    assert set(scene.oms_orders()) == {"9001", "9002", "9004", "9005"}
