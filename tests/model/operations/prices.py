"""Prices: set at the OMS and by hand in the store, guarded by a limit, approved by operators."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from domain.connections import PRICES
from domain.prices import OWN_PRICES
from resources.ledger.rejections import operator_actions, work_queue
from resources.ledger.rejections.work_queue import RejectionFilter
from tests.assets import documents
from tests.model.life import Life, NotPossibleError
from tests.model.operations.operators import configure
from tests.model.operations.registry import Act, Draw, Register, among, at
from tests.model.promises.prices import paid_prices
from tests.model.systems import PAIR
from tests.model.world import AT_STORE, NAME, STREAMS, ControlError

STORES, OMSES = ("bigcommerce", "commercetools", "salesforce"), ("manhattan", "extensiv")
SKU = among(*documents.SKUS[:3])
CENTS = among(1_000, 1_050, 1_400, 2_000, 9_900)
"""Within ten percent, within fifty, and beyond."""
WRITES = "catalog/(products|variants)$|standalone-prices|composite/sobjects"
"""The paths by which the stores take prices."""
USD = "USD"
FROM, UNTIL = "EffectiveFrom", "EffectiveUntil"
"""The OMS's attributes of a price's period."""
DISCOUNT = "0b9a1f6e-5c3d-4e8a-9f21-7d6c5b4a3e2d"
"""commercetools' product discount that sale prices refer to."""
WHOLESALE, LISTS = "WHOLESALE", ("3", "4")
"""The OMS's price list, and the store's that its prices may go to."""


def among_pairs(stores: tuple[str, ...], omses: tuple[str, ...]) -> Register:
    """Return what registers operations of some stores with some OMSs."""

    def operation(actor: str, weight: float = 1.0, /, **draws: Draw) -> Any:
        def register(act: Act) -> Act:
            for store in stores:
                for oms in omses:
                    at(f"{store}/{oms}")(actor, weight, **draws)(act)
            return act

        return register

    return operation


operation = among_pairs(STORES, OMSES)


@operation("oms", 4, sku=SKU, cents=CENTS)
def set_price(life: Life, sku: str, cents: int) -> None:
    """Set an item's price."""
    allow(life)
    price = Decimal(cents) / 100
    life.world.to_oms("prices", [price_row(sku, price)])
    life.facts.scheduled.pop(sku, None)
    if life.facts.prices.get(sku) != price or sku in life.facts.sales:
        life.facts.priced_by_hand.discard(sku)
    life.facts.prices[sku] = price
    life.facts.sales.pop(sku, None)
    life.facts.stated.add(sku)


@among_pairs(STORES, ("manhattan",))(
    "oms", 3, sku=SKU, cents=CENTS, percent=among(95, 60, 100, 120)
)
def set_sale(life: Life, sku: str, cents: int, percent: int) -> None:
    """Set an item's price with a sale: of little, of much, of nothing, or above the price."""
    allow(life)
    price = Decimal(cents) / 100
    sale = (price * percent / 100).quantize(Decimal("0.01"))
    life.world.to_oms("prices", [price_row(sku, price) | {"SellingPrice": f"{sale:.2f}"}])
    facts = life.facts
    if (facts.prices.get(sku), facts.sales.get(sku)) != (price, sale):
        facts.priced_by_hand.discard(sku)
    facts.scheduled.pop(sku, None)
    facts.prices[sku], facts.sales[sku] = price, sale
    facts.stated.add(sku)


@among_pairs(STORES, ("manhattan",))("oms", 1, sku=SKU, cents=CENTS)
def set_foreign_price(life: Life, sku: str, cents: int) -> None:
    """State a price in a currency that the store's catalog does not have."""
    allow(life)
    price = Decimal(cents) / 100
    life.world.to_oms("prices", [price_row(sku, price) | {"CurrencyCode": "EUR"}])
    life.facts.stated.add(sku)


@among_pairs(STORES, ("manhattan",))("oms", 1, sku=SKU)
def remove_price(life: Life, sku: str) -> None:
    """Remove a price: the store keeps what it shows."""
    if life.facts.prices.pop(sku, None) is None:
        raise NotPossibleError
    life.facts.sales.pop(sku, None)
    life.world.to_oms("prices", [{"ItemId": sku, "CurrencyCode": USD}])


@at("bigcommerce/manhattan")("oms", 2, sku=SKU, cents=CENTS)
def set_list_price(life: Life, sku: str, cents: int) -> None:
    """Set an item's price in the OMS's price list for wholesale."""
    allow(life)
    price = Decimal(cents) / 100
    life.world.to_oms("prices", [price_row(sku, price) | {"PriceListId": WHOLESALE}])
    life.facts.stated.add(sku)
    life.facts.list_prices[sku] = price


@at("bigcommerce/manhattan")("operator", 1, number=among(3, 4))
def point_list(life: Life, number: int) -> None:
    """Write the prices for wholesale to another price list of the store."""
    allow(life)
    configure(life, prices={"lists": {WHOLESALE: str(number)}})
    life.facts.price_list = str(number)


@among_pairs(("bigcommerce", "commercetools"), OMSES)("merchant", 1, sku=SKU, cents=CENTS)
def set_price_by_hand(life: Life, sku: str, cents: int) -> None:
    """Set a price in the store."""
    row: dict[str, Any] = {"sku": sku, "price": str(Decimal(cents) / 100)}
    if life.world.pair.store == "commercetools":
        row = {"sku": sku, "currency": USD, "cents": cents}
    try:
        life.world.to_store("prices", [row])
    except ControlError:
        raise NotPossibleError from None
    life.facts.priced_by_hand.add(sku)
    life.facts.shown_prices[sku] = Decimal(cents) / 100
    life.facts.paid_prices = paid_prices(life)


@operation("operator", 1, limit=among(0.1, 0.5, None))
def set_price_limit(life: Life, limit: float | None) -> None:
    """Choose how large a change goes out without approval."""
    allow(life)
    configure(life, prices={"max_change": limit})
    life.facts.limits.append(limit)


@operation("operator", 1)
def approve_prices(life: Life) -> None:
    """Approve each price that is held, as it is held now."""
    wanted = RejectionFilter(stream=PRICES, connection=NAME)
    with life.world.ledger.session(NAME, "") as session:
        found = work_queue.find(session.db, wanted)
        if not found:
            raise NotPossibleError
        operator_actions.queue_retry(session.db, found, "ann", "as_captured", "checked")
    life.facts.approved |= {one.source_id.partition("@")[0] for one in found}
    life.attempt(life.runs.requested)


@operation("world", 2, fate=among("drop_after", "drop_before", "replaced"), times=among(1, 2))
def lose_prices(life: Life, fate: str, times: int) -> None:
    """Lose prices before or after their effect, or answer them with what can't be used."""
    rule: dict[str, Any] = {"status": 200, "body": "<html/>"} if fate == "replaced" else {}
    life.world.fault(AT_STORE, path=WRITES, kind=fate, times=times, **rule)


def price_row(sku: str, price: Decimal) -> dict[str, Any]:
    """Return a price of the OMS's in its catalog's currency."""
    return {"ItemId": sku, "CurrencyCode": USD, "BasePrice": f"{price:.2f}"}


def allow(life: Life) -> None:
    """Let the connection write prices, from the first one on."""
    if PRICES not in life.world.installation.connections[NAME].streams:
        streams = life.world.sections.get("streams", STREAMS)
        policy: dict[str, Any] = {"first_price": "send", "currency": USD, "interval": "PT1M"}
        named: dict[str, Any] = {"platform": _sales_at(life)}
        if life.world.pair.oms == "manhattan":
            named["oms"] = life.world.with_names(price_from=FROM, price_until=UNTIL)
        if life.world.pair == PAIR:
            life.world.to_store("pricelists", [{"id": int(one)} for one in LISTS])
            policy |= {"lists": {WHOLESALE: LISTS[0]}}
            named["oms"]["names"]["price_list"] = "PriceListId"
        life.world.restart(streams=[*streams, PRICES], prices=policy, **named)


def _sales_at(life: Life) -> dict[str, Any]:
    """Return the settings under which the store takes sale prices."""
    if life.world.pair.store == "commercetools":
        return {"sale_discount": DISCOUNT}
    if life.world.pair.store == "salesforce":
        book = life.world.store.book.put("Pricebook2", {"Name": "Sale", "IsActive": True})
        return {"sale_pricebooks": {OWN_PRICES: book["Id"]}}
    return {}
