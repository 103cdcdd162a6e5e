"""Faults of channels, created items and the work queue, put in as those in ``faults``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from assets.streams.catalog import items
from assets.streams.orders import header
from domain.rules import export
from resources.ledger.records import kept_orders
from resources.ledger.rejections import work_queue
from tests.model.mutants.faults import COMMERCETOOLS, Mutant, everywhere
from tests.model.world import World

Patch = pytest.MonkeyPatch


def _serve_all_channels(patch: Patch, _: World) -> None:
    patch.setattr(export, "_of_other_part", lambda _order: None)
    everywhere(patch, header.is_of_other_part, lambda *_: False)


def _leave_other_channels(patch: Patch, _: World) -> None:
    everywhere(patch, kept_orders.kept_orders, lambda *_: set())


def _change_own_items(patch: Patch, _: World) -> None:
    original = items._Items.digest
    patch.setattr(items._Items, "digest", lambda self, sku: original(self, sku) or "another")


def _forget_lost_items(patch: Patch, _: World) -> None:
    original = items.ItemsPlanner._is_missing
    patch.setattr(
        items.ItemsPlanner,
        "_is_missing",
        lambda self, sku: original(self, sku) and sku not in self._savers,
    )


def _filter_by_stream_only(patch: Patch, _: World) -> None:
    original = work_queue.find

    def find(db: Any, filters: work_queue.RejectionFilter, *given: Any) -> Any:
        return original(db, replace(filters, code=None, category=None), *given)

    everywhere(patch, original, find)


MUTANTS = (
    Mutant(
        10,
        "orders of a channel that is not served are sent",
        _serve_all_channels,
        also=("place_elsewhere", "serve_channel"),
    ),
    Mutant(
        10,
        "what was sent of a channel is not followed any more",
        _leave_other_channels,
        COMMERCETOOLS,
        ("place_elsewhere", "serve_channel", "cancel"),
    ),
    Mutant(11, "an item of the OMS's own is changed", _change_own_items, also=("create_items",)),
    Mutant(
        11,
        "an item that the OMS has lost is not created again",
        _forget_lost_items,
        also=("lose_created_item",),
    ),
    Mutant(
        9,
        "rejections are filtered by their stream only",
        _filter_by_stream_only,
        also=("place_unknown_item", "place_unmapped_method", "retry_by"),
    ),
)
"""The numbers are those of the issues that made the promises."""
