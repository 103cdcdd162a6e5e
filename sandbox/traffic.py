"""Live traffic: shoppers place, change and cancel orders; the OMS advances and receives goods.

Run ``python -m sandbox.traffic --url http://127.0.0.1:8700 --store bigcommerce/demo
--oms manhattan/demo``; it ends on SIGTERM or SIGINT. Orders and their changes are in the form of
the seeds, which every store takes below ``seed/``.
"""

from __future__ import annotations

import argparse
import logging
import signal
import threading
from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from time import monotonic
from typing import Any

import httpx
import orjson

from sandbox.seed.catalogue import Catalogue
from sandbox.seed.synthetic import order
from sandbox.seed.synthetic_seed import standard_catalogue

ADVANCE_SECONDS = 10.0
REMEMBERED = 500  # only recent orders are changed
CHANGE_RATE, CANCEL_RATE = 0.05, 0.03
CANCELLED, AWAITING_FULFILMENT = 5, 11
TIMEOUT = 30.0
logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Traffic:
    """Places orders at one store and advances one OMS; ``counts`` reports the actions.

    Both are paths of instances in the sandbox, ``{kind}/{instance}``.
    """

    client: httpx.Client
    store: str
    oms: str
    random: Random
    catalogue: Catalogue
    recent: deque[int | str] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    counts: Counter[str] = field(default_factory=Counter)

    def place(self) -> None:
        """Place one new order, and occasionally change or cancel an earlier one."""
        document = order(
            self.random, self.catalogue, datetime.now(UTC).replace(microsecond=0), None
        )
        # A generated change is dated up to ten minutes ahead.
        document |= {"date_modified": document["date_created"]}
        answer = self._post(f"{self.store}/seed/orders", [document])
        if document["status_id"] == AWAITING_FULFILMENT:
            self.recent.extend(answer["ids"])
        self.counts["placed"] += 1
        chance = self.random.random()
        if self.recent and chance < CANCEL_RATE:
            number = self.random.choice(self.recent)
            self.recent.remove(number)
            self._post(f"{self.store}/seed/orders/{number}/status", {"status_id": CANCELLED})
            self.counts["canceled"] += 1
        elif self.recent and chance < CANCEL_RATE + CHANGE_RATE:
            number = self.random.choice(self.recent)
            note = f"Please leave it at door {self.random.randrange(1, 99)}"
            self._send("PATCH", f"{self.store}/seed/orders/{number}", {"customer_message": note})
            self.counts["changed"] += 1

    def advance(self) -> None:
        """Advance the OMS by a day, and receive goods for one SKU."""
        day = self.counts["days"]
        self._post(f"{self.oms}/advance", {"to": "day", "seed": day})
        row = self.random.choice(self.catalogue.supply)
        self._post(
            f"{self.oms}/supply",
            [{**row, "quantity": self.random.randrange(1, 500), "mode": "adjust"}],
        )
        self.counts["days"] += 1

    def _post(self, path: str, body: Any) -> Any:
        return self._send("POST", path, body)

    def _send(self, method: str, path: str, body: Any) -> Any:
        response = self.client.request(method, f"/_sandbox/{path}", content=orjson.dumps(body))
        response.raise_for_status()
        return orjson.loads(response.content)


def run(
    base_url: str,
    store: str,
    oms: str,
    rate_per_second: float,
    seed: int,
    stop_event: threading.Event,
    catalogue: Catalogue | None = None,
    advance_seconds: float = ADVANCE_SECONDS,
) -> Counter[str]:
    """Make traffic until the event is set and return the counts; blocking, so run it in a thread.

    The catalogue (default: the synthetic seed's) must be loaded. A failed call is logged and
    counted as ``failed``: the sandbox may be restarting, or may have faults set.
    """
    with httpx.Client(base_url=base_url, timeout=TIMEOUT) as client:
        traffic = Traffic(client, store, oms, Random(seed), catalogue or standard_catalogue())
        interval = 1 / rate_per_second
        next_order = next_day = monotonic()
        while not stop_event.wait(max(0.0, min(next_order, next_day) - monotonic())):
            action = traffic.place if next_order <= next_day else traffic.advance
            try:
                action()
            except httpx.HTTPError as problem:
                traffic.counts["failed"] += 1
                logger.warning("traffic call failed, continuing with the next: %s", problem)
            # From now, not from when it was due, so that there is no burst after a pause.
            if action == traffic.place:
                next_order = max(next_order + interval, monotonic())
            else:
                next_day = max(next_day + advance_seconds, monotonic())
        return traffic.counts


def main() -> None:
    """Read the arguments and make traffic until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.traffic", description="Live traffic for a running sandbox."
    )
    parser.add_argument("--url", required=True, help="base URL of the sandbox")
    parser.add_argument("--store", required=True, help="path of the store, KIND/INSTANCE")
    parser.add_argument("--oms", required=True, help="path of the OMS, KIND/INSTANCE")
    parser.add_argument("--rate", type=float, default=0.5, help="new orders a second (default 0.5)")
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of the random choices (default 1)"
    )
    arguments = parser.parse_args()
    if arguments.rate <= 0:
        parser.error("--rate must be above 0")
    logging.basicConfig(level=logging.WARNING)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    print(
        dict(
            run(
                arguments.url,
                arguments.store,
                arguments.oms,
                arguments.rate,
                arguments.seed,
                stop,
            )
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
