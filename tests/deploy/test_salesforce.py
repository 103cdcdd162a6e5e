"""The metadata for a Salesforce org: well-formed, complete, and named as the connector names it."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from resources.platforms.salesforce.preflight import (
    ENTRY,
    FULFILMENT,
    FULFILMENT_ITEM,
    ITEM,
    SHIPMENT,
)
from resources.platforms.salesforce.settings import HISTORY, PICKUP_FIELD, SalesforceSettings
from sandbox.platforms.salesforce.schema import OBJECTS

ROOT = Path(__file__).parents[2] / "deploy" / "salesforce"
SOURCE = ROOT / "force-app" / "main" / "default"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
KINDS = {
    "field-meta": "CustomField", "object-meta": "CustomObject",
    "permissionset-meta": "PermissionSet", "package": "Package",
}  # fmt: skip
FILES = sorted(ROOT.rglob("*.xml"))
INSTALLED = {
    f"{file.parent.parent.name}.{file.name.partition('.')[0]}"
    for file in SOURCE.glob("objects/*/fields/*.xml")
}


def texts(root: ET.Element, path: str) -> list[str]:
    """Return the texts of some elements."""
    steps = "/".join(SPACE + step for step in path.split("/"))
    return [element.text or "" for element in root.findall(steps)]


def parsed(file: Path) -> ET.Element:
    """Return a file's root; it is ours, and has no entities."""
    text = file.read_text("utf-8")
    assert "<!" not in text
    return ET.fromstring(text)  # noqa: S314 - checked above


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_a_file_is_well_formed_and_of_its_kind(file: Path) -> None:
    """The tag is the kind that the name says, and a field is called as its file."""
    root = parsed(file)
    assert root.tag == SPACE + KINDS[file.name.split(".")[-2]]
    if root.tag.endswith("CustomField"):
        assert texts(root, "fullName") == [file.name.partition(".")[0]]
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*__c", texts(root, "fullName")[0])
        assert texts(root, "label")
        assert texts(root, "description")
        assert texts(root, "type") != ["Text"] or int(texts(root, "length")[0]) <= 255


def test_every_custom_field_of_the_connector_is_installed_and_no_other() -> None:
    """On each object that it writes or reads."""
    used = {
        f"{name}.{field}"
        for name, fields in (
            ("Shipment", SHIPMENT), ("ShipmentItem", ITEM), (HISTORY, ENTRY),
            ("FulfillmentOrder", FULFILMENT), ("FulfillmentOrderLineItem", FULFILMENT_ITEM),
            ("OrderDeliveryGroupSummary", (PICKUP_FIELD,)),
        )
        for field in fields
        if field.endswith("__c")
    }  # fmt: skip
    assert used == INSTALLED


def test_external_ids_are_unique_and_case_sensitive() -> None:
    """Two keys that differ by case only are two deliveries."""
    for file in SOURCE.glob("objects/*/fields/Lockstep_Key__c.field-meta.xml"):
        root = parsed(file)
        for name in ("externalId", "unique", "caseSensitive"):
            assert texts(root, name) == ["true"], file


def test_the_permission_set_grants_the_least() -> None:
    """Each installed field, nothing of a field or object that is not used, no deletion."""
    root = parsed(SOURCE / "permissionsets" / "Lockstep.permissionset-meta.xml")
    required = {f"{HISTORY}.Order_Summary__c", f"{HISTORY}.Status__c"}
    assert set(texts(root, "fieldPermissions/field")) == INSTALLED - required
    assert set(texts(root, "objectPermissions/object")) <= OBJECTS.keys()
    assert set(texts(root, "objectPermissions/allowDelete")) == {"false"}
    assert set(texts(root, "objectPermissions/modifyAllRecords")) == {"false"}
    assert texts(root, "userPermissions/name") == ["ApiEnabled"]
    granted = {
        texts(each, "object")[0]: (texts(each, "allowCreate")[0], texts(each, "allowEdit")[0])
        for each in root.findall(f"{SPACE}objectPermissions")
    }
    assert granted["OrderSummary"] == ("false", "true")
    for name in ("Shipment", "ShipmentItem", "FulfillmentOrder", HISTORY):
        assert granted[name] == ("true", "true"), name
    assert granted["Account"] == granted["Product2"] == ("false", "false")


def test_the_manifest_lists_everything() -> None:
    """And nothing else, for the version that the connector uses."""
    root = parsed(ROOT / "manifest" / "package.xml")
    listed = {
        texts(each, "name")[0]: set(texts(each, "members"))
        for each in root.findall(f"{SPACE}types")
    }
    assert listed == {
        "CustomField": INSTALLED, "CustomObject": {HISTORY}, "PermissionSet": {"Lockstep"},
    }  # fmt: skip
    default = SalesforceSettings.model_fields["api_version"].default
    assert texts(root, "version") == [str(default).removeprefix("v")]
