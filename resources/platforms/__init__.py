"""The commerce platforms by ``platform.kind``, one line each."""

from __future__ import annotations

from domain.ports import CommercePlatform
from resources.connector import Connector
from resources.platforms.bigcommerce.adapter import build as build_bigcommerce
from resources.platforms.bigcommerce.events import build_receiver as build_bigcommerce_receiver
from resources.platforms.bigcommerce.personal import FACTS as BIGCOMMERCE_FACTS
from resources.platforms.bigcommerce.settings import BigCommerceSettings

REGISTRY: dict[str, Connector[CommercePlatform]] = {
    "bigcommerce": Connector(
        BigCommerceSettings, build_bigcommerce, build_bigcommerce_receiver, BIGCOMMERCE_FACTS
    ),
}
