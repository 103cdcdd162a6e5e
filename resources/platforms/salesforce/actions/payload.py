"""Agents' requests in an org: the fields of the object that ``deploy/salesforce`` installs."""

from __future__ import annotations

from msgspec import field

from domain.builders.actions import ADVICE
from domain.parsing.payload import PayloadAdvice, PayloadDecoder
from domain.parsing.scalars import WrittenAmount, WrittenTime
from resources.platforms.salesforce.payload import Named, Pascal, Text

ADDRESS = {
    "first_name": "First_Name__c",
    "last_name": "Last_Name__c",
    "company": "Company__c",
    "street_1": "Street__c",
    "street_2": "Street_2__c",
    "city": "City__c",
    "state": "State__c",
    "postcode": "Postal_Code__c",
    "country_code": "Country__c",
    "phone": "Phone__c",
}
"""Part of an address -> the object's field."""
NAMES = {
    "action_id": "Id",
    "order": "Order_Summary__c",
    "kind": "Kind__c",
    "line": "Line__c",
    "quantity": "Quantity__c",
    "hold": "Hold__c",
    "node": "Node__c",
    "comment": "Comment__c",
    "address": "Street__c",
    "requested_by": "CreatedById",
    "permission_set": "CreatedBy.Profile.Name",
    "requested_at": "CreatedDate",
}
"""Field of a request -> the object's."""


class User(Pascal):
    """Who made a record."""

    profile: Named | None = None


class Request(Pascal):
    """One request. Who made it and when is the org's own, which no agent can write."""

    id: Text = None
    created_by_id: Text = None
    created_by: User | None = None
    created_date: WrittenTime = None
    order: Text = field(name="Order_Summary__c", default=None)
    kind: Text = field(name="Kind__c", default=None)
    line: Text = field(name="Line__c", default=None)
    quantity: WrittenAmount = field(name="Quantity__c", default=None)
    hold: Text = field(name="Hold__c", default=None)
    node: Text = field(name="Node__c", default=None)
    comment: Text = field(name="Comment__c", default=None)
    first_name: Text = field(name="First_Name__c", default=None)
    last_name: Text = field(name="Last_Name__c", default=None)
    company: Text = field(name="Company__c", default=None)
    street_1: Text = field(name="Street__c", default=None)
    street_2: Text = field(name="Street_2__c", default=None)
    city: Text = field(name="City__c", default=None)
    state: Text = field(name="State__c", default=None)
    postcode: Text = field(name="Postal_Code__c", default=None)
    country_code: Text = field(name="Country__c", default=None)
    phone: Text = field(name="Phone__c", default=None)


REQUESTS = PayloadDecoder(
    Request, "a request", PayloadAdvice("make the request again in the org", ADVICE)
)
