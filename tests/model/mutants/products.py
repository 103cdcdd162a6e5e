"""Faults of listings, brought back as those in ``faults``."""

from __future__ import annotations

import dataclasses

import pytest

from assets.streams.listings import stream
from assets.streams.listings.plan import ListingsPlanner
from tests.model.mutants.faults import Mutant
from tests.model.world import World

Patch = pytest.MonkeyPatch


def _undo_by_hand(patch: Patch, _: World) -> None:
    original = ListingsPlanner.plan
    patch.setattr(
        ListingsPlanner,
        "plan",
        lambda self, due: original(self, dataclasses.replace(due, known=None)),
    )


def _forget_waiting(patch: Patch, _: World) -> None:
    patch.setattr(stream, "_with", lambda listing, _waiting: listing)


MUTANTS = (
    Mutant(
        11,
        "a rerun undoes a title that was changed by hand",
        _undo_by_hand,
        also=("list_title", "rename_product", "rerun_listings"),
    ),
    Mutant(
        11,
        "what waits is lost with the next request",
        _forget_waiting,
        also=("list_new", "list_group", "lose_products", "list_title"),
    ),
)
