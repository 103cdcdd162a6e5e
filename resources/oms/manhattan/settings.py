"""Settings of a Manhattan connection; ``wire.py`` has the tenant's paths, names and codes.

No live call was made to the vendor. What public material does not confirm is marked UNVERIFIED
below and listed in this folder's README, so that it can be changed in ``connections.yaml`` without
changing the code.
"""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from domain.identity import Identity, normalised_address
from domain.policies import InventoryPolicy, SecretRef, TimeZone
from resources.connector import SystemSettings
from resources.http.signatures import HmacScheme
from resources.oms.manhattan.wire import ManhattanCodes, ManhattanNames, ManhattanPaths

Url = Annotated[str, Field(pattern=r"^https?://[^\s?#]+$")]
Count = Annotated[int, Field(ge=1)]


class EventScheme(HmacScheme):
    """How the tenant's events are signed, and which attribute of a message names what changed."""

    order_id: str = "OrderId"
    inventory_ids: tuple[str, ...] = ("ItemId", "TransactionNumber")
    """Attributes that mark a message about stock; no order event has them."""


class ManhattanSettings(SystemSettings):
    """The ``oms`` section of a connection of kind ``manhattan``."""

    kind: Literal["manhattan"] = "manhattan"
    base_url: Url
    """``https://<tenant>.omni.manh.com``."""
    inventory_base_url: Url | None = None
    """Where availability has a host of its own; ``base_url`` by default."""
    token_url: Url
    """``https://<tenant>-auth.omni.manh.com/oauth/token``."""
    hosts: tuple[str, ...] = ()
    """Further hosts that may receive credentials.

    ``token_url`` and ``inventory_base_url`` must be in the domain of ``base_url`` or listed here.
    """
    client_id: str
    client_secret: SecretRef
    grant: Literal["password", "client_credentials"] = "password"
    """UNVERIFIED: ``client_credentials``."""
    username: str = ""
    password: SecretRef | None = None
    organization: str
    organization_header: str | None = None
    """UNVERIFIED: sister products use ``selectedOrganization``; sent only if named here."""
    location: str = ""
    location_header: str | None = None
    """UNVERIFIED: ``selectedLocation``, likewise."""
    trace_header: str = "x-trace-id"
    """UNVERIFIED: answer header with the vendor's trace id; events have ``TRACE_ID``."""
    token_fallback_seconds: Count = 1800
    """UNVERIFIED: a token's lifetime where the answer has no ``expires_in``."""
    timeout: Annotated[float, Field(gt=0)] = 30.0
    requests_per_second: Count = 10
    """UNVERIFIED, as is the next: the vendor publishes no limit."""
    push_concurrency: Count = 4
    orders_per_call: Annotated[int, Field(ge=1, le=100)] = 1
    """New orders that a call of ``paths.bulk_create`` creates; 1 saves each on its own.

    UNVERIFIED, so off unless set: the service is documented, its path, body and limit are not.
    """
    read_concurrency: Count = 2
    item_page_size: Count = 100
    price_page_size: Count = 100
    """UNVERIFIED: the most SKUs, and the most rows, of a search for prices."""
    stock_page_size: Count = 100
    """UNVERIFIED: the most items that an availability call takes."""
    search_page_size: Count = 100
    search_template: dict[str, object] | None = None
    """The ``Template`` of order searches; null asks for whole orders."""
    naive_time_zone: TimeZone = "UTC"
    """UNVERIFIED: the zone of time stamps without one."""
    network_view: str = "NetworkView"
    """The view of availability that is read where ``inventory.view`` names none."""
    push: EventScheme | None = None
    """UNVERIFIED: the vendor publishes to queues; a relay of the tenant signs and forwards."""
    paths: ManhattanPaths = ManhattanPaths()
    names: ManhattanNames = ManhattanNames()
    codes: ManhattanCodes = ManhattanCodes()

    @model_validator(mode="after")
    def _password_grant_is_complete(self) -> Self:
        if self.grant == "password" and (not self.username or self.password is None):
            raise ValueError(
                "grant: password needs username and password (or set grant: client_credentials)"
            )
        return self

    @model_validator(mode="after")
    def _credentials_stay_in_the_domain(self) -> Self:
        home = urlsplit(self.base_url).hostname or ""
        for name, url in (
            ("token_url", self.token_url),
            ("inventory_base_url", self.inventory_base_url),
        ):
            host = urlsplit(url or "").hostname or home
            if host != home and host not in self.hosts and _domain(host) != _domain(home):
                raise ValueError(
                    f"{name}: the host {host} is not in the domain of base_url ({home}); "
                    "if it is yours, list it in hosts"
                )
        return self

    @property
    def zone(self) -> tzinfo:
        """Return the zone of time stamps without one."""
        return ZoneInfo(self.naive_time_zone)

    @property
    def identity(self) -> Identity:
        """Return the tenant and the organisation.

        UNVERIFIED whether the tenant ignores case in organisations and order ids; ids are kept
        apart as if it did.
        """
        address, organization = (
            normalised_address(self.base_url),
            self.organization.strip().casefold(),
        )
        return Identity(
            f"manhattan {address}",
            organization,
            part_name="organization",
            ids_ignore_case=True,
            bucket=f"manhattan:{address}/{organization}",
        )

    def view(self, policy: InventoryPolicy) -> str:
        """Return the view of availability that a connection reads."""
        return policy.view or self.network_view

    @property
    def availability_url(self) -> str:
        """Return the base URL of availability calls."""
        return self.inventory_base_url or self.base_url


def _domain(host: str) -> str:
    """Return a host without its first label: ``omni.manh.com`` of ``acme.omni.manh.com``.

    A host of two labels and an IP address are returned unchanged.
    """
    labels = host.split(".")
    return host if len(labels) < 3 or labels[-1].isdigit() else ".".join(labels[1:])
