"""Drifts have advice for each case, and a store that moved further is not behind."""

from __future__ import annotations

import pytest

from domain.milestones import Milestone
from domain.reconciliation import MANUAL, REPAIRABLE, Drift, StoreSnapshot


def _drift(*, can_repair: bool, drift_class: str = "differs", entity: str = "order") -> Drift:
    return Drift(drift_class, entity, "W-1", "total", "orders", "1", "ord-1", can_repair=can_repair)  # type: ignore[arg-type]


def test_the_key_of_a_drift_does_not_depend_on_its_values() -> None:
    """So the next reconciliation recognises it although the values have changed."""
    assert _drift(can_repair=True).key == ("differs", "order", "W-1", "total")


def test_the_advice_depends_on_whether_a_repair_is_possible() -> None:
    """Each case has its own, and a general one covers the others."""
    assert _drift(can_repair=True).advice == REPAIRABLE["differs", "order"]
    assert _drift(can_repair=False).advice == MANUAL["differs", "order"]
    assert "delivery corrects it" in _drift(can_repair=True, entity="other").advice
    assert "manually" in _drift(can_repair=False, entity="other").advice


@pytest.mark.parametrize("advice", [*REPAIRABLE.values(), *MANUAL.values()])
def test_every_advice_is_a_sentence(advice: str) -> None:
    """Operators read it in a table."""
    assert advice[0].isupper()
    assert advice.endswith(".")
    assert len(advice) <= 130


@pytest.mark.parametrize(
    ("snapshot", "status", "expected"),
    [
        (StoreSnapshot("11", False, False, 0, Milestone.CREATED), "2", True),
        (StoreSnapshot("11", False, False, 0, Milestone.CREATED), None, False),
        (StoreSnapshot("2", False, False, 0, Milestone.SHIPPED), "2", False),
        (StoreSnapshot("11", True, False, 0, Milestone.CREATED), "2", False),
        (StoreSnapshot("11", False, True, 0, Milestone.CREATED), "2", False),
        (StoreSnapshot("10", False, False, 0, Milestone.DELIVERED), "2", False),
        (StoreSnapshot("7", False, False, 0, None), "2", False),
    ],
    ids=["behind", "no status", "there", "final", "archived", "further", "not fulfilment"],
)
def test_a_store_is_behind_only_if_it_can_still_move(
    snapshot: StoreSnapshot, status: str | None, expected: bool
) -> None:
    """A status that an operator set is never moved back."""
    assert snapshot.is_behind(Milestone.SHIPPED, status) is expected
