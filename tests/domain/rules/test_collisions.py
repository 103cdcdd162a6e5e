"""Connections that would overwrite each other are found by their settings alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.connections import Connection, SystemSection
from domain.identity import Identity, normalised_address
from domain.policies import CatalogPolicy, InventoryPolicy, OrdersPolicy, PricesPolicy
from domain.rules.collisions import Endpoints, collisions

SECTION = SystemSection(kind="any")
OMS = Identity("oms acme.example", "acme", "organization", ids_ignore_case=True)


def endpoints(
    prefix: str = "",
    *,
    store: str = "s1",
    channel: str | None = None,
    oms: Identity = OMS,
    streams: tuple[Any, ...] = ("orders", "inventory", "shipments"),
    **inventory: Any,
) -> Endpoints:
    """Return the endpoints of a connection of a store of its own."""
    connection = Connection(
        platform=SECTION,
        oms=SECTION,
        orders=OrdersPolicy(order_id_prefix=prefix),
        inventory=InventoryPolicy(**inventory),
        streams=streams,
    )
    return Endpoints(connection, Identity(f"store {store}", channel), oms)


def found(a: Endpoints, b: Endpoints) -> dict[str, str]:
    """Return section -> message of the collisions of two connections."""
    return {place[1]: message for place, message in collisions({"one": a, "two": b})}


@pytest.mark.parametrize(
    ("one", "two"),
    [("", ""), ("US-", ""), ("US-", "US-"), ("W", "W1"), ("EU-", "eu-"), ("A", "aB")],
)
def test_prefixes_of_one_organisation_that_overlap_are_refused(one: str, two: str) -> None:
    """Order 1001 of one store would be an order of the other, too."""
    message = found(endpoints(one), endpoints(two, store="s2"))["orders"]
    assert "one and two" in message
    assert f"{one!r} and {two!r}" in message
    assert "oms acme.example, organization acme" in message
    assert "Give each connection a prefix" in message
    assert found(endpoints(two), endpoints(one, store="s2")).keys() == {"orders"}


def test_prefixes_that_do_not_overlap_are_accepted() -> None:
    """The control of the above."""
    assert not found(endpoints("US-"), endpoints("EU-", store="s2"))


def test_case_separates_ids_where_the_oms_says_so() -> None:
    """Whether it does is a fact of the connector."""
    exact = Identity("oms acme.example", "acme")
    assert not found(endpoints("us-", oms=exact), endpoints("US-", store="s2", oms=exact))


@pytest.mark.parametrize(
    "other", [Identity("oms acme.example", "acme eu"), Identity("oms other.example", "acme")]
)
def test_equal_prefixes_in_two_organisations_are_accepted(other: Identity) -> None:
    """Ids are unique in one organisation only."""
    assert not found(endpoints(), endpoints(store="s2", oms=other))


def test_a_connection_of_stock_alone_has_no_order_ids() -> None:
    """It neither sends orders nor reads them, so its prefix means nothing."""
    assert not found(endpoints(), endpoints(store="s2", streams=("inventory",)))
    assert found(endpoints(), endpoints(store="s2", streams=("shipments",))).keys() == {"orders"}


@pytest.mark.parametrize(("one", "two"), [(None, None), ("1", "1"), ("1", None), (None, "1")])
def test_two_connections_of_one_channel_are_refused(one: str | None, two: str | None) -> None:
    """Each of its orders would be sent twice; without a channel a connection has them all."""
    message = found(endpoints("A-", channel=one), endpoints("B-", channel=two))["platform"]
    assert "one and two both serve store s1" in message


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({}, {}),
        ({"store_location": "depot"}, {"store_location": "depot"}),
        ({"store_location": "depot"}, {"mode": "by_node", "nodes": {"N1": "shop", "N2": "depot"}}),
        ({"store_location": "depot"}, {}),
        ({"mode": "by_node", "nodes": {"N1": "default"}}, {"store_location": "depot"}),
    ],
)
def test_two_connections_that_write_stock_to_one_location_are_refused(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    """Each would overwrite the other's numbers; the default location may be any of them."""
    a = endpoints("A-", channel="1", **one)
    b = endpoints("B-", channel="2", **two)
    message = found(a, b)["inventory"]
    assert "one and two both write the stock of store s1" in message
    assert "by their codes" in message


def test_stock_of_two_locations_or_of_one_connection_is_accepted() -> None:
    """The controls of the above."""
    one = endpoints("A-", channel="1", store_location="depot")
    assert not found(one, endpoints("B-", channel="2", store_location="shop"))
    assert not found(one, endpoints("B-", channel="2", streams=("orders", "shipments")))
    assert not found(one, endpoints("B-", store="s2", store_location="depot"))


@pytest.mark.parametrize(
    "spelling",
    [
        "https://acme.example",
        "https://ACME.example/",
        "https://acme.example:443",
        "http://acme.example:80//",
        "https://acme.example.",
        "https://acme.example.:443/",
    ],
)
def test_an_address_has_one_form_however_it_is_written(spelling: str) -> None:
    """Two spellings of one tenant would be taken for two tenants."""
    assert normalised_address(spelling) == "acme.example"


def test_other_ports_and_paths_are_other_addresses() -> None:
    """A port that can't exist is not an error here."""
    assert normalised_address("https://acme.example:8443/a/") == "acme.example:8443/a"
    assert normalised_address("http://[::1]:99999/") == "[::1]:99999"
    assert normalised_address("http://acme.example:443") == "acme.example:443"


def test_two_connections_that_write_prices_to_one_list_are_refused() -> None:
    """Of one store; each with a list of its own is accepted."""
    streams = ("orders", "prices")

    def of(prefix: str, channel: str, **prices: object) -> Endpoints:
        made = endpoints(prefix, channel=channel, streams=streams)
        policy = PricesPolicy.model_validate(prices)
        connection = made.connection.model_copy(update={"prices": policy})
        return replace(made, connection=connection)

    message = found(of("A-", "1"), of("B-", "2"))["prices"]
    assert "both write prices of store s1 to its list 'catalog'" in message
    assert "prices" in found(of("A-", "1", lists={"X": "3"}), of("B-", "2", store_list="3"))
    assert not found(of("A-", "1"), of("B-", "2", store_list="3"))


def test_two_connections_that_write_the_same_texts_are_refused() -> None:
    """Of products of one store: each would take the other's for an edit, and overwrite it."""
    streams = ("orders", "catalog", "listings")
    titles = {"list_from_oms": True, "oms_fields": ("title", "images")}

    def of(prefix: str, store: str = "s1", oms: Identity = OMS, **catalog: object) -> Endpoints:
        made = endpoints(prefix, store=store, channel=prefix, oms=oms, streams=streams)
        policy = CatalogPolicy.model_validate(catalog)
        return replace(made, connection=made.connection.model_copy(update={"catalog": policy}))

    message = found(of("A-", **titles), of("B-", **titles))["catalog"]
    assert "both keep the field 'images' of the products of store s1" in message
    assert not found(of("A-", **titles), of("B-", store="s2", **titles))
    assert not found(of("A-", **titles), of("B-", **(titles | {"oms_fields": ("brand",)})))
    assert not found(of("A-", **titles), of("B-", **(titles | {"list_from_oms": False})))

    creates = of("B-", create_items=True)
    assert "the other writes them back" in found(of("A-", **titles), creates)["catalog"]
    assert "the other writes them back" in found(creates, of("A-", **titles))["catalog"]
    other = replace(OMS, part="other")
    assert not found(of("A-", oms=other, **titles), creates)
    assert not found(of("A-", list_from_oms=True), creates)
