"""What shoppers, the merchant and the warehouse do, one operation at a time, from a seed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import httpx
import orjson

from sandbox.seed import synthetic_seed
from sandbox.seed.catalogue import Catalogue
from sandbox.seed.load import post
from sandbox.seed.synthetic import order

Json = dict[str, Any]
FIRST_ORDER = 100_001
OPEN, CANCELLED, ON_REVIEW, UNPAID = 11, 5, 12, 7
REMEMBERED, LATEST = 300, 20
CANCEL_RATE, CHANGE_RATE, EDIT_RATE, DROP_RATE, CLICK_RATE = 0.04, 0.08, 0.05, 0.03, 0.08
CHANGED_RATE = CANCEL_RATE + CHANGE_RATE + EDIT_RATE + DROP_RATE
DAY_EVERY, GOODS_EVERY = 12, 3
"""Operations between two days at the OMS, and between two deliveries of goods to it."""
PERSON = "Zebediah Quartermaine zeb.quartermaine@mailbox.example"
"""A planted customer, who must appear only where customers belong (tests/security/leaks.py)."""
PLANTED_EVERY = 5


class Systems:
    """The control of both simulated systems."""

    def __init__(self, url: str, name: str) -> None:
        self.url, self.name = url, name
        self.http = httpx.Client(base_url=f"{url}/_sandbox", timeout=120)

    def store(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call of the store."""
        return self._call(method, f"bigcommerce/{self.name}/{path}", body)

    def oms(self, path: str, body: Any = None, method: str = "POST") -> Any:
        """Make a control call of the OMS."""
        return self._call(method, f"manhattan/{self.name}/{path}", body)

    def rows(self, path: str) -> list[Json]:
        """Read an NDJSON list, such as ``manhattan/{name}/effects/orders``."""
        answer = self.http.get(f"/{path}").raise_for_status()
        return [orjson.loads(line) for line in answer.content.splitlines() if line.strip()]

    def _call(self, method: str, path: str, body: Any) -> Any:
        answer = self.http.request(
            method, f"/{path}", content=None if body is None else orjson.dumps(body)
        )
        answer.raise_for_status()
        return orjson.loads(answer.content)

    def close(self) -> None:
        """Give the connections back."""
        self.http.close()


class Traffic:
    """Does the operations of one seed; ``counts`` says what was done."""

    def __init__(self, systems: Systems, seed: int) -> None:
        self._systems, self._seed = systems, seed
        self._open: list[int] = []
        self._lines: dict[int, list[int]] = {}
        """Order -> its physical lines."""
        self.catalogue: Catalogue = synthetic_seed.standard_catalogue()
        self.skew = 0.0
        """Seconds that the store's clock is ahead."""
        self.late = 0
        """How many of the next orders become visible some seconds after their modification time."""
        self.counts: Counter[str] = Counter()

    def fill(self) -> None:
        """Load catalogue and stock, without orders."""
        today = datetime.now(UTC).date()
        post(
            self._systems.url,
            f"bigcommerce/{self._systems.name}",
            f"manhattan/{self._systems.name}",
            synthetic_seed.seed_set(0, 1, today, 1),
        )

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
        if index % DAY_EVERY == DAY_EVERY - 1:
            self.day(dice)

    def _change(self, dice: Random, newest: int) -> None:
        """Let shopper or merchant change their mind about an order, or about none."""
        [change] = dice.choices(
            (self._cancel, self._message, self._quantity, self._remove_line, None),
            (CANCEL_RATE, CHANGE_RATE, EDIT_RATE, DROP_RATE, 1 - CHANGED_RATE),
        )
        if change is not None:
            change(dice)
        if self._open and self._open[-1] == newest and dice.random() < CLICK_RATE:
            self._click_through(dice, newest)

    def _cancel(self, dice: Random) -> None:
        number = self._open.pop(dice.randrange(len(self._open)))
        self._status(number, CANCELLED)
        self.counts["cancelled"] += 1

    def _message(self, dice: Random) -> None:
        text = f"Please leave it at door {dice.randrange(1, 999)}"
        self._patch(dice.choice(self._open), {"customer_message": text})
        self.counts["changed"] += 1

    def _quantity(self, dice: Random) -> None:
        """Order more or less of a line of one of the last orders."""
        number = dice.choice(self._open[-LATEST:])
        if lines := self._lines[number]:
            change = {"id": dice.choice(lines), "quantity": dice.randrange(1, 4)}
            self._patch(number, {"products": [change]})
            self.counts["edited"] += 1

    def _remove_line(self, dice: Random) -> None:
        number = dice.choice(self._open[-LATEST:])
        lines = self._lines[number]
        if len(lines) > 1:
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
        self._systems.store(f"orders/{number}/status", {"status_id": status})

    def _patch(self, number: int, change: Json) -> None:
        self._systems.store(f"orders/{number}", change, "PATCH")

    def close_books(self) -> None:
        """Let the OMS list unchanged orders again: duplicated events."""
        for day in range(2):
            self.day(Random(f"traffic:{self._seed}:last:{day}"))

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
        self._systems.store("orders", [document])
        if document["status_id"] == OPEN:
            self._open = [*self._open, number][-REMEMBERED:]
            self._lines[number] = [
                line["id"] for line in document["products"] if line["type"] == "physical"
            ]
        self.counts["orders"] += 1

    def day(self, dice: Random) -> None:
        """Let a day go by at the OMS."""
        self._systems.oms("advance", {"to": "day", "seed": dice.randrange(1 << 30)})
        self.counts["days"] += 1

    def touch(self, dice: Random, times: int) -> None:
        """Let the OMS list unchanged orders again: duplicated events."""
        known = [
            row["OrderId"]
            for row in self._systems.rows(f"manhattan/{self._systems.name}/effects/orders")[
                -REMEMBERED:
            ]
        ]
        for order_id in dice.sample(known, min(times, len(known))):
            self._systems.oms(f"orders/{order_id}/touch", {})
            self.counts["touched"] += 1


def _plant(document: Json) -> None:
    first, last, email = PERSON.split()
    who = {"first_name": first, "last_name": last, "email": email}
    document["billing_address"] |= who
    document["shipping_addresses"] = [
        address | who for address in document.get("shipping_addresses", ())
    ]
