"""Which attributes of Manhattan's documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    OrderId AlternateOrderId OrgId OrganizationId CapturedDate CurrencyCode OrderLocale IsConfirmed
    IsOnHold IsCancelled IsReturn DoNotReleaseBefore DocTypeId OrderTypeId SellingChannel
    SellingChannelId MSG_TYPE UpdatedTimestamp CreatedTimestamp EventSubmitTime EventSubmitTimestamp
    msg_submission_time_utc TRACE_ID SPAN_ID MSG_ID_PK
    IsAlreadyPriced IsAlreadyCharged IsAlreadyTaxed IsImport IsImported
    MinFulfillmentStatusId MaxFulfillmentStatusId MinReturnStatusId MaxReturnStatusId StatusId
    FulfillmentStatus PostReleaseModificationStatus CancellationRequestStatus OrderTotal Total
    ChargeDetailId ChargeTypeId ChargeTotal ChargeDisplayName ChargeReferenceId DiscountOnId
    TaxCode IsTaxIncluded IsInformational TaxDetailId TaxTypeId TaxAmount TaxRate TaxableAmount
    Jurisdiction JurisdictionTypeId HoldTypeId ResolveReasonId NoteId NoteTypeId
    OrderLineId ItemId Quantity OrderedQuantity FulfilledQuantity CancelledQuantity UOM UnitPrice
    OriginalUnitPrice DeliveryMethod DeliveryMethodId ShippingMethodId ShipToLocationId
    ShipFromLocationId RequestedDeliveryDate PromisedDeliveryDate IsGift IsGiftCard IsForceAllocate
    IsAddressVerified State Country Description Size Color Style Brand
    ParentOrderId ParentOrderLineId RelatedReturnIds RelatedOrderIds
    ReturnTypeId ItemConditionId IsGiftReturn ReturnDate
    PaymentId PaymentMethodId PaymentTypeId CardTypeId Amount GatewayId ProcessingModeId
    PaymentTransactionId PaymentTransactionTypeId PaymentTransactionStatusId
    PaymentResponseStatusId RequestedAmount ProcessedAmount TransactionDate RequestId RequestToken
    ReconciliationId
    CancelQuantity ReasonId ReasonTypeId FulfillmentId FulfillmentDetailId FulfillmentDate
    TrackingNumber ReturnTrackingNumber CarrierCode ServiceLevelCode ShipViaId ShipmentId PackageId
    PackageDetailId PackageStatusId ReleaseId ReleaseLineId SerialNumber ShippedDate DeliveredDate
    AddressId IsActive IsDefaultShipping IsDefaultBilling
    BasePrice SellingPrice PriceListId EffectiveDate ExpirationDate
    EstimatedDeliveryDate MilestoneDefinitionId ExpectedTime ActualTime Attribute LocationId
    """
)
"""Ids and references, statuses, dates, amounts, units and goods; of an address, its country and
state. Comments and a tenant's own attributes (``Extended``) may hold anything."""
