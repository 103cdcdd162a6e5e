"""Which fields of Salesforce's documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    Id attributes.type OrderNumber Status OrderLifeCycleType OrderedDate TaxLocaleType SalesStoreId
    AccountId OriginalOrderId CurrencyIsoCode SystemModstamp IsDeleted totalSize done
    OrderDeliveryMethod.Name
    Type StockKeepingUnit ProductCode ProductClass Quantity QuantityReturned
    UnitPrice GrossUnitPrice TotalLineAmount TotalLineAmountWithTax TotalPrice TotalAmtWithTax
    TotalTaxAmount GrandTotalAmount Amount OrderDeliveryGroupSummaryId OrderDeliveryMethodId
    Method AuthorizationAmount CapturedAmount GatewayRefNumber EffectiveDate
    TrackingNumber Lockstep_Key__c Lockstep_Line__c Lockstep_Pickup_Location__c
    ProductId VariantParentId ElectronicMediaId ElectronicMediaGroup.UsageType SortOrder
    AddressType IsDefault IsPersonAccount Family QuantityUnitOfMeasure IsActive
    DeliverToCountry BillingCountry Country DeliverToState BillingState
    CreatedById CreatedDate CreatedBy.Profile.Name Profile.Name Order_Summary__c Kind__c Line__c
    Quantity__c Hold__c Node__c Country__c State__c
    """
)
"""Ids and references, states, dates, amounts, units and goods; of an address, country and state. A
name may be a person's wherever it stands, since the vendor's lists hide whose it is."""
