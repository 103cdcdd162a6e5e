"""What shoppers, the merchant and the warehouse do, one operation at a time, from a seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import httpx

from sandbox.seed import synthetic_seed
from sandbox.seed.catalogue import Catalogue, catalogue
from sandbox.seed.load import post
from sandbox.seed.synthetic import order
from tests.chaos.agents import AGENT_EVERY, Agents
from tests.chaos.people import CUSTOMER_EVERY, PRICE_EVERY, Customers, Prices, Returns
from tests.chaos.sheets import SHEET_EVERY, Sheets
from tests.chaos.systems import Systems
from tests.chaos.ways import WAYS

Json = dict[str, Any]
FIRST_ORDER = 100_001
OPEN, CANCELLED, ON_REVIEW, UNPAID = 11, 5, 12, 7
PRODUCTS = 40
"""Half of them with six variants: enough, and the first read of their stock does not take long."""
REMEMBERED, LATEST = 300, 20
CANCEL_RATE, CHANGE_RATE, EDIT_RATE, DROP_RATE, CLICK_RATE = 0.04, 0.08, 0.05, 0.03, 0.08
CHANGED_RATE = CANCEL_RATE + CHANGE_RATE + EDIT_RATE + DROP_RATE
DAY_EVERY, GOODS_EVERY = 12, 3
"""Operations between two days at the OMS, and between two deliveries of goods to it."""
PERSON = "Zebediah Quartermaine zeb.quartermaine@mailbox.example"
"""A planted customer, who must appear only where customers belong (tests/security/leaks.py)."""
PLANTED_EVERY = 5


class Traffic:
    """Does the operations of one seed; ``counts`` says what was done."""

    def __init__(
        self, systems: Systems, seed: int, streams: Sequence[str] = (), home: Path = Path()
    ) -> None:
        """``streams`` are those of the connection: nothing is done that no stream is about.

        ``home`` is the connection's folder.
        """
        self._systems, self._seed, self.streams = systems, seed, streams
        self._open: list[int] = []
        self._lines: dict[int, list[int]] = {}
        """Order -> its physical lines."""
        self.catalogue: Catalogue = catalogue(PRODUCTS, synthetic_seed.CATALOGUE_SEED)
        self.skew = 0.0
        """Seconds that the store's clock is ahead."""
        self.late = 0
        """How many of the next orders become visible some seconds after their modification time."""
        self.counts: Counter[str] = Counter()
        self._ids: dict[int, str] = {}
        """Order -> its id in the store."""
        self._returnable: list[int] = []
        """Orders that were not changed: what comes back of them can be paid back."""
        self.returned: set[int] = set()
        self.changed: set[int] = set()
        self._customers = Customers(systems, self.counts)
        self._returns = Returns(systems, self.counts)
        self._prices = Prices(systems, self.counts, skus_of(self.catalogue))
        self.agents = Agents(systems, self.counts, self._ids, home)
        firsts = [first_sku(row) for row in self.catalogue.products]
        new = WAYS[systems.pair.store].new_product
        self.sheets = Sheets(home, self.counts, [sku for sku in firsts if sku], new)

    def fill(self) -> None:
        """Load catalogue and stock, without orders."""
        today, goods = datetime.now(UTC).date(), self.catalogue
        empty = replace(
            synthetic_seed.seed_set(0, 1, today, 1),
            products=goods.products,
            items=goods.items,
            supply=goods.supply,
        )
        post(self._systems.url, *self._systems.paths, empty)

    def operate(self, index: int) -> None:
        """Do the ``index``-th operation: an order, and now and then what comes with orders."""
        dice = Random(f"traffic:{self._seed}:{index}")
        self._place(dice, FIRST_ORDER + index)
        if self._open:
            self._change(dice, FIRST_ORDER + index)
        if index % GOODS_EVERY == 0:
            row = dice.choice(self.catalogue.supply)
            self._systems.oms(
                "supply", [{**row, "quantity": dice.randrange(1, 500), "mode": "adjust"}]
            )
            self.counts["goods"] += 1
        if "customers" in self.streams and index % CUSTOMER_EVERY == 0:
            self._customers.operate(Random(f"customers:{self._seed}:{index}"), index)
        if "prices" in self.streams and index % PRICE_EVERY == 0:
            self._prices.operate(Random(f"prices:{self._seed}:{index}"))
        if "actions" in self.streams and index % AGENT_EVERY == AGENT_EVERY - 1:
            self._ask(Random(f"agents:{self._seed}:{index}"))
        if "listings" in self.streams and index % SHEET_EVERY == SHEET_EVERY - 1:
            self.sheets.operate(Random(f"sheets:{self._seed}:{index}"))
        if index % DAY_EVERY == DAY_EVERY - 1:
            self.day(dice)

    def _ask(self, dice: Random) -> None:
        """Let an agent ask; an order that loses units by that is not changed or sent back then."""
        latest = self._open[-LATEST:]
        number = self.agents.operate(dice, latest, [n for n in latest if n not in self.changed])
        if number is not None:
            self._open.remove(number)
            if number in self._returnable:
                self._returnable.remove(number)

    def _change(self, dice: Random, newest: int) -> None:
        """Let shopper or merchant change their mind about an order, or about none."""
        [change] = dice.choices(
            (self._cancel, self._message, self._quantity, self._remove_line, None),
            (CANCEL_RATE, CHANGE_RATE, EDIT_RATE, DROP_RATE, 1 - CHANGED_RATE),
        )
        if not WAYS[self._systems.pair.store].edits_lines:
            change = self._message if change in (self._quantity, self._remove_line) else change
        if change is not None:
            change(dice)
        if self._open and self._open[-1] == newest and dice.random() < CLICK_RATE:
            self._click_through(dice, newest)

    def _cancel(self, dice: Random) -> None:
        number = self._open.pop(dice.randrange(len(self._open)))
        self._keep(number)
        self._status(number, CANCELLED)
        self.counts["canceled"] += 1

    def _message(self, dice: Random) -> None:
        text = f"Please leave it at door {dice.randrange(1, 999)}"
        number = dice.choice(self._open)
        self.changed.add(number)
        path = f"seed/orders/{self._ids[number]}"
        self._systems.store(path, {"customer_message": text}, "PATCH")
        self.counts["changed"] += 1

    def _quantity(self, dice: Random) -> None:
        """Order more or less of a line of one of the last orders."""
        number = dice.choice(self._open[-LATEST:])
        if lines := self._lines[number]:
            self._keep(number)
            change = {"id": dice.choice(lines), "quantity": dice.randrange(1, 4)}
            self._patch(number, {"products": [change]})
            self.counts["edited"] += 1

    def _remove_line(self, dice: Random) -> None:
        number = dice.choice(self._open[-LATEST:])
        lines = self._lines[number]
        if len(lines) > 1:
            self._keep(number)
            line = lines.pop(dice.randrange(len(lines)))
            self._patch(number, {"products": [{"id": line, "quantity": 0}]})
            self.counts["line_removed"] += 1

    def _click_through(self, dice: Random, number: int) -> None:
        """Set the order that was placed last to other statuses, and back within the second."""
        for status in dice.sample((ON_REVIEW, UNPAID), dice.randrange(1, 3)):
            self._status(number, status)
        self._status(number, OPEN)
        self.counts["clicked"] += 1

    def _status(self, number: int, status: int) -> None:
        path = f"seed/orders/{self._ids[number]}/status"
        self._systems.store(path, {"status_id": status})

    def _keep(self, number: int) -> None:
        """Let nothing of an order come back: it is not what was paid for any more."""
        self.changed.add(number)
        if number in self._returnable:
            self._returnable.remove(number)

    def _patch(self, number: int, change: Json) -> None:
        self._systems.store(f"orders/{number}", change, "PATCH")

    def close_books(self) -> None:
        """Let two more days go by, on which what is on its way back arrives."""
        for day in range(2):
            self.day(Random(f"traffic:{self._seed}:last:{day}"))
        if "returns" in self.streams:
            for _ in range(3):
                self._returns.operate()
        if "listings" in self.streams:
            self.sheets.close()

    def _place(self, dice: Random, number: int) -> None:
        late = 0.0
        if self.late:
            self.late -= 1
            late = dice.uniform(1, 8)
            self.counts["late"] += 1
        moment = (datetime.now(UTC) + timedelta(seconds=self.skew - late)).replace(microsecond=0)
        document = order(dice, self.catalogue, moment, number)
        document |= {"date_modified": document["date_created"]}
        if number % PLANTED_EVERY == 0:
            _plant(document)
        try:
            [self._ids[number]] = self._systems.store("seed/orders", [document])["ids"]
        except httpx.HTTPStatusError as error:
            if error.response.status_code != httpx.codes.BAD_REQUEST:
                raise
            self.counts["refused"] += 1  # a store of this kind has no place for it
            return
        if document["status_id"] == OPEN:
            self._returnable += [number] if _is_simple(document) else []
            self._open = [*self._open, number][-REMEMBERED:]
            self._lines[number] = [
                line["id"] for line in document["products"] if line["type"] == "physical"
            ]
        self.counts["orders"] += 1

    def day(self, dice: Random) -> None:
        """Let a day go by at the OMS."""
        self._systems.oms("advance", {"to": "day", "seed": dice.randrange(1 << 30)})
        self.counts["days"] += 1
        if "returns" in self.streams:
            self._send_back(dice)

    def _send_back(self, dice: Random) -> None:
        self._returns.operate()
        number = self._returns.open(dice, self._returnable)
        if number is not None:
            self._returnable.remove(number)
            self.returned.add(number)
            self._open = [each for each in self._open if each != number]

    def touch(self, dice: Random, times: int) -> None:
        """Let the OMS list unchanged orders again: duplicated events."""
        rows = self._systems.rows(f"{self._systems.paths.oms}/effects/orders")
        known = [row.get("OrderId") or row["id"] for row in rows[-REMEMBERED:]]
        for order_id in dice.sample(known, min(times, len(known))):
            self._systems.oms(f"orders/{order_id}/touch", {})
            self.counts["touched"] += 1


def first_sku(product: Json) -> str:
    """Return the SKU of a product, or of its first variant."""
    return str((product.get("variants") or [product])[0]["sku"])


def skus_of(catalogue: Catalogue) -> list[str]:
    """Return the SKUs that the store sells."""
    return sorted(
        each["sku"] for row in catalogue.products for each in row.get("variants") or [row]
    )


def _is_simple(document: Json) -> bool:
    """Return whether units of an order can be paid back, each for its price."""
    return (
        len(document.get("shipping_addresses") or ()) == 1
        and {line["type"] for line in document["products"]} == {"physical"}
        and [paid["event"] for paid in document["transactions"]] == ["purchase"]
    )


def _plant(document: Json) -> None:
    first, last, email = PERSON.split()
    who = {"first_name": first, "last_name": last, "email": email}
    document["billing_address"] |= who
    document["shipping_addresses"] = [
        address | who for address in document.get("shipping_addresses", ())
    ]
