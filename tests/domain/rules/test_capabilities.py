"""Which streams a pair of systems can carry."""

from __future__ import annotations

from typing import Any

import pytest

from domain.connections import Connection
from domain.rules.capabilities import (
    Parts,
    missing_parts,
    settings_without_items,
    settings_without_products,
    settings_without_refunds,
)

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


@pytest.mark.parametrize(
    ("sections", "settings"),
    [
        ({}, ["orders.check_items", "inventory.missing_item"]),
        ({"orders": {"check_items": False}}, ["inventory.missing_item"]),
        ({"streams": ["orders"]}, ["orders.check_items"]),
        ({"streams": ["shipments"]}, []),
        (
            {
                "streams": ["inventory"],
                "inventory": {"missing_item": "zero"},
                "orders": {"uom_rules": {"MUG": {"factor": 12}}},
            },
            ["orders.uom_rules"],
        ),
    ],
)
def test_a_setting_that_needs_an_absent_item_master_is_named(
    sections: dict[str, Any], settings: list[str]
) -> None:
    """At start, and not in every run: an OMS without one can carry the streams all the same."""
    base = {"platform": {"kind": "shop"}, "oms": {"kind": "depot"}}
    connection = Connection.model_validate(base | sections)
    without = Parts("depot", ("inventory", "shipments"), ("orders",))
    found = list(settings_without_items(connection, without))
    assert [".".join(place) for place, _ in found] == settings
    assert all("depot has no list of its items" in text for _, text in found)
    assert list(settings_without_items(connection, OMS)) == []


def test_items_are_only_created_where_the_oms_takes_them() -> None:
    """The setting is named."""
    systems = {side: {"kind": "x"} for side in ("platform", "oms")}
    creating = Connection.model_validate({**systems, "catalog": {"create_items": True}})
    [(place, fault)] = settings_without_items(creating, OMS)
    assert place == ("catalog", "create_items")
    assert "can't be written" in fault
    taking = Parts(OMS.kind, OMS.sources, {*OMS.targets, "catalog"})
    assert list(settings_without_items(creating, taking)) == []


def test_a_store_that_gives_no_money_back_is_named_where_it_is_asked_to() -> None:
    """At start; a payment service may pay instead, or no refunds are made."""
    base = {side: {"kind": "x"} for side in ("platform", "oms")} | {"streams": ["returns"]}
    asking = Connection.model_validate(base)
    shows = Parts("shop", (), ("returns",))
    [(place, fault)] = settings_without_refunds(asking, shows)
    assert place == ("returns", "refunds")
    assert "service or none" in fault
    paying = Parts("shop", (), ("returns", "refunds"))
    assert list(settings_without_refunds(asking, paying)) == []
    unpaid = Connection.model_validate({**base, "returns": {"refunds": "none"}})
    assert list(settings_without_refunds(unpaid, shows)) == []
    without = Connection.model_validate({**base, "streams": ["orders"]})
    assert list(settings_without_refunds(without, shows)) == []


def test_products_are_only_created_where_the_store_takes_them() -> None:
    """The setting is named."""
    systems = {side: {"kind": "x"} for side in ("platform", "oms")}
    creating = Connection.model_validate({**systems, "catalog": {"create_products": "hidden"}})
    without = Parts("shop", ("orders",), ("listings",))
    [(place, fault)] = settings_without_products(creating, without)
    assert place == ("catalog", "create_products")
    assert "products can't be created in shop" in fault
    assert list(settings_without_products(creating, Parts("shop", (), ("products",)))) == []


@pytest.mark.parametrize(
    ("sources", "streams", "catalog", "fault"),
    [
        (("catalog",), ("catalog", "listings"), {}, "can't be read with their texts"),
        (("catalog", "items"), ("listings",), {}, "it needs the stream catalog"),
        (("catalog", "items"), ("catalog", "listings"), {"create_items": True}, "the other's"),
        (("catalog", "items"), ("catalog", "listings"), {}, ""),
    ],
)
def test_items_are_only_listed_where_nothing_is_missing(
    sources: tuple[str, ...], streams: tuple[str, ...], catalog: dict[str, Any], fault: str
) -> None:
    """The OMS states their texts, the store's catalog is read, and no item is written back."""
    connection = Connection.model_validate(
        {
            "platform": {"kind": "shop"},
            "oms": {"kind": "depot"},
            "streams": streams,
            "catalog": {"list_from_oms": True, **catalog},
        }
    )
    found = list(settings_without_items(connection, Parts("depot", sources, ("catalog",))))
    assert [place for place, _ in found] == ([("catalog", "list_from_oms")] if fault else [])
    assert all(fault in text for _, text in found)
