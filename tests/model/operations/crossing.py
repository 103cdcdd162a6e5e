"""What crosses streams: returns and cancellations of one order, pauses and reruns, a restore.

Also a person who is forgotten with an open return.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import timedelta
from itertools import permutations
from typing import Any

from resources.ledger.monitoring import activation
from tests.model.life import Life, NotPossibleError
from tests.model.operations.registry import NUMBER, PLACE, among, at, between, operation, perform
from tests.model.world import MORE, NAME

WHO = "operator"
BESIDE = among("customers", "actions", "returns", "prices", "catalog", "listings")
WAYS = tuple(permutations(("ask_cancel", "cancel", "refund_all")))


@operation("operator", 1, stream=BESIDE, back=between(0, 1), force=among(False, False, True))
def rerun_beside(life: Life, stream: str, back: int, force: bool) -> None:
    """Run a partition of a stream again that not every connection has."""
    _need(life, stream)
    if stream == "listings" and force:
        raise NotPossibleError  # it is asked for, and undoes what the merchant has changed by hand
    day = (life.world.clock.now() - timedelta(days=back)).date()
    life.attempt(life.runs.rerun, stream, day, force=force)


@operation("operator", 1, stream=BESIDE, seconds=among(30, 400))
def pause_beside(life: Life, stream: str, seconds: int) -> None:
    """Pause such a stream while the others go on, and resume it."""
    _need(life, stream)
    names = [name for name in life.world.names if stream in _streams(life, name)]
    with life.world.ledger.session(NAME, "") as session:
        for name in names:
            activation.pause(session.db, name, [stream], WHO, "maintenance")
    life.world.pass_time(timedelta(seconds=seconds))
    streams = _streams(life, NAME)
    life.live(*(one for one in streams if one != stream))
    life.attempt(life.runs.unfinished, *(one for one in streams if one != stream))
    with life.world.ledger.session(NAME, "") as session:
        for name in names:
            activation.resume(session.db, name, [stream], WHO)


@operation("shopper", 1, number=NUMBER, way=between(0, len(WAYS) - 1), apart=among(True, False))
def cancel_three_ways(life: Life, number: int, way: int, apart: bool) -> None:
    """Let an agent and the merchant cancel an order, and the shopper get a refund, in any order."""
    for name in WAYS[way]:
        with suppress(NotPossibleError):
            perform(life, name, number=number)
        if apart:
            perform(life, "sync")


@at("manhattan")("oms", 1, number=NUMBER, place=PLACE, whole=among(True, False))
def return_and_cancel_rest(life: Life, number: int, place: int, whole: bool) -> None:
    """Ship a unit, let it come back, and cancel the rest: by an agent, or in the store."""
    perform(life, "ship_part", number=number, place=place, units=1)
    perform(life, "sync")
    perform(life, "open_return", number=number, place=place, units=1, early=0)
    perform(life, "ask_cancel" if whole else "cancel", number=number)
    perform(life, "sync")
    perform(life, "advance_return", number=number, step="verify")


@at("bigcommerce/manhattan")("operator", 1, number=NUMBER)
def forget_with_return(life: Life, number: int) -> None:
    """Ask to forget a person whose return is open, and confirm that."""
    perform(life, "open_return", number=number, place=0, units=None, early=0)
    perform(life, "sync")
    with suppress(NotPossibleError):
        perform(life, "forget", number=number)
    perform(life, "advance_return", number=number, step="verify")
    perform(life, "sync")


def _return(life: Life) -> None:
    number = min(life.facts.returned, default=1001)
    perform(life, "open_return", number=number, place=0, units=1, early=0)
    perform(life, "lose_refunds", fate="drop_after", times=1)
    perform(life, "advance_return", number=number, step="verify")


def _price(life: Life) -> None:
    perform(life, "lose_prices", fate="drop_after", times=1)
    perform(life, "set_price", sku="MUG", cents=1_050)


def _product(life: Life) -> None:
    perform(life, "lose_products", fate="drop_after", times=1)
    perform(life, "list_new", sku="CUP", title="Red")


def _customer(life: Life) -> None:
    perform(life, "lose_customers", fate="drop_after", times=1)
    perform(life, "register", who=2, addresses=1)


def _parcel(life: Life) -> None:
    number = min(life.facts.wanted, default=1001)
    perform(life, "ship_into_trouble", number=number, parcels="twin", fate="lost", skip=0)


IN_FLIGHT: Mapping[str, Callable[[Life], None]] = {
    "return": _return,
    "price": _price,
    "product": _product,
    "customer": _customer,
    "parcel": _parcel,
}


@operation("operator", 1, what=among(*IN_FLIGHT))
def restore_in_flight(life: Life, what: str) -> None:
    """Restore a backup from before something was sent, whose answer was lost."""
    perform(life, "sync")
    life.keep_backup()
    IN_FLIGHT[what](life)
    perform(life, "sync")
    perform(life, "restore")
    life.done.append("restore")


def _need(life: Life, stream: Any) -> None:
    if stream not in MORE or stream not in _streams(life, NAME):
        raise NotPossibleError


def _streams(life: Life, name: str) -> tuple[str, ...]:
    return tuple(life.world.installation.connections[name].streams)
