"""The metadata for a Salesforce org: well-formed, complete, and named as the connector names it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args
from xml.etree import ElementTree as ET

import pytest

from domain.builders.actions import KINDS as ACTIONS
from domain.records.actions import OutcomeState
from resources.platforms.salesforce.events.queue import STREAMS
from resources.platforms.salesforce.listings.creation import MADE, PRODUCT
from resources.platforms.salesforce.preflight import (
    ENTRY,
    FULFILMENT,
    FULFILMENT_ITEM,
    ITEM,
    OUTCOME,
    REQUEST,
    RETURN,
    RETURN_LINE,
    SHIPMENT,
)
from resources.platforms.salesforce.settings import (
    ACTION,
    HISTORY,
    NEW,
    PICKUP_FIELD,
    SalesforceSettings,
    StockObject,
)
from sandbox.platforms.salesforce.schema import OBJECTS

STOCK = StockObject()
ROOT = Path(__file__).parents[2] / "deploy" / "salesforce"
SOURCE = ROOT / "force-app" / "main" / "default"
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
KINDS = {
    "field-meta": "CustomField", "object-meta": "CustomObject",
    "permissionset-meta": "PermissionSet", "package": "Package",
    "platformEventChannel-meta": "PlatformEventChannel",
    "platformEventChannelMember-meta": "PlatformEventChannelMember",
    "managedEventSubscription-meta": "ManagedEventSubscription",
}  # fmt: skip
FILES = sorted(ROOT.rglob("*.xml"))
REQUIRED = {f"{ACTION}.Order_Summary__c", f"{ACTION}.Kind__c"}
"""Of an action: fields that are required have no permissions of their own."""
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
            ("Shipment", SHIPMENT),
            ("ShipmentItem", ITEM),
            (HISTORY, ENTRY),
            ("ReturnOrder", RETURN),
            ("ReturnOrderLineItem", RETURN_LINE),
            ("FulfillmentOrder", FULFILMENT),
            ("FulfillmentOrderLineItem", FULFILMENT_ITEM),
            ("OrderDeliveryGroupSummary", (PICKUP_FIELD,)),
            (PRODUCT, MADE),
            (STOCK.object, STOCK.fields),
            (ACTION, (*REQUEST.split(", "), *OUTCOME)),
        )
        for field in fields
        if field.endswith("__c")
    }
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
    required = {f"{HISTORY}.Order_Summary__c", f"{HISTORY}.Status__c"} | REQUIRED
    of_others = {name for name in INSTALLED if name.startswith((f"{PRODUCT}.", f"{STOCK.object}."))}
    granted_fields = set(texts(root, "fieldPermissions/field"))
    assert {name for name in granted_fields if name.endswith("__c")} == (
        INSTALLED - required - of_others
    )
    assert set(texts(root, "objectPermissions/object")) <= OBJECTS.keys()
    assert set(texts(root, "objectPermissions/allowDelete")) == {"false"}
    assert set(texts(root, "objectPermissions/modifyAllRecords")) == {"false"}
    assert texts(root, "userPermissions/name") == ["ApiEnabled"]
    granted = {
        texts(each, "object")[0]: (texts(each, "allowCreate")[0], texts(each, "allowEdit")[0])
        for each in root.findall(f"{SPACE}objectPermissions")
    }
    assert granted["OrderSummary"] == ("false", "true")
    for name in ("Shipment", "ShipmentItem", "FulfillmentOrder", "ReturnOrder", HISTORY):
        assert granted[name] == ("true", "true"), name
    assert granted["Account"] == granted["Product2"] == ("false", "false")
    assert granted[ACTION] == ("false", "true")


def test_the_catalog_is_written_by_a_permission_set_of_its_own() -> None:
    """A connection without listings and prices changes no product; nothing is deleted."""
    root = parsed(SOURCE / "permissionsets" / "Lockstep_Catalog.permissionset-meta.xml")
    made = {f"{PRODUCT}.{field}" for field in MADE} | {f"{PRODUCT}.Description"}
    assert set(texts(root, "fieldPermissions/field")) == made
    assert texts(root, "objectPermissions/object") == ["Pricebook2", PRODUCT]
    assert texts(root, "objectPermissions/allowCreate") == ["false", "true"]
    assert texts(root, "objectPermissions/allowEdit") == ["true", "true"]
    for name in ("allowDelete", "modifyAllRecords", "viewAllRecords"):
        assert set(texts(root, f"objectPermissions/{name}")) == {"false"}


def test_stock_is_written_by_a_permission_set_of_its_own() -> None:
    """Most orgs have it in Omnichannel Inventory, or in an object of their own."""
    root = parsed(SOURCE / "permissionsets" / "Lockstep_Stock.permissionset-meta.xml")
    installed = {name for name in INSTALLED if name.startswith(f"{STOCK.object}.")}
    assert set(texts(root, "fieldPermissions/field")) == installed
    assert texts(root, "objectPermissions/object") == [STOCK.object]
    for name, expected in (("allowCreate", "true"), ("allowEdit", "true"), ("allowDelete", "false"),
                           ("modifyAllRecords", "false"), ("viewAllRecords", "false")):  # fmt: skip
        assert texts(root, f"objectPermissions/{name}") == [expected]


def test_agents_ask_and_write_no_outcome() -> None:
    """Nor who asks: that is the org's own record of who made the request."""
    root = parsed(SOURCE / "permissionsets" / "Lockstep_Agent.permissionset-meta.xml")
    editable = {
        texts(each, "field")[0]: texts(each, "editable")[0] == "true"
        for each in root.findall(f"{SPACE}fieldPermissions")
    }
    own = {f"{ACTION}.{field}" for field in OUTCOME}
    assert {field for field, can_edit in editable.items() if not can_edit} == own
    of_action = {field for field in INSTALLED if field.startswith(f"{ACTION}.")}
    assert editable.keys() == of_action - REQUIRED
    assert texts(root, "objectPermissions/object") == [ACTION]
    for name in ("allowDelete", "allowEdit", "modifyAllRecords", "viewAllRecords"):
        assert texts(root, f"objectPermissions/{name}") == ["false"]


def test_a_new_request_has_the_status_that_is_read() -> None:
    """By the field's default, and every state of an outcome is one of its values."""
    root = parsed(SOURCE / "objects" / ACTION / "fields" / "Status__c.field-meta.xml")
    values = root.findall(f".//{SPACE}value")
    named = {texts(each, "fullName")[0]: texts(each, "default")[0] for each in values}
    assert [name for name, default in named.items() if default == "true"] == [NEW]
    states = {state.capitalize() for state in get_args(OutcomeState)} - {"Waiting"}
    assert named.keys() == {NEW, *states}
    kinds = parsed(SOURCE / "objects" / ACTION / "fields" / "Kind__c.field-meta.xml")
    assert {texts(each, "fullName")[0] for each in kinds.findall(f".//{SPACE}value")} == set(
        ACTIONS
    )


def test_the_channel_of_events_has_objects_whose_changes_are_hints() -> None:
    """No more than the five that an org may select, and the subscription is to that channel."""
    folder = ROOT / "events" / "main" / "default"
    members = [parsed(file) for file in folder.glob("platformEventChannelMembers/*.xml")]
    selected = {texts(member, "selectedEntity")[0] for member in members}
    assert selected <= {f"{name}ChangeEvent" for name in STREAMS}
    assert 0 < len(selected) <= 5
    [channel] = folder.glob("platformEventChannels/*.xml")
    name = channel.name.partition(".")[0]
    assert {texts(member, "eventChannel")[0] for member in members} == {name}
    [subscription] = folder.glob("managedEventSubscriptions/*.xml")
    assert texts(parsed(subscription), "topicName") == [f"/data/{name}"]


def test_the_manifest_lists_everything() -> None:
    """And nothing else, for the version that the connector uses."""
    root = parsed(ROOT / "manifest" / "package.xml")
    listed = {
        texts(each, "name")[0]: set(texts(each, "members"))
        for each in root.findall(f"{SPACE}types")
    }
    assert listed == {
        "CustomField": INSTALLED,
        "CustomObject": {HISTORY, ACTION, STOCK.object},
        "PermissionSet": {
            "Lockstep",
            "Lockstep_Agent",
            "Lockstep_Catalog",
            "Lockstep_Products",
            "Lockstep_Stock",
        },
    }
    default = SalesforceSettings.model_fields["api_version"].default
    assert texts(root, "version") == [str(default).removeprefix("v")]
