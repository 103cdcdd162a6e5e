"""Builds both systems of a connection from the registries."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress

from pydantic import BaseModel

from domain.connections import Connection, SystemSection
from domain.errors import PermanentError
from domain.policies import SecretRef
from domain.ports import (
    CommercePlatform,
    OrderManagementSystem,
    QuotaLedger,
    WebhookReceiver,
)
from domain.rules.capabilities import (
    Parts,
    carried_streams,
    missing_parts,
    settings_without_items,
    settings_without_products,
    settings_without_refunds,
)
from domain.rules.collisions import Endpoints
from domain.statuses import OrderStatuses, StoreStatuses, UnusableStatus
from domain.targets import PaymentService
from resources import oms, platforms
from resources.connector import Connector, SystemSettings
from resources.payments.service import HttpPayments
from resources.secrets import current, resolve

Registry = dict[str, Connector[CommercePlatform]] | dict[str, Connector[OrderManagementSystem]]


def settings_of(section: SystemSection, registry: Registry) -> SystemSettings:
    """Validate a connector's section.

    Raises ``pydantic.ValidationError``, or ``PermanentError`` for an unknown kind.
    """
    connector = registry.get(section.kind)
    if connector is None:
        raise PermanentError(
            f"There is no connector of the kind {section.kind!r}; "
            f"known are {', '.join(sorted(registry))}."
        )
    return connector.settings.model_validate(section.model_dump())


def secret_refs(section: BaseModel, path: str = "") -> Iterator[tuple[str, SecretRef]]:
    """Yield the secrets that a section refers to, with their paths."""
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, SecretRef):
            yield f"{path}{name}", value
        elif isinstance(value, BaseModel):
            yield from secret_refs(value, f"{path}{name}.")


def secrets_of(connection: Connection) -> list[tuple[str, SecretRef]]:
    """Return the secrets that a connection refers to, with their paths.

    Raises what ``settings_of`` raises.
    """
    found = [
        pair
        for section, registry in (
            (connection.platform, platforms.REGISTRY),
            (connection.oms, oms.REGISTRY),
        )
        for pair in secret_refs(settings_of(section, registry))
    ]
    if (service := connection.returns.service) is not None:
        found.append(("returns.service.token", service.token))
    return found


def secrets_digest(secrets: Sequence[tuple[str, SecretRef]]) -> bytes:
    """Return a digest of the current values of secrets, to notice a renewed one.

    One that can't be read is left out: it is reported when a system is built with it.
    """
    digest = hashlib.sha256()
    for path, reference in secrets:
        with suppress(PermanentError):
            digest.update(f"{path}={current(reference)}\n".encode())
    return digest.digest()


def endpoints_of(connection: Connection) -> Endpoints:
    """Return which systems a connection is between, from its validated sections."""
    return Endpoints(
        connection,
        settings_of(connection.platform, platforms.REGISTRY).identity,
        settings_of(connection.oms, oms.REGISTRY).identity,
    )


def statuses_of(connection: Connection) -> OrderStatuses:
    """Return in which of the store's statuses the connection's orders go out.

    Raises ``PermanentError`` for a store that is not a source of orders.
    """
    return _store_statuses(connection).chosen(connection.orders)


def unusable_statuses(connection: Connection) -> list[UnusableStatus]:
    """Return what is wrong with the statuses that the connection's configuration names."""
    return list(_store_statuses(connection).unusable(connection.orders, connection.shipments))


def _store_statuses(connection: Connection) -> StoreStatuses:
    statuses = platforms.REGISTRY[connection.platform.kind].statuses
    if statuses is None:
        raise PermanentError(f"orders can't be read from {connection.platform.kind}")
    return statuses


def missing_of(connection: Connection) -> list[str]:
    """Return a sentence for each stream that the connection's two systems can't carry."""
    platform, system = parts_of(connection.platform.kind, connection.oms.kind)
    return list(missing_parts(connection.streams, platform, system))


def unusable_settings(connection: Connection) -> list[tuple[tuple[str, str], str]]:
    """Return place and fault of each setting that needs what the connection's systems have not."""
    store, system = parts_of(connection.platform.kind, connection.oms.kind)
    return [
        *settings_without_items(connection, system),
        *settings_without_products(connection, store),
        *settings_without_refunds(connection, store),
    ]


def streams_carried(platform: str, oms_kind: str) -> list[str]:
    """Return the streams that a platform and an OMS of these kinds can carry."""
    return carried_streams(*parts_of(platform, oms_kind))


def parts_of(platform: str, oms_kind: str) -> tuple[Parts, Parts]:
    """Return what the connectors of a platform and an OMS can be read for and written to."""
    store, system = platforms.REGISTRY[platform], oms.REGISTRY[oms_kind]
    return (
        Parts(platform, store.sources.keys(), store.targets),
        Parts(oms_kind, system.sources.keys(), system.targets),
    )


def build_platform(connection: Connection, quota: QuotaLedger) -> CommercePlatform:
    """Build the store's adapter; raises ``PermanentError`` for a missing secret."""
    settings = settings_of(connection.platform, platforms.REGISTRY)
    return platforms.REGISTRY[connection.platform.kind].build(settings, connection, resolve, quota)


def build_oms(connection: Connection, quota: QuotaLedger) -> OrderManagementSystem:
    """Build the OMS's adapter; raises ``PermanentError`` for a missing secret."""
    settings = settings_of(connection.oms, oms.REGISTRY)
    return oms.REGISTRY[connection.oms.kind].build(settings, connection, resolve, quota)


def build_payments(connection: Connection, quota: QuotaLedger) -> PaymentService | None:
    """Build the payment service of a connection, if it has one that is not the store's own.

    Raises ``PermanentError`` for a missing secret.
    """
    service = connection.returns.service
    return HttpPayments(service, resolve(service.token), quota) if service is not None else None


def build_receivers(
    connection: Connection, secrets: Callable[[SecretRef], str] = resolve
) -> dict[str, WebhookReceiver]:
    """Build the receivers of a connection's webhooks, for each system that has a secret for them.

    The keys are ``platform`` and ``oms``; empty if the connection has no section ``webhooks``.
    Raises ``PermanentError`` for a missing secret.
    """
    if connection.webhooks is None:
        return {}
    sides: tuple[tuple[str, SystemSection, Registry], ...] = (
        ("platform", connection.platform, platforms.REGISTRY),
        ("oms", connection.oms, oms.REGISTRY),
    )
    found: dict[str, WebhookReceiver] = {}
    for side, section, registry in sides:
        build = registry[section.kind].receiver
        receiver = (
            build(settings_of(section, registry), connection, secrets)
            if build is not None
            else None
        )
        if receiver is not None:
            found[side] = receiver
    return found
