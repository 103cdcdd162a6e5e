"""Amounts of currencies without cents, or with a thousandth, as each OMS gets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from domain.currencies import minor_unit
from domain.exchange import Mapped
from domain.prices import PriceTag, exact_number, tag_content
from domain.records.orders import Order
from domain.schemas.orders import order_problems
from domain.schemas.prices import price_problems
from resources.oms.anchanto.orders.mapping import OrderMapper as Anchanto
from resources.oms.extensiv.orders.mapping import OrderMapper as Extensiv
from resources.oms.extensiv.prices import PricesSource as ExtensivPrices
from resources.oms.manhattan.orders.mapping import OrderMapper as Manhattan
from resources.oms.manhattan.prices import PricesSource as ManhattanPrices
from tests.resources.oms.anchanto.samples import settings_of as anchanto
from tests.resources.oms.extensiv.samples import settings_of as extensiv
from tests.resources.oms.manhattan.samples import order_of
from tests.resources.oms.manhattan.samples import settings_of as manhattan

D = Decimal
SCALES = {"JPY": D(100), "KWD": D("0.1"), "USD": D(1)}
"""What makes an order's cents yen, or thousandths of a dinar."""


def order_in(currency: str) -> Order:
    """Return an order with a discount, taxes, shipping and a payment in a currency."""
    scale, order = SCALES[currency], order_of()

    def of(amount: Decimal) -> Decimal:
        return amount * scale

    lines = tuple(
        replace(
            line,
            unit_price=of(line.unit_price),
            line_total=of(line.line_total),
            discounts=tuple(replace(one, amount=of(one.amount)) for one in line.discounts),
            taxes=tuple(replace(one, amount=of(one.amount)) for one in line.taxes),
        )
        for line in order.lines
    )
    charges = tuple(replace(c, amount=of(c.amount), tax=of(c.tax)) for c in order.charges)
    payments = tuple(
        replace(
            payment,
            amount=of(payment.amount),
            transactions=tuple(replace(t, amount=of(t.amount)) for t in payment.transactions),
        )
        for payment in order.payments
    )
    return replace(
        order,
        currency=currency,
        lines=lines,
        charges=charges,
        payments=payments,
        total=of(order.total),
        total_tax=of(order.total_tax),
    )


@dataclass(frozen=True)
class Form:
    """How one OMS is sent an order, and which of its numbers are no amounts."""

    payload: Any
    others: frozenset[str]

    def amounts(self, order: Order) -> dict[str, Decimal]:
        """Return path -> each amount that is sent, exactly as JSON states it."""
        return dict(self._of(self.payload(order), ""))

    def _of(self, value: Any, path: str) -> Iterator[tuple[str, Decimal]]:
        if isinstance(value, Mapping):
            for name, part in value.items():
                if name not in self.others:
                    yield from self._of(part, f"{path}.{name}")
        elif isinstance(value, list | tuple):
            for place, part in enumerate(value):
                yield from self._of(part, f"{path}[{place}]")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield path, D(str(value))


FORMS = {
    "manhattan": Form(
        Manhattan(manhattan()).payload,
        frozenset(("Quantity", "TaxRate", "OriginalOrderedQuantity")),
    ),
    "extensiv": Form(Extensiv(extensiv()).payload, frozenset(("line_no", "quantity"))),
    # What one unit costs after its line's discount is rounded, in any currency.
    "anchanto": Form(Anchanto(anchanto()).payload, frozenset(("quantity", "selling_price"))),
}


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
@pytest.mark.parametrize("kind", FORMS)
def test_an_oms_gets_each_amount_exactly_in_the_currencys_own_unit(
    kind: str, currency: str
) -> None:
    """The same amounts as of a currency with cents, none of them rounded to cents."""
    order = order_in(currency)
    assert order_problems([order], None) == {}
    sent, cents = FORMS[kind].amounts(order), FORMS[kind].amounts(order_in("USD"))
    assert len(sent) > 5
    assert sent == {path: amount * SCALES[currency] for path, amount in cents.items()}
    assert {path for path, amount in sent.items() if amount % minor_unit(currency)} == set()


class _NoClient:
    """Mapping makes no call."""


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1980"), ("KWD", "1.234")])
@pytest.mark.parametrize("written", [str, float])
def test_a_price_is_read_exactly_in_the_currencys_own_unit(
    currency: str, amount: str, written: Any
) -> None:
    """As a number or a text, and a store is sent the same number."""
    client: Any = _NoClient()
    row = {"ItemId": "MUG", "CurrencyCode": currency, "BasePrice": written(amount)}
    product = {"sku": "MUG", "name": "Mug", "retail_price": written(amount)}
    found = [
        ManhattanPrices(client, manhattan()).to_canonical(orjson.dumps(row)),
        ExtensivPrices(client, extensiv()).to_canonical(orjson.dumps(product)),
    ]
    for mapped in found:
        assert isinstance(mapped, Mapped)
        price = replace(mapped.record, currency=currency)  # Extensiv's is the connection's
        assert price.regular == D(amount)
        assert price_problems([price]) == {}
        assert D(repr(exact_number(price.regular))) == D(amount)
        assert orjson.loads(tag_content(PriceTag(price.regular)))["regular"] == amount
    finer = replace(price, regular=price.regular + minor_unit(currency) / 10)
    assert set(price_problems([finer])) == {0}
