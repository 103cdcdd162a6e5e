"""The objects of a simulated org: their fields, parents and children.

Source: platforms.md 3.4 and the object reference. Only the fields that a connector or a merchant
uses here; the custom ones are those of ``deploy/salesforce``.
"""

from __future__ import annotations

from sandbox.platforms.salesforce.sobject import Parent, SObject, child_of, sobject

CUSTOM = "__c"
KEY = "Lockstep_Key__c"
"""The external id of what Lockstep has made."""


ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
BILLING = " ".join(f"Billing{part}" for part in ADDRESS)
DELIVER_TO = " ".join(f"DeliverTo{part}" for part in ("Name", *ADDRESS))
FULFILLED_TO = " ".join(
    f"FulfilledTo{part}" for part in ("Name", *ADDRESS, "EmailAddress", "Phone")
)
SUMMARY = Parent("OrderSummary", "OrderSummary")
PRODUCT = Parent("Product2", "Product2")
ITEM = Parent("OrderItemSummary", "OrderItemSummary")


OBJECTS: dict[str, SObject] = {
    "Account": sobject("001", f"Name Phone {BILLING} ShippingStreet ShippingCity"),
    "Contact": sobject(
        "003", "FirstName LastName Email Phone",
        parents={"AccountId": Parent("Account", "Account", "Contacts")}, required="LastName",
    ),
    "ContactPointAddress": sobject(
        "8lW", f"Name AddressType {' '.join(ADDRESS)}",
        parents={"ParentId": Parent("Account", "Parent", "ContactPointAddresses")},
        flags="IsDefault", required="Name",
    ),
    "Product2": sobject(
        "01t",
        "Name StockKeepingUnit ProductCode ProductClass Description Family QuantityUnitOfMeasure"
        " Warranty__c Brand__c GTIN__c UPC__c Material__c Picture__c",
        numbers="Weight__c Width__c Height__c Depth__c", flags="IsActive", required="Name",
        keys=KEY,
        lengths={"Name": 255, "Description": 4_000, "StockKeepingUnit": 180, "ProductCode": 255},
    ),
    "ProductAttribute": sobject(
        "0hU", "Name Color__c Size__c",
        parents={
            "ProductId": PRODUCT, "VariantParentId": Parent("Product2", "VariantParent"),
        },
        numbers="Sequence", required="ProductId",
    ),
    "ElectronicMediaGroup": sobject("2mg", "Name DeveloperName UsageType"),
    "ManagedContent": sobject("20Y", "Name ContentKey Address"),  # the vendor's has no address
    "ProductMedia": sobject(
        "2pm", "Name",
        parents={
            "ProductId": PRODUCT,
            "ElectronicMediaId": Parent("ManagedContent", "ElectronicMedia"),
            "ElectronicMediaGroupId": Parent("ElectronicMediaGroup", "ElectronicMediaGroup"),
        },
        numbers="SortOrder", required="ProductId ElectronicMediaId ElectronicMediaGroupId",
    ),
    "Pricebook2": sobject("01s", "Name", flags="IsActive IsStandard"),
    "PricebookEntry": sobject(
        "01u", "CurrencyIsoCode",
        parents={
            "Pricebook2Id": Parent("Pricebook2", "Pricebook2"),
            "Product2Id": child_of(PRODUCT, "PricebookEntries"),
        },
        numbers="UnitPrice", flags="IsActive UseStandardPrice",
        required="Pricebook2Id Product2Id UnitPrice",
    ),
    "Location": sobject("131", "Name ExternalReference LocationType", flags="IsInventoryLocation"),
    "OrderDeliveryMethod": sobject("2Dm", "Name ReferenceNumber", flags="IsActive"),
    "Order": sobject(
        "801",
        "Status StatusCode EffectiveDate CurrencyIsoCode RelatedOrderType SalesStoreId PoNumber",
        parents={
            "AccountId": Parent("Account", "Account", "Orders"),
            "RelatedOrderId": Parent("Order", "RelatedOrder"),
        },
        flags="IsReductionOrder", numbered=("OrderNumber", "{:08d}"),
    ),
    "OrderSummary": sobject(
        "1Os",
        "OrderNumber Status OrderLifeCycleType CurrencyIsoCode TaxLocaleType SalesStoreId"
        " BillingEmailAddress BillingPhoneNumber Description ExternalReferenceIdentifier"
        f" {BILLING}",
        parents={
            "OriginalOrderId": Parent("Order", "OriginalOrder"),
            "AccountId": Parent("Account", "Account", "OrderSummaries"),
            "BillToContactId": Parent("Contact", "BillToContact"),
        },
        numbers="GrandTotalAmount TotalTaxAmount TotalAmount", moments="OrderedDate",
        read_only="GrandTotalAmount TotalTaxAmount TotalAmount",
    ),
    "OrderDeliveryGroupSummary": sobject(
        "0ag", f"{DELIVER_TO} EmailAddress PhoneNumber DeliveryInstructions"
        " Lockstep_Pickup_Location__c",
        parents={
            "OrderSummaryId": child_of(SUMMARY, "OrderDeliveryGroupSummaries"),
            "OrderDeliveryMethodId": Parent("OrderDeliveryMethod", "OrderDeliveryMethod"),
        },
        numbers="DeliverToLatitude DeliverToLongitude",
    ),
    "OrderItemSummary": sobject(
        "10u", "Name ProductCode Type TypeCode Status Description OriginalOrderItemId",
        parents={
            "OrderSummaryId": child_of(SUMMARY, "OrderItemSummaries"),
            "OrderDeliveryGroupSummaryId": Parent(
                "OrderDeliveryGroupSummary", "OrderDeliveryGroupSummary"
            ),
            "Product2Id": PRODUCT,
        },
        numbers="LineNumber Quantity QuantityOrdered QuantityCanceled QuantityReturned UnitPrice"
        " GrossUnitPrice TotalLineAmount TotalLineAmountWithTax TotalPrice TotalTaxAmount"
        " TotalAmtWithTax",
    ),
    "OrderItemAdjustmentLineSummary": sobject(
        "9te", "Name Description",
        parents={
            "OrderItemSummaryId": child_of(ITEM, "OrderItemAdjustmentLineSummaries"),
            "OrderSummaryId": SUMMARY,
        },
        numbers="Amount TotalTaxAmount TotalAmtWithTax",
    ),
    "OrderPaymentSummary": sobject(
        "0bM", "Method Type FullName",
        parents={"OrderSummaryId": child_of(SUMMARY, "OrderPaymentSummaries")},
        numbers="AuthorizationAmount CapturedAmount",
    ),
    "PaymentAuthorization": sobject(
        "0cA", "GatewayRefNumber GatewayAuthCode Status",
        parents={
            "OrderPaymentSummaryId": Parent(
                "OrderPaymentSummary", "OrderPaymentSummary", "PaymentAuthorizations"
            )
        },
        numbers="Amount", moments="EffectiveDate",
    ),
    "Payment": sobject(
        "0aQ", "GatewayRefNumber Status Type",
        parents={
            "OrderPaymentSummaryId": Parent(
                "OrderPaymentSummary", "OrderPaymentSummary", "Payments"
            )
        },
        numbers="Amount", moments="EffectiveDate",
    ),
    "FulfillmentOrder": sobject(
        "0a3", f"Status Type {FULFILLED_TO}",
        parents={
            "OrderSummaryId": child_of(SUMMARY, "FulfillmentOrders"),
            "AccountId": Parent("Account", "Account"),
            "OrderId": Parent("Order", "Order"),
            "DeliveryMethodId": Parent("OrderDeliveryMethod", "DeliveryMethod"),
            "FulfilledFromLocationId": Parent("Location", "FulfilledFromLocation"),
        },
        numbers="FulfilledToLatitude FulfilledToLongitude",
        required="AccountId DeliveryMethodId FulfilledFromLocationId FulfilledToName"
        " OrderSummaryId Status Type",
        keys=KEY, numbered=("FulfillmentOrderNumber", "FO-{:04d}"),
    ),
    "FulfillmentOrderLineItem": sobject(
        "0a4", "Description Type TypeCode OrderItemId",
        parents={
            "FulfillmentOrderId": Parent(
                "FulfillmentOrder", "FulfillmentOrder", "FulfillmentOrderLineItems"
            ),
            "OrderItemSummaryId": ITEM,
            "Product2Id": PRODUCT,
        },
        numbers="Quantity OriginalQuantity UnitPrice GrossUnitPrice TotalLineAmount",
        required="FulfillmentOrderId OrderItemSummaryId Quantity", keys=KEY,
    ),
    "Shipment": sobject(
        "0OB", "Status Provider TrackingNumber TrackingUrl ShipToName",
        parents={
            "OrderSummaryId": child_of(SUMMARY, "Shipments"),
            "FulfillmentOrderId": Parent("FulfillmentOrder", "FulfillmentOrder", "Shipments"),
        },
        moments="ExpectedDeliveryDate ActualDeliveryDate", required="ShipToName",
        keys=KEY, numbered=("ShipmentNumber", "S-{:08d}"),
    ),
    "ShipmentItem": sobject(
        "0OC", "Description Lockstep_Line__c",
        parents={
            "ShipmentId": Parent("Shipment", "Shipment", "ShipmentItems"),
            "Product2Id": PRODUCT,
        },
        numbers="Quantity", required="ShipmentId Quantity", keys=KEY,
    ),
    "ReturnOrder": sobject(
        "0eR", "Status Description CurrencyIsoCode Lockstep_Return__c Lockstep_Tracking__c",
        parents={
            "OrderSummaryId": child_of(SUMMARY, "ReturnOrders"),
            "AccountId": Parent("Account", "Account", "ReturnOrders"),
            "OrderId": Parent("Order", "Order", "ReturnOrders"),
        },
        required="Status", keys=KEY, numbered=("ReturnOrderNumber", "{:08d}"),
    ),
    "ReturnOrderLineItem": sobject(
        "0eL", "Description ProcessingPlan ReasonForReturn",
        parents={
            "ReturnOrderId": Parent("ReturnOrder", "ReturnOrder", "ReturnOrderLineItems"),
            "OrderItemSummaryId": ITEM,
            "Product2Id": PRODUCT,
        },
        numbers="QuantityExpected QuantityReceived QuantityRejected QuantityReturned"
        " Lockstep_Refunded__c",
        required="ReturnOrderId QuantityReturned", keys=KEY,
        numbered=("ReturnOrderLineItemNumber", "{:08d}"),
    ),
    "Refund": sobject(
        "9V1", "Status Type GatewayRefNumber",
        parents={
            "OrderPaymentSummaryId": Parent("OrderPaymentSummary", "OrderPaymentSummary", "Refunds")
        },
        numbers="Amount", moments="EffectiveDate", required="Amount Status",
    ),
    "Profile": sobject("00e", "Name"),
    "User": sobject("005", "Username", parents={"ProfileId": Parent("Profile", "Profile")}),
    "Lockstep_Action__c": sobject(
        "a02", "Name Kind__c Hold__c Node__c Comment__c First_Name__c Last_Name__c Company__c"
        " Street__c Street_2__c City__c State__c Postal_Code__c Country__c Phone__c Status__c"
        " Reason__c",
        parents={
            "Order_Summary__c": Parent("OrderSummary", "Order_Summary__r", "Lockstep_Actions__r"),
            "Line__c": Parent("OrderItemSummary", "Line__r"),
            "CreatedById": Parent("User", "CreatedBy"),
        },
        numbers="Quantity__c", moments="Decided_At__c",
        required="Order_Summary__c Kind__c Status__c",
    ),
    "Lockstep_Stock__c": sobject(
        "a03", "Name SKU__c Location__c", numbers="Available__c", required="SKU__c", keys=KEY,
        lengths={"SKU__c": 255, "Location__c": 255, KEY: 255},
    ),
    "Shelf__c": sobject("a04", "Name", numbers="Units__c", keys="Part__c"),
    "Lockstep_Status__c": sobject(
        "a01", "Name Status__c",
        parents={
            "Order_Summary__c": Parent("OrderSummary", "Order_Summary__r", "Lockstep_Statuses__r")
        },
        moments="Occurred_At__c", required="Order_Summary__c Status__c", keys=KEY,
    ),
}  # fmt: skip

CHILDREN: dict[tuple[str, str], tuple[str, str]] = {
    (parent.object, parent.children): (name, reference)
    for name, kind in OBJECTS.items()
    for reference, parent in kind.parents.items()
    if parent.children
}
"""(object, child relationship) -> (child's object, its reference field)."""
PREFIXES = {kind.prefix: name for name, kind in OBJECTS.items()}
