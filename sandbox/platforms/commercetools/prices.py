"""Standalone prices: one at most for a SKU, currency, country, channel, group and period.

Source: openapi.yaml, ``/standalone-prices``. What the vendor leaves open is decided as follows: a
new value keeps the reduced price, and a reduced price needs a discount by its id.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sandbox.kit.truth import TruePrice
from sandbox.platforms.commercetools.money import cents
from sandbox.platforms.commercetools.replies import (
    conflict,
    invalid_input,
    refuse,
)
from sandbox.system import Request, Response

if TYPE_CHECKING:
    from sandbox.platforms.commercetools.project import Project

Json = dict[str, Any]
SCOPE = ("country", "channel", "customerGroup", "validFrom", "validUntil")


class Prices:
    """Answers the calls about standalone prices."""

    def __init__(self, project: Project) -> None:
        self._project, self._table = project, project.prices

    def handle(self, request: Request, parts: list[str]) -> Response:
        """Answer ``/standalone-prices`` and below."""
        return self._project.resource(
            request, self._table, parts, update=self._update, create=self.create
        )

    def create(self, draft: Json, *, by_hand: bool = False) -> Json:
        """Create a price; another one of its scope is refused."""
        if not isinstance(draft.get("sku"), str) or not draft["sku"]:
            raise invalid_input("Request body does not contain valid JSON: sku")
        made: Json = self._project.envelope() | {"sku": draft["sku"], "active": True}
        made["value"] = _money(draft.get("value"))
        made |= {name: draft[name] for name in (*SCOPE, "key", "active") if name in draft}
        if "discounted" in draft:
            made["discounted"] = _discounted(draft["discounted"])
        if "key" in made and self._table.find("key", made["key"]) is not None:
            message = "A duplicate value exists for field 'key'."
            raise refuse(400, "DuplicateField", message, field="key")
        for other in self._table:
            if _scope(other) == _scope(made):
                raise refuse(
                    400,
                    "DuplicateStandalonePriceScope",
                    "A standalone price with the same scope exists.",
                    conflictingStandalonePrice={"typeId": "standalone-price", "id": other["id"]},
                )
        if not by_hand:
            self._project.count("price_writes")
        return self._project.keep(self._table, made, [], is_new=True)

    def _update(self, price: Json, body: Json) -> Json:
        if body.get("version") != price["version"]:
            raise conflict(price["version"])
        changed = dict(price)
        for action in body.get("actions", []):
            match action.get("action"):
                case "changeValue":
                    if not action.get("staged"):
                        changed["value"] = _money(action.get("value"))
                case "setDiscountedPrice":
                    changed.pop("discounted", None)
                    if action.get("discounted") is not None:
                        changed["discounted"] = _discounted(action["discounted"])
                case "changeActive":
                    changed["active"] = bool(action["active"])
                case kind:
                    message = f"Request body does not contain valid JSON: action {kind!r}"
                    raise invalid_input(message)
        if changed == price:
            return price
        self._project.count("price_writes")
        return self._project.keep(self._table, changed, [])

    def set_by_hand(self, rows: list[Json]) -> int:
        """Set prices as a merchant does: ``{sku, currency, cents, country?, channel?: key}``."""
        for row in rows:
            draft: Json = {"sku": row["sku"]}
            draft["value"] = {"currencyCode": row["currency"], "centAmount": row["cents"]}
            if row.get("country"):
                draft["country"] = row["country"]
            if row.get("channel"):
                channel = self._project.channels.find("key", row["channel"])
                draft["channel"] = {"typeId": "channel", "id": (channel or {})["id"]}
            wanted = _scope(draft)
            found = next((p for p in self._table if _scope(p) == wanted), None)
            if found is None:
                self.create(draft, by_hand=True)
            else:
                changed = found | {"value": _money(draft["value"])}
                self._project.keep(self._table, changed, [])
        return len(rows)

    def truth(self) -> list[TruePrice]:
        """Return all prices neutrally; a list is named by country and channel's key."""
        return [self._true(price) for price in self._table if price["active"]]

    def _true(self, price: Json) -> TruePrice:
        names = [f"country={price['country']}"] if price.get("country") else []
        if price.get("channel"):
            channel = self._project.channels.get(price["channel"]["id"]) or {}
            names.append(f"channel={channel.get('key')}")
        reduced = price.get("discounted")
        return {
            "sku": price["sku"],
            "price_list": ",".join(names),
            "currency": price["value"]["currencyCode"],
            "regular": _text(price["value"]),
            "sale": _text(reduced["value"]) if reduced else "",
        }


def _scope(price: Json) -> tuple[Any, ...]:
    references = (price.get(name) for name in SCOPE)
    ids = (r.get("id", r.get("key")) if isinstance(r, dict) else r for r in references)
    return (price["sku"], price["value"]["currencyCode"], *ids)


def _money(given: Any) -> Json:
    if (
        not isinstance(given, dict)
        or type(given.get("centAmount")) is not int
        or not isinstance(given.get("currencyCode"), str)
    ):
        raise invalid_input("Request body does not contain valid JSON: value")
    return cents(given["centAmount"], given["currencyCode"])


def _discounted(given: Any) -> Json:
    if not isinstance(given, dict) or not (given.get("discount") or {}).get("id"):
        raise invalid_input("Request body does not contain valid JSON: discounted")
    return {"value": _money(given.get("value")), "discount": given["discount"]}


def _text(value: Json) -> str:
    amount = Decimal(value["centAmount"]).scaleb(-int(value["fractionDigits"]))
    return f"{amount.normalize():f}"
