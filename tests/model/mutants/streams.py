"""Faults of customers, prices, listings and workflows, put in as those in ``faults``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from assets.streams import deletions
from assets.streams.listings.plan import ListingsPlanner
from domain import prices
from domain.connections import CUSTOMERS, LISTINGS
from domain.prices import PriceTag, plain
from resources.ledger.records.records import Records
from resources.platforms.commercetools.orders import states
from tests.model.mutants.faults import COMMERCETOOLS, Mutant, everywhere
from tests.model.world import World

Patch = pytest.MonkeyPatch


def _compare_without_sale(patch: Patch, _: World) -> None:
    def content(tag: PriceTag | None) -> bytes:
        return orjson.dumps({"regular": None if tag is None else plain(tag.regular)})

    everywhere(patch, prices.tag_content, content)


def _deliver_again(patch: Patch, stream: str, **changes: Any) -> None:
    """Let a rerun of a day deliver what has an outcome, too."""
    original = Records.to_deliver

    def to_deliver(self: Records, *given: Any, again: bool, force: bool, **named: Any) -> Any:
        is_mutated = again and self._stream == stream
        found = original(self, *given, again=again, force=force or is_mutated, **named)
        return [one._replace(**changes) for one in found] if is_mutated else found

    patch.setattr(Records, "to_deliver", to_deliver)


def _apply_listings_again(patch: Patch, _: World) -> None:
    original = ListingsPlanner.plan

    def plan(self: ListingsPlanner, due: Any) -> Any:
        if due.known is not None:
            long_ago = datetime(2000, 1, 1, tzinfo=UTC)
            due.known = due.known._replace(source_updated_at=long_ago)
        return original(self, due)

    patch.setattr(ListingsPlanner, "plan", plan)
    _deliver_again(patch, LISTINGS)


def _send_older_customers(patch: Patch, _: World) -> None:
    _deliver_again(patch, CUSTOMERS, superseded=False)


def _ignore_events(patch: Patch, _: World) -> None:
    everywhere(patch, deletions.named_by_events, lambda *_given: {})


def _fulfil_canceled_units(patch: Patch, _: World) -> None:
    original = states.StateReader.read

    def read(self: states.StateReader, *given: Any) -> states.Standing:
        return original(self, *given)._replace(is_canceled=False, removed=states.NO_UNITS)

    patch.setattr(states.StateReader, "read", read)


MUTANTS = (
    Mutant(11, "a price is compared without its sale", _compare_without_sale, also=("set_sale",)),
    Mutant(
        11,
        "a listing that was applied is applied again",
        _apply_listings_again,
        also=("list_title", "rename_product", "rerun_listings"),
    ),
    Mutant(
        10,
        "an older version of a customer is sent, too",
        _send_older_customers,
        also=("register", "rename", "wait", "rerun_beside"),
    ),
    Mutant(
        10,
        "what only an event of a customer says is not read",
        _ignore_events,
        also=("register", "change_address", "close_account"),
    ),
    Mutant(
        10,
        "units that a workflow has canceled are sent",
        _fulfil_canceled_units,
        COMMERCETOOLS,
        ("move_units",),
    ),
)
"""The numbers are those of the issues that made the promises."""
