"""The commerce platforms by ``platform.kind``, one line each."""

from __future__ import annotations

from domain.ports import CommercePlatform
from resources.connector import Connector
from resources.platforms.bigcommerce import adapter as bigcommerce
from resources.platforms.bigcommerce.event_models import EVENT_MODELS
from resources.platforms.bigcommerce.events import build_receiver as build_bigcommerce_receiver
from resources.platforms.bigcommerce.settings import BigCommerceSettings
from resources.platforms.bigcommerce.statuses import ORDER_STATUSES as BIGCOMMERCE_STATUSES
from resources.platforms.commercetools import adapter as commercetools
from resources.platforms.commercetools.settings import CommercetoolsSettings
from resources.platforms.commercetools.statuses import ORDER_STATUSES as COMMERCETOOLS_STATUSES
from resources.platforms.salesforce import adapter as salesforce
from resources.platforms.salesforce.settings import SalesforceSettings
from resources.platforms.salesforce.statuses import ORDER_STATUSES as SALESFORCE_STATUSES

REGISTRY: dict[str, Connector[CommercePlatform]] = {
    "bigcommerce": Connector(
        BigCommerceSettings,
        bigcommerce.build,
        build_bigcommerce_receiver,
        bigcommerce.SOURCES,
        bigcommerce.TARGETS,
        BIGCOMMERCE_STATUSES,
        EVENT_MODELS,
    ),
    "commercetools": Connector(
        CommercetoolsSettings,
        commercetools.build,
        None,
        commercetools.SOURCES,
        commercetools.TARGETS,
        COMMERCETOOLS_STATUSES,
    ),
    "salesforce": Connector(
        SalesforceSettings,
        salesforce.build,
        None,
        salesforce.SOURCES,
        salesforce.TARGETS,
        SALESFORCE_STATUSES,
    ),
}
