"""Which streams a pair of systems can carry."""

from __future__ import annotations

import pytest

from domain.rules.capabilities import Parts, missing_parts

STORE = Parts("shop", ("orders", "catalog"), ("inventory", "shipments"))
OMS = Parts("depot", ("inventory", "shipments", "catalog"), ("orders",))
ALL = ("orders", "inventory", "shipments")


def test_two_whole_systems_carry_every_stream() -> None:
    """Nothing is missing."""
    assert list(missing_parts(ALL, STORE, OMS)) == []


@pytest.mark.parametrize(
    ("platform", "oms", "missing"),
    [
        (STORE, Parts("depot", OMS.sources, ()), "orders can't be written to depot"),
        (Parts("shop", STORE.sources, ("shipments",)), OMS, "inventory can't be written to shop"),
        (STORE, Parts("depot", ("shipments",), OMS.targets), "inventory can't be read from depot"),
        (Parts("shop", STORE.sources, ("inventory",)), OMS, "shipments can't be written to shop"),
    ],
)
def test_an_absent_part_is_a_stream_that_cannot_be_synced(
    platform: Parts, oms: Parts, missing: str
) -> None:
    """The message names the part, the kind of system, and what to do."""
    [text] = missing_parts(ALL, platform, oms)
    stream = missing.partition(" ")[0]
    assert text.startswith(missing)
    assert text.endswith(f"remove {stream} from the connection's streams")


def test_a_store_without_orders_can_be_synced_for_nothing() -> None:
    """Each stream names itself."""
    found = list(missing_parts(ALL, Parts("shop", ("catalog",), STORE.targets), OMS))
    assert len(found) == 3
    assert [f"remove {stream} " in text for stream, text in zip(ALL, found, strict=True)] == [
        True
    ] * 3


def test_a_stream_that_is_not_configured_needs_nothing() -> None:
    """A store that only takes stock can be connected for its stock."""
    store = Parts("shop", STORE.sources, ("inventory",))
    assert list(missing_parts(("inventory",), store, OMS)) == []
    assert len(list(missing_parts(ALL, store, OMS))) == 1
