"""What happens beside the orders: customers register, goods come back, prices move."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import httpx

from sandbox.seed import registered
from tests.chaos.systems import Systems
from tests.chaos.ways import WAYS

Json = dict[str, Any]
FIRST_CUSTOMER = 900_001
CUSTOMER_EVERY, PRICE_EVERY = 4, 2
"""Operations between two registrations, and between two prices."""
CHANGE_RATE, DELETE_RATE = 0.5, 0.15
STEPS: tuple[tuple[str, Json], ...] = (
    ("scan", {}),
    ("receive", {"condition": "Good"}),
    ("verify", {"condition": "Good"}),
)
"""What becomes of a return, one step an operation."""
CENTS = (199, 9_999)


class Customers:
    """Registered customers of the store."""

    def __init__(self, systems: Systems, counts: Counter[str]) -> None:
        self._systems, self._counts = systems, counts
        self._known: list[tuple[str, Json]] = []
        """Id in the store, and the seed's document."""

    def operate(self, dice: Random, index: int) -> None:
        """Register a customer, and now and then change or delete another one."""
        number = FIRST_CUSTOMER + index
        [document] = registered.customers(1, dice.getrandbits(30))
        document |= {"id": number, "email": f"registered{number}@mail.example"}
        for place, address in enumerate(document["addresses"], 1):
            address["id"] = number * 10 + place
        [made] = self._systems.store("seed/customers", [document])["ids"]
        self._known.append((str(made), document))
        self._counts["registered"] += 1
        place = dice.randrange(len(self._known))
        if dice.random() < CHANGE_RATE:
            self._change(place, f"Renamed {dice.randrange(1, 999)}")
        elif dice.random() < DELETE_RATE and not WAYS[self._systems.pair.store].loses_deletions:
            name, _ = self._known.pop(place)
            self._systems.store(f"customers/{name}", {}, "DELETE")
            self._counts["deleted"] += 1

    def _change(self, place: int, first_name: str) -> None:
        name, document = self._known[place]
        if self._systems.pair.store == "salesforce":
            contacts = self._systems.rows(f"{self._systems.paths.store}/dump/Contact")
            contact = next(row["Id"] for row in contacts if row["AccountId"] == name)
            self._systems.store("put/Contact", {"Id": contact, "FirstName": first_name})
        else:
            document["first_name"] = first_name
            self._systems.store("seed/customers", [document])
        self._counts["renamed"] += 1


class Returns:
    """Units of shipped orders that come back to the OMS."""

    def __init__(self, systems: Systems, counts: Counter[str]) -> None:
        self._systems, self._counts = systems, counts
        self._on_their_way: list[tuple[str, int]] = []
        """Return's id, and how many steps it has gone."""

    def open(self, dice: Random, numbers: list[int]) -> int | None:
        """Send a unit back of one of these orders, if one has shipped; return its number."""
        for number in dice.sample(numbers, min(len(numbers), 5)):
            with suppress(httpx.HTTPStatusError):  # it has not reached the OMS
                path = f"{self._systems.paths.oms}/effects/order/{number}"
                held = self._systems.call("GET", path, None)
                lines = [line for package in held["packages"] for line in package["lines"]]
                if lines and not held["canceled"]:
                    line = dice.choice(lines)["OrderLineId"]
                    self._open(number, line)
                    return number
        return None

    def _open(self, number: int, line: str) -> None:
        wanted = {"lines": [{"line": line, "quantity": 1}]}
        made = self._systems.oms(f"orders/{number}/returns", wanted)["return"]
        self._on_their_way.append((made, 0))
        self._counts["returned"] += 1

    def operate(self) -> None:
        """Take each return that is on its way one step further."""
        going = self._on_their_way
        self._on_their_way = []
        for name, step in going:
            what, body = STEPS[step]
            self._systems.oms(f"orders/{name}/{what}", body)
            if step + 1 < len(STEPS):
                self._on_their_way.append((name, step + 1))


class Prices:
    """Prices of the OMS."""

    def __init__(self, systems: Systems, counts: Counter[str], skus: list[str]) -> None:
        self._systems, self._counts, self._skus = systems, counts, skus

    def operate(self, dice: Random) -> None:
        """Set the price of one of the SKUs."""
        row = {
            "ItemId": dice.choice(self._skus),
            "CurrencyCode": "USD",
            "BasePrice": dice.randrange(*CENTS) / 100,
        }
        self._systems.oms("prices", [row])
        self._counts["prices"] += 1
