"""Prices of an account's products."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest

from domain.errors import RecordRejected
from domain.exchange import Mapped, Skipped
from resources.oms.extensiv.prices import NOT_SET, PricesSource
from tests.resources.oms.extensiv.samples import settings_of

Json = dict[str, Any]


class _NoClient:
    """Mapping makes no call."""


def source(**changes: Any) -> PricesSource:
    """Return a source of an account."""
    return PricesSource(_NoClient(), settings_of(**changes))  # type: ignore[arg-type]


def product(**changes: Any) -> bytes:
    """Return a product as the account answers it."""
    row = {
        "sku": "MUG",
        "name": "Mug",
        "retail_price": "12.50",
        "wholesale_price": "7.00",
        "last_updated_datetime": "2026-05-01 10:00:00",
        "aliases": [],
    }
    return orjson.dumps(row | changes)


@pytest.mark.parametrize(("written", "amount"), [("12.50", "12.5"), (12.5, "12.5"), (7, "7")])
def test_the_chosen_price_is_exact_however_it_is_written(written: Any, amount: str) -> None:
    """The account states no currency: the connection does."""
    for field in ("retail_price", "wholesale_price"):
        mapped = source(price_field=field).to_canonical(product(**{field: written}))
        assert isinstance(mapped, Mapped)
        price = mapped.record
        assert (price.sku, price.regular, price.sale, price.currency) == (
            "MUG",
            Decimal(amount),
            None,
            "",
        )


@pytest.mark.parametrize("written", ["0.00", 0, None])
def test_a_price_of_zero_is_not_set(written: Any) -> None:
    """A product that has none must not become free."""
    skipped = source().to_canonical(product(retail_price=written))
    assert isinstance(skipped, Skipped)
    assert skipped.rule == NOT_SET


@pytest.mark.parametrize(
    "changes",
    [
        {"sku": None},
        {"sku": ""},
        {"retail_price": "-1"},
        {"retail_price": "x"},
        {"retail_price": "1e400"},
        {"sku": ["MUG"]},
    ],
)
def test_what_can_not_be_read_is_rejected(changes: Json) -> None:
    """With the field, and without a guess."""
    with pytest.raises(RecordRejected) as raised:
        source().to_canonical(product(**changes))
    assert {problem.code for problem in raised.value.problems} == {"oms_payload_unreadable"}


def test_only_sku_and_price_make_two_looks_differ() -> None:
    """The time of the last update may change without them; 12.5 and 12.50 are one price."""
    read = source()._record
    looks = [
        read(product()),
        read(product(last_updated_datetime="2026-05-02 10:00:00", retail_price=12.5)),
        read(product(name="Cup", wholesale_price=None)),
    ]
    assert {(look.source_id, look.content) for look in looks} == {("MUG@", looks[0].content)}
    assert read(product(retail_price="13")).content != looks[0].content
    amounts = (1, 10, "10.5", 100, 1000, "0.10")
    contents = [read(product(retail_price=amount)).content for amount in amounts]
    assert len(set(contents)) == len(amounts), "tens are not decimals"
    for whole in ("100", "100.0", "100.00", 100.0):
        assert read(product(retail_price=whole)).content == contents[3]
    odd = read(product(sku=None))
    assert odd.source_id not in ("", "@")
    assert read(b"[]").source_id
