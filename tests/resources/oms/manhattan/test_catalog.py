"""The item master's rows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from assets.streams.catalog.store_items import master_items
from domain.exchange import MasterItem
from resources.http.auth import NoAuth
from resources.http.client import ApiClient
from resources.http.policy import ClientPolicy
from resources.http.rate_limit import Limiter, LocalQuota
from resources.oms.manhattan.catalog import CatalogSource, units_of
from tests.resources.oms.manhattan.samples import settings_of


def items_of(*rows: Any, **names: Any) -> dict[str, MasterItem]:
    """Look up items in front of an endpoint that returns the rows."""
    policy = ClientPolicy(
        system="manhattan",
        base_url="https://acme.omni.manh.com",
        auth=NoAuth(),
        limiter=Limiter(LocalQuota(), "t", quota=1000, window_seconds=1.0),
    )
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"success": True, "data": list(rows)})
    )
    source = CatalogSource(ApiClient(policy, transport=transport), settings_of(names=names))
    return master_items(source, ["A"])


def test_an_item_has_all_units_that_the_master_lists() -> None:
    """The base unit first; without a list its further units are unknown."""
    row = {"ItemId": "A", "BaseUOM": "EA", "Description": " A  thing "}
    assert items_of(row) == {"A": MasterItem("A", "EA", "A thing")}
    assert items_of({**row, "AlternateUOM": ["CASE", "EA"]})["A"].uoms == ("EA", "CASE")
    assert items_of({**row, "AlternateUOM": ["CASE"]}, item_uoms=None)["A"].uoms == ()


def test_one_attribute_may_serve_as_two() -> None:
    """A tenant may have no description of its own."""
    row = {"Sku": "A", "Unit": "EA"}
    names = {"item_id": "Sku", "item_uom": "Unit", "item_description": "Sku"}
    assert items_of(row, **names) == {"A": MasterItem("A", "EA", "A")}


@pytest.mark.parametrize("row", [5, None, [], {}, {"ItemId": ""}, {"ItemId": "x" * 300}])
def test_a_row_without_a_usable_id_is_no_item(row: Any) -> None:
    """The orders for its SKU are rejected as unknown; the other rows count."""
    assert list(items_of(row, {"ItemId": "A"})) == ["A"]


def test_an_item_may_have_as_long_an_id_as_a_sku_of_a_store() -> None:
    """Orders for it would be rejected as unknown, and no one could help it."""
    assert list(items_of({"ItemId": "x" * 255})) == ["x" * 255]


@pytest.mark.parametrize(
    ("value", "units"),
    [
        (None, ()),
        ("EA", ()),
        (["EA", "", 5, "CASE"], ("EA", "CASE")),
        ([{"UOMId": "EA", "Factor": 1}, {"AlternateUom": "CASE"}, {"Factor": 2}], ("EA", "CASE")),
        ([{"UOM": {"UOMId": "EA"}}, []], ()),
    ],
)
def test_units_are_texts_or_objects_with_a_unit(value: Any, units: tuple[str, ...]) -> None:
    """The attribute's form is the tenant's own."""
    assert units_of(value) == units
