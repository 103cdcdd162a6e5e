"""Which fields of commercetools' documents are not personal data; any other counts as personal."""

from __future__ import annotations

from domain.personal import fields_of

FACTS = fields_of(
    """
    type id version versionModifiedAt createdAt lastModifiedAt completedAt orderNumber typeId key
    obj orderState shipmentState paymentState origin country locale isPlatformClient
    centAmount preciseAmount currencyCode fractionDigits quantity
    taxMode taxRoundingMode taxCalculationMode priceRoundingMode inventoryMode shippingMode
    priceMode lineItemMode productId productKey sku slug lineItems.name name.en productType
    rate amount includedInPrice country state.key taxPortions.name taxRate.name subRates.name
    shippingMethodName shippingMethodState shippingKey shippingMethodKey addressKey
    trackingId carrier provider providerTransaction isReturn
    discountCode code cartDiscounts discountType target
    paymentInterface method interfaceId interactionId timestamp transactions.state
    transactions.type syncedAt validFrom validUntil sortOrder stackingMode isActive
    quantityOnStock availableQuantity
    """
)
"""Ids and references, states, dates, amounts, units and goods; of an address, its country. Custom
fields are what a shopper or a merchant has written."""
