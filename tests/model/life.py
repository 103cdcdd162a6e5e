"""One program's life: its world, its runs, and what its actors did that no system shows."""

from __future__ import annotations

import copy
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import orjson

from resources.ledger.database.compression import decompress
from tests.assets import documents
from tests.model.facts import Facts
from tests.model.ledger import CrashedError
from tests.model.runs import Runs
from tests.model.systems import PAIR
from tests.model.world import World

Json = dict[str, Any]
OUTGOING = (11,)
REFUNDED = 4
SENT_ON = (11, 3, 8, 9, 14)
"""Statuses in which a change of an order that the OMS has is sent."""
DIED = "the process died"
CORRECT_SKU = "LAMP"
"""What operators replace the SKU by that the OMS does not know."""
DUE = """SELECT stream, source_id, 'record' FROM sync.record
         WHERE state = 'accepted' AND outcome IS NULL
         UNION ALL SELECT stream, source_id, state FROM sync.delivery d
         WHERE state IN ('in_flight', 'failed') AND NOT EXISTS (
             SELECT FROM sync.record r JOIN sync.rejection x USING (connection, stream, source_id)
             WHERE d.state = 'failed' AND r.outcome = 'superseded' AND x.state = 'open'
             AND r.connection = d.connection AND r.stream = d.stream
             AND r.source_day = d.source_day AND r.capture_id = d.capture_id)
         UNION ALL SELECT stream, '', 'rerun' FROM sync.rerun WHERE outcome = ''"""
"""What failed and was replaced by a change that is rejected waits until that is decided."""
UNVALIDATED = """SELECT 1 FROM sync.capture c WHERE stream = 'orders' AND NOT EXISTS (
    SELECT FROM sync.record r WHERE r.stream = 'orders' AND r.connection = c.connection
    AND r.source_day = c.source_day AND r.capture_id = c.capture_id) LIMIT 1"""
CAPTURED = "SELECT source_id, payload FROM sync.capture WHERE stream = 'orders'"
OPEN = """SELECT stream, source_id, code FROM sync.rejection
          WHERE state IN ('open', 'retried') ORDER BY 1, 2, 3"""


class NotPossibleError(Exception):
    """The operation makes no sense in the current state; it is left out."""


@dataclass
class Life:
    """The state of one program."""

    world: World
    runs: Runs
    facts: Facts = field(default_factory=Facts)
    backup: Facts | None = None
    others: list[bool] = field(default_factory=list)
    """Whether the runs succeeded that other processes made during the current one."""
    done: list[str] = field(default_factory=list)
    """Operations that had an effect."""
    seeds: dict[int, Json] = field(default_factory=dict)
    """Order -> what was placed, as a seed; changed when shoppers change it."""
    happened: defaultdict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Order -> the operations that were done to it."""

    def document(self, number: int) -> Json:
        """Return the store's order; raises ``NotPossibleError`` if there is none."""
        found: Json | None = self.world.store.book.load(number)
        if found is None:
            raise NotPossibleError
        return found

    def line(self, number: int, place: int) -> Json:
        """Return a line of an order by its place."""
        products: list[Json] = self.document(number)["products"]
        if not products:
            raise NotPossibleError
        return products[place % len(products)]

    def at_oms(self, number: int) -> Json:
        """Return what the OMS holds; raises ``NotPossibleError`` if it has no such order."""
        order_id = self.world.oms_id(number)
        if order_id not in self.world.tenant._state.book.records:
            raise NotPossibleError
        found: Json = self.world.ask_oms(f"effects/order/{order_id}")
        return found

    def live(self, *streams: str) -> bool:
        """Make a live run, or what is left of it when the process dies; note what it was shown."""
        before, others = self.shown(), len(self.others)
        try:
            good = self.runs.live(*streams)
        except CrashedError:
            good = False
        self.revive()
        # What another process has read in the meantime is newer.
        if (not streams or "orders" in streams) and not any(self.others[others:]):
            self.note(before, complete=good)
        return good

    def let_another_run(self, *streams: str) -> None:
        """Make a live run of another process, in the middle of one: of orders, and others."""
        before, runs = self.shown(), Runs(self.world, log=self.runs.log, numbers=self.runs.numbers)
        with ThreadPoolExecutor(1) as thread:
            good = thread.submit(runs.live, *streams).result()
            thread.submit(runs.unfinished, *streams).result()
        self.note(before, complete=good)
        self.others.append(good)

    def attempt(self, work: Any, *given: Any, **named: Any) -> bool:
        """Make another run, which may die."""
        try:
            good = bool(work(*given, **named))
        except CrashedError:
            good = False
        self.revive()
        return good

    def sweep(self) -> None:
        """Let the half-hourly sweep run."""
        before = self.shown()
        self.note(before, complete=self.attempt(self.runs.sweep))

    def revive(self) -> None:
        """Start a process instead of the last one, if that has died."""
        if self.world.is_dead:
            self.world.revive()
            self.runs.log.append(DIED)

    def has_died(self) -> bool:
        """Return whether the last run ended with the process."""
        return self.runs.log[-1:] == [DIED]

    def is_due(self) -> list[tuple[Any, ...]]:
        """Return what is not finished, by the ledger."""
        return self.world.database.rows(DUE)

    def signature(self) -> tuple[Any, ...]:
        """Return what changes when anything is done: effects at both systems, open rejections."""
        if self.world.pair != PAIR:
            held = (self.world.ask_store("truth"), self.world.ask_oms("truth"))
            counts = self.world.ask_oms("counts")
            writes = [counts.get(name) for name in ("creates", "saves", "cancels")]
            return (*held, writes, *self.world.database.rows(OPEN))  # late ones may only touch
        store, oms = self.world.ask_store("counts"), self.world.ask_oms("counts")
        effects = [store[name] for name in ("shipments", "status_changes", "inventory_writes")]
        effects += [oms[name] for name in ("saves", "cancels", "customer_saves")]
        effects += [store["price_writes"]]
        named = [product["name"] for product in self.world.store.catalog.products.values()]
        return (*effects, named, *self.world.database.rows(OPEN))

    def shown(self) -> dict[int, Json]:
        """Return the store's orders as they are now, where the model knows its documents."""
        if self.world.pair != PAIR:
            return {}
        return {number: self.document(number) for number in self.world.store.book.by_id}

    def note(self, shown: dict[int, Json], *, complete: bool) -> None:
        """Note what a capture of orders was shown; it may have missed it unless complete."""
        facts = self.facts
        complete = complete and not self.world.database.rows(UNVALIDATED)
        captured = {
            (source_id, orjson.loads(decompress(payload)).get("date_modified"))
            for source_id, payload in self.world.database.rows(CAPTURED)
        }
        for number, document in shown.items():
            status, withdrawn = document["order"]["status_id"], is_withdrawn(document)
            modified = document["order"]["date_modified"]
            was_read = complete and (str(number), modified) in captured
            if status in OUTGOING and not withdrawn:
                (facts.seen_outgoing if was_read else facts.maybe_outgoing).add(number)
            if (status in SENT_ON or is_partly_refunded(document)) and not withdrawn:
                if was_read:
                    facts.wanted[number] = []
                facts.wanted.setdefault(number, []).append(wanted_of(document))

    def place_in_channel(self, number: int, channel: int | None = None) -> Any:
        """Note an order's channel, by default that of its connection; return the store's name."""
        world = self.world
        chosen = world.names.index(world.connection_of(number)) if channel is None else channel
        self.facts.channels[number] = chosen
        return world.channel_name(chosen)

    def as_sent(self, number: int, sku: str) -> str:
        """Return the SKU under which a line of an order was sent, if it was."""
        is_corrected = number in self.facts.corrected and sku == documents.NOT_AT_OMS
        return CORRECT_SKU if is_corrected else sku

    def open_again(self, number: int) -> None:
        """Note that the store is about to open an order again that both systems have canceled."""
        orders = [
            order
            for truth in (self.world.ask_store("truth"), self.world.ask_oms("truth"))
            for order in truth["orders"]
            if order["number"] == str(number)
        ]
        if len(orders) > 1 and all(order["canceled"] for order in orders):
            self.facts.reopened.add(number)

    def keep_backup(self) -> None:
        """Back up the ledger."""
        self.world.database.back_up()
        self.backup = copy.deepcopy(self.facts)

    def restore_backup(self) -> None:
        """Restore the backup; what was shown since then is known to no process any more."""
        if self.backup is None:
            raise NotPossibleError
        self.world.database.restore()
        old, now = copy.deepcopy(self.backup), self.facts
        now.maybe_outgoing |= now.seen_outgoing
        now.seen_outgoing = old.seen_outgoing
        now.discarded = old.discarded
        now.reopened.clear()
        now.unsure |= {one.number for one in now.asked}
        for number, contents in old.wanted.items():
            now.wanted[number] = [*now.wanted.get(number, []), *contents]


def is_withdrawn(document: Json) -> bool:
    """Return whether the store has canceled, declined or archived an order."""
    return document["order"]["status_id"] in (5, 6) or document["order"]["is_deleted"]


def is_refunded(document: Json) -> bool:
    """Return whether the whole order has been refunded, whatever its status says since."""
    if document["order"]["status_id"] == REFUNDED:
        return True
    lines = document["products"]
    return bool(lines) and all(line["quantity_refunded"] >= line["quantity"] for line in lines)


def is_partly_refunded(document: Json) -> bool:
    """Return whether units were refunded that have not shipped: that is sent in any status."""
    return any(_owed_units(line) < line["quantity"] for line in document["products"])


def wanted_of(document: Json) -> Json:
    """Return what the OMS should hold of a store's order, as far as the model compares it.

    In the store's units. Units that were refunded after they had shipped stay: they have left.
    """
    address = (document["shipping_addresses"] or [document["order"]["billing_address"]])[0]
    return {
        "units": {
            str(line["id"]): (line["sku"], units)
            for line in document["products"]
            if (units := _owed_units(line)) > 0
        },
        "street": address["street_1"],
        "message": document["order"]["customer_message"],
    }


def _owed_units(line: Json) -> int:
    """Return the units of a line that are not refunded, and those that were shipped before."""
    unshipped: int = line["quantity"] - line["quantity_shipped"]
    units: int = line["quantity"] - min(line["quantity_refunded"], unshipped)
    return units
