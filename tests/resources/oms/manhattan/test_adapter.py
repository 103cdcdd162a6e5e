"""The connector: registry, settings, item master, preflight."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from assets.streams.catalog.store_items import master_items
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
    ("changes", "message"),
    [
        ({"password": None}, "grant: password needs"),
        ({"organisation": "X"}, "Extra inputs"),
        ({"naive_time_zone": "Mars/Base"}, "not a time zone"),
        ({"base_url": "acme.omni.manh.com"}, "base_url"),
    ],
)
def test_a_wrong_setting_is_named_at_start(changes: dict[str, object], message: str) -> None:
    """Before any call, with the allowed values."""
    with pytest.raises(ValidationError, match=message):
        settings_of(**changes)


def test_a_configured_code_leaves_the_other_codes_unchanged() -> None:
    """Only codes that differ have to be configured."""
    methods = settings_of(
        codes={"delivery_methods": {"email": "EmailDelivery"}}
    ).codes.delivery_methods
    assert {method.value: code for method, code in methods.items()} == {
        "ship": "ShipToAddress",
        "pickup": "PickUpAtStore",
        "email": "EmailDelivery",
    }


def test_items_are_found_in_chunks_and_unknown_ones_are_absent(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """Including a SKU with a quote, which must not end the query's literal."""
    tenant.control("items", [{"ItemId": "5' CABLE", "UOM": "EA", "Description": "Cable"}])
    source = connect({"item_page_size": 2}).sources["catalog"]
    items = master_items(source, ["SKU-1", "SKU-2", "5' CABLE", "NOPE"])
    assert sorted(items) == ["5' CABLE", "SKU-1", "SKU-2"]
    assert (items["SKU-1"].uom, items["SKU-1"].description) == ("EA", "Thing 1")
    # Two chunks, and a look behind the one of which an item was not found.
    assert tenant.control("counts", method="GET")["requests"]["item"] == 3


def test_a_healthy_tenant_passes_every_check(connect: Callable[..., ManhattanOms]) -> None:
    """Each part is checked with a call that changes nothing."""
    checks = connect().preflight()
    assert [(check.name, check.ok) for check in checks] == [
        (name, True)
        for name in (
            "credentials",
            "orders",
            "saving orders",
            "canceling orders",
            "item master",
            "availability",
            "rights beyond need",
            "other organisations",
        )
    ]


def test_each_check_fails_by_itself_with_advice(
    connect: Callable[..., ManhattanOms], tenant: Tenant
) -> None:
    """One wrong setting fails one check, and the others still run."""
    tenant.control("settings", {"views": {"Web": {"locations": None}}})
    checks = {check.name: check for check in connect(inventory={"view": "Wrong"}).preflight()}
    assert [name for name, check in checks.items() if not check.ok] == ["availability"]
    assert "inventory.view" in checks["availability"].advice
    assert not any(check.ok for check in connect({"client_id": "other"}).preflight())


def test_connections_of_one_organisation_share_its_quota(
    connect: Callable[..., ManhattanOms],
) -> None:
    """A limit applies to tenant and organisation together."""
    assert connect().identity.bucket == connect().identity.bucket
    assert connect().identity.bucket != connect({"organization": "OTHER"}).identity.bucket


def test_unverified_settings_are_listed_in_the_readme() -> None:
    """Every assumption in the settings is in the README's list by name."""
    source = Path(str(settings_module.__file__)).read_text(encoding="utf-8")
    readme = Path(str(settings_module.__file__)).with_name("README.md").read_text(encoding="utf-8")
    # A setting's docstring follows it, so its name is the last one before the mark.
    names = [
        re.findall(r"^    (\w+): ", before, re.MULTILINE)[-1]
        for before in source.split("UNVERIFIED")[1:-1]
    ]
    assert len(names) > 10
    assert [name for name in names if f"`{name}`" not in readme] == []


@pytest.mark.parametrize(
    ("base", "name", "url", "refused"),
    [
        ("https://acme.omni.manh.com", "token_url", "https://acme-auth.omni.manh.com/token", False),
        ("https://acme.omni.manh.com", "token_url", "https://omni.manh.com/token", True),
        ("https://acme.omni.manh.com", "inventory_base_url", "https://omni.evil.example", True),
        ("https://manh.com", "token_url", "https://evil.com/token", True),
        ("https://10.0.0.1", "token_url", "https://9.0.0.1/token", True),
        ("https://10.0.0.1", "token_url", "https://10.0.0.1:8443/token", False),
    ],
)
def test_credentials_stay_in_the_tenants_domain(
    base: str, name: str, url: str, refused: bool
) -> None:
    """A URL elsewhere gets the client secret only if its host is listed; the error names it."""
    host = url.split("/")[2].partition(":")[0]
    if refused:
        with pytest.raises(ValidationError, match=f"{name}: the host {host} is not in the domain"):
            settings_of(base, **{"token_url": f"{base}/t", name: url})
    assert settings_of(base, hosts=[host], **{"token_url": f"{base}/t", name: url})
    if not refused:
        assert settings_of(base, **{"token_url": f"{base}/t", name: url})
