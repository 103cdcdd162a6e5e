"""Products are read one by one: one that can't be read is named; an account that fails raises."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from domain.errors import AccessRefused, LockstepError, RecordRejected
from domain.exchange import RawRecord
from domain.records.record import LONGEST_KEY
from resources.oms.extensiv.items import ItemsSource
from resources.oms.extensiv.prices import PricesSource
from resources.oms.extensiv.products import MOST_UNREAD
from resources.oms.extensiv.stock_list import StockList
from tests.resources.oms.extensiv.samples import client_of, ok, settings_of

Source = ItemsSource | PricesSource
Handler = Callable[[httpx.Request], httpx.Response]


def prices(handler: Handler) -> Source:
    """Return the prices of an account."""
    return PricesSource(client_of(handler), settings_of())


def items(handler: Handler) -> Source:
    """Return the items of an account."""
    client, settings = client_of(handler), settings_of()
    return ItemsSource(client, StockList(client, settings), settings)


def answers(*broken: str, status: int = 500, absent: str = "GONE") -> Handler:
    """Answer for any SKU but those that are broken or absent."""

    def handle(request: httpx.Request) -> httpx.Response:
        sku = request.url.path.rsplit("/", 1)[-1]
        if sku in broken:
            return httpx.Response(status, json={"response": [], "code": 1})
        return ok([] if sku == absent else {"sku": sku, "name": sku, "retail_price": "5.00"})

    return handle


def read(source: Source, *skus: str) -> list[RawRecord]:
    """Read products."""
    return [record for page in source.read(skus) for record in page.records]


@pytest.mark.parametrize("made", [prices, items])
def test_a_product_that_cannot_be_read_is_a_rejection_and_no_reason_to_stop(
    made: Callable[[Handler], Source],
) -> None:
    """The others are read, one that the account lacks is absent, and a repeat is no new version."""
    source = made(answers("B"))
    found = {record.source_id.rstrip("@"): record for record in read(source, "A", "B", "GONE", "C")}
    assert list(found) == ["A", "C", "B"]
    with pytest.raises(RecordRejected) as caught:
        source.to_canonical(found["B"].payload)
    assert [problem.field for problem in caught.value.problems] == ["sku"]
    assert "could not be read" in caught.value.problems[0].message
    [again] = [one for one in read(source, "A", "B") if one.source_id == found["B"].source_id]
    assert again.digest == found["B"].digest


@pytest.mark.parametrize("made", [prices, items])
def test_the_longest_sku_keeps_its_key(made: Callable[[Handler], Source]) -> None:
    """Under an id of its content a price that waits for approval would be lost with a change."""
    sku = "S" * LONGEST_KEY
    assert {record.source_id.rstrip("@") for record in read(made(answers()), sku)} == {sku}
    assert {record.source_id.rstrip("@") for record in read(made(answers(sku)), sku, "A")} == {
        sku,
        "A",
    }


@pytest.mark.parametrize("made", [prices, items])
def test_an_account_that_fails_is_its_own_fault(made: Callable[[Handler], Source]) -> None:
    """None can be read, too many can't, or access is refused: no product is blamed."""
    with pytest.raises(LockstepError):
        read(made(answers("A")), "A")
    broken = [f"B{number}" for number in range(MOST_UNREAD + 1)]
    with pytest.raises(LockstepError):
        read(made(answers(*broken)), "A", *broken)
    with pytest.raises(AccessRefused):
        read(made(answers("B", status=401)), "A", "B")
