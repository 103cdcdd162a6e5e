"""The connector as a whole: registry, settings, item master, preflight."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from resources.oms import REGISTRY
from resources.oms.manhattan import settings as settings_module
from resources.oms.manhattan.adapter import ManhattanOms
from resources.oms.manhattan.settings import ManhattanSettings
from tests.resources.oms.manhattan.conftest import Tenant
from tests.resources.oms.manhattan.samples import settings_of


def test_the_registry_names_settings_and_builder() -> None:
    """A connection's ``oms.kind`` is all that is needed to find them."""
    assert REGISTRY["manhattan"].settings is ManhattanSettings


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"password": None}, "grant: password needs"),
        ({"organisation": "X"}, "Extra inputs"),
        ({"naive_time_zone": "Mars/Base"}, "not a time zone"),
        ({"base_url": "acme.omni.manh.com"}, "base_url"),
    ],
)
def test_a_wrong_setting_is_named_at_the_start(changes: dict[str, object], told: str) -> None:
    """Before any call, with what is allowed."""
    with pytest.raises(ValidationError, match=told):
        settings_of(**changes)


def test_a_code_of_the_tenant_leaves_the_others_as_they_are() -> None:
    """Only what differs has to be configured."""
    methods = settings_of(
        codes={"delivery_methods": {"email": "EmailDelivery"}}
    ).codes.delivery_methods
    assert {method.value: code for method, code in methods.items()} == {
        "ship": "ShipToAddress",
        "pickup": "PickUpAtStore",
        "email": "EmailDelivery",
    }


def test_items_are_found_in_chunks_and_the_unknown_are_absent(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """Also a SKU that holds a quote, which must not end the query's text."""
    tenant.control("items", [{"ItemId": "5' CABLE", "UOM": "EA", "Description": "Cable"}])
    items = connect({"item_page_size": 2}).fetch_items(["SKU-1", "SKU-2", "5' CABLE", "NOPE"])
    assert sorted(items) == ["5' CABLE", "SKU-1", "SKU-2"]
    assert (items["SKU-1"].uom, items["SKU-1"].description) == ("EA", "Thing 1")
    assert tenant.control("counts", method="GET")["requests"]["item"] == 2


def test_a_healthy_tenant_passes_every_check(connect: Callable[..., ManhattanOms]) -> None:
    """Each part is asked with a call that changes nothing."""
    checks = connect().preflight()
    assert [(check.name, check.ok) for check in checks] == [
        (name, True)
        for name in (
            "credentials",
            "orders",
            "item master",
            "availability",
            "rights beyond need",
            "other organisations",
        )
    ]


def test_each_check_fails_by_itself_with_advice(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """One wrong setting is one line, and the others still tell."""
    tenant.control("settings", {"views": {"Web": {"locations": None}}})
    checks = {check.name: check for check in connect(inventory={"view": "Wrong"}).preflight()}
    assert [name for name, check in checks.items() if not check.ok] == ["availability"]
    assert "inventory.view" in checks["availability"].advice
    assert not any(check.ok for check in connect({"client_id": "other"}).preflight())


def test_connections_of_one_organisation_share_its_quota(
    connect: Callable[..., ManhattanOms],
) -> None:
    """The tenant and the organisation together are what a limit is counted for."""
    assert connect().organisation == connect().organisation
    assert connect().organisation != connect({"organization": "OTHER"}).organisation


def test_what_nobody_verified_is_listed_for_the_reader() -> None:
    """Every assumption in the settings stands in the README's list by name."""
    source = Path(str(settings_module.__file__)).read_text(encoding="utf-8")
    readme = Path(str(settings_module.__file__)).with_name("README.md").read_text(encoding="utf-8")
    # A setting's docstring follows it: the name before each mark.
    names = [
        re.findall(r"^    (\w+): ", before, re.MULTILINE)[-1]
        for before in source.split("UNVERIFIED")[1:-1]
    ]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in readme] == []
