"""Corrections of rejected orders: values that operators put instead of captured ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from domain.errors import PermanentError
from resources.ledger.rejections import operator_actions
from resources.ledger.rejections.work_queue import Rejection
from resources.ledger.session import Session
from tests.assets import documents
from tests.model.life import CORRECT_SKU, Life, NotPossibleError
from tests.model.operations.operators import WHO, open_rejections
from tests.model.operations.registry import among, between, operation
from tests.model.world import NAME

VALUES: Mapping[str, str] = {
    "sku_unknown": CORRECT_SKU,
    "shipping_method_unknown": "Ground",
    "postcode_missing": "78701",
}
"""Code of a problem -> the right value."""
SKU_OF_LINE: Mapping[str, str] = {
    "bigcommerce": "sku",
    "commercetools": "variant.sku",
    "salesforce": "Product2.StockKeepingUnit",
}
"""Where a line of a store's order has its SKU."""


@operation("operator", 2, place=between(0, 3), whole=among(True, True, False))
def correct(life: Life, place: int, whole: bool) -> None:
    """Correct one of the wrong values of a rejected order, or all of them, and retry it."""
    found = [one for one in open_rejections(life) if one.stream == "orders" and _texts(life, one)]
    if not found:
        raise NotPossibleError
    one = found[place % len(found)]
    texts = _texts(life, one)
    with life.world.ledger.session(NAME, "") as session:
        _edit(session, one, texts if whole else texts[:1])
        operator_actions.queue_retry(session.db, [one], WHO, "as_captured", "corrected")
    if any(text.endswith(f"={CORRECT_SKU}") for text in texts):
        life.facts.corrected.add(_number(life, one.source_id))
    life.attempt(life.runs.requested)


def _edit(session: Session, one: Rejection, texts: list[str]) -> None:
    try:
        changes = operator_actions.planned_edit(session.db, one, texts)
    except PermanentError:
        raise NotPossibleError from None  # the capture is gone, or has no such field
    operator_actions.edit(session.db, one, changes, WHO, "asked the customer")


def _texts(life: Life, one: Rejection) -> list[str]:
    return [*_changes(life, one)]


def _changes(life: Life, one: Rejection) -> Iterator[str]:
    for problem in one.problems:
        value, path = VALUES.get(problem["code"]), problem["field"]
        if value is None or problem["value"] not in ("", "Sled", documents.NOT_AT_OMS):
            continue
        if path.endswith("].sku"):
            path = path.removesuffix("sku") + SKU_OF_LINE[life.world.pair.store]
        yield f"{path}={value}"


def _number(life: Life, source_id: str) -> int:
    orders = life.world.ask_store("truth")["orders"]
    return next(int(order["number"]) for order in orders if order["id"] == source_id)
