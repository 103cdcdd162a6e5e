"""A fault of listings, brought back as those in ``faults``."""

from __future__ import annotations

import pytest

from assets.streams.listings import stream
from tests.model.mutants.faults import Mutant
from tests.model.world import World


def _forget_waiting(patch: pytest.MonkeyPatch, _: World) -> None:
    patch.setattr(stream, "_with", lambda listing, _waiting: listing)


MUTANTS = (
    Mutant(
        11,
        "what waits is lost with the next request",
        _forget_waiting,
        also=("list_new", "list_group", "lose_products", "list_title"),
    ),
)
