"""Addresses like the public Olist data: no streets, cities without accents, postcode prefixes."""

from __future__ import annotations

import csv
import gzip

import pytest
from msgspec.structs import replace

from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from tests.shared import shared_path

RULES = AddressRules()
PLACE = RawAddress(
    first_name="Cliente",
    street_1="Endereco nao publicado",
    city="sao paulo",
    state="SP",
    postcode="04571",
    country_code="BR",
)


@pytest.mark.parametrize(
    ("dirt", "city", "warnings"),
    [
        ({"postcode": "4571"}, "sao paulo", ["postcode_leading_zero", "postcode_incomplete"]),
        ({"state": "sp"}, "sao paulo", ["postcode_incomplete"]),
        ({"state": "São Paulo"}, "sao paulo", ["postcode_incomplete"]),
        ({"city": "  sao \t paulo "}, "sao paulo", ["postcode_incomplete"]),
        (
            {"city": "rio de janeiro / rio de janeiro", "state": "RJ", "postcode": "20040"},
            "rio de janeiro / rio de janeiro",
            ["postcode_incomplete"],
        ),
        (
            {"city": "arraial d'ajuda", "state": "BA", "postcode": "45816"},
            "arraial d'ajuda",
            ["postcode_incomplete"],
        ),
        ({"state": "XX"}, "sao paulo", ["subdivision_unknown", "postcode_incomplete"]),
        ({"postcode": ""}, "sao paulo", ["postcode_missing"]),
    ],
)
def test_dirt_that_a_carrier_can_cope_with_is_a_warning(
    dirt: dict[str, str], city: str, warnings: list[str]
) -> None:
    """None of it rejects an order, all of it is reported, and no city is guessed."""
    result = normalise_address(replace(PLACE, **dirt), RULES)
    assert [problem.code for problem in result.problems] == []
    assert [warning.code for warning in result.warnings] == warnings
    assert (result.address.city, result.address.country) == (city, "BR")


@pytest.mark.parametrize(
    ("dirt", "code"),
    [
        ({"city": ""}, "city_missing"),
        ({"country_code": "", "country_name": "Terra"}, "country_unknown"),
    ],
)
def test_an_address_that_cannot_be_delivered_to_is_a_problem(
    dirt: dict[str, str], code: str
) -> None:
    """An address without a city, or in a country that does not exist."""
    assert code in [
        problem.code for problem in normalise_address(replace(PLACE, **dirt), RULES).problems
    ]


def test_every_customer_of_the_real_data_has_an_address() -> None:
    """No place of the public data rejects its order, and each state is one of Brazil's."""
    with gzip.open(
        shared_path("data/olist/customers.csv.gz"), "rt", encoding="utf-8", newline=""
    ) as rows:
        for row in csv.DictReader(rows):
            raw = replace(
                PLACE,
                city=row["customer_city"],
                state=row["customer_state"],
                postcode=row["customer_zip_code_prefix"],
            )
            result = normalise_address(raw, RULES)
            assert result.problems == ()
            assert result.address.subdivision == f"BR-{row['customer_state']}"
            assert {warning.code for warning in result.warnings} <= {
                "postcode_leading_zero",
                "postcode_incomplete",
            }
