"""Countries and subdivisions are exact matches of codes, names and aliases, never guesses."""

from __future__ import annotations

import gzip
import json

import pycountry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.addressing.countries import _translations, resolve_country
from domain.addressing.subdivisions import USED, normalise_subdivision
from tests.shared import shared_path


@pytest.mark.parametrize(
    ("code", "name", "country"),
    [
        ("US", "", "US"),
        ("us", "United States", "US"),
        ("USA", "", "US"),
        ("UK", "", "GB"),
        ("", "Great Britain", "GB"),
        ("", "The Netherlands", "NL"),
        ("", "Deutschland", "DE"),
        ("", "Côte d'Ivoire", "CI"),
        ("", "Korea, Republic of", "KR"),
        ("XK", "Kosovo", "XK"),
        ("", "Brasil", "BR"),
        ("", "Saksa", "DE"),
        ("", "المغرب", "MA"),
        ("", "美国", "US"),
        ("", "Brazl", None),
        ("ZZ", "", None),
        ("", "", None),
    ],
)
def test_a_country_is_found_by_code_or_name(code: str, name: str, country: str | None) -> None:
    """Codes, official, common and local names and aliases are understood; a typing error is not."""
    assert resolve_country(code, name).code == country


def test_every_iso_country_is_found_by_each_of_its_names() -> None:
    """No name of ISO 3166-1 means another country."""
    for country in pycountry.countries:
        names = [
            country.name,
            getattr(country, "official_name", ""),
            getattr(country, "common_name", ""),
        ]
        assert {resolve_country("", name).code for name in names if name} == {country.alpha_2}
        assert (
            resolve_country(country.alpha_3, "").code
            == resolve_country(country.alpha_2, country.name).code
            == country.alpha_2
        )


def test_a_translation_that_means_two_countries_is_not_used() -> None:
    """The catalogues have mistakes: in one of them the Gambia has the name of Slovakia."""
    assert "slovenska republika" not in _translations()
    assert len(_translations()) > 10_000


def test_a_code_that_conflicts_with_the_name_is_a_warning() -> None:
    """The code is used, and the conflict is reported."""
    country = resolve_country("US", "Canada")
    assert country.code == "US"
    assert [problem.code for problem in country.warnings] == ["country_conflict"]
    assert resolve_country("ZZ", "Canada").code == "CA"
    assert [problem.code for problem in resolve_country("ZZ", "Canada").warnings] == [
        "country_conflict"
    ]


def test_a_territory_under_its_countrys_name_is_no_conflict() -> None:
    """Réunion has a code of its own and is a part of France."""
    assert resolve_country("RE", "France").warnings == ()


def test_real_addresses_name_countries_that_are_found() -> None:
    """Wherever a real address has a code and an ordinary name, the name gives the same code."""
    with gzip.open(
        shared_path("data/addresses/address_cases.jsonl.gz"), "rt", encoding="utf-8"
    ) as lines:
        cases = [json.loads(line)["components"] for line in lines]
    pairs = {
        (case["country_code"].upper(), case["country"])
        for case in cases
        if case.get("country") and case.get("country_code")
    }
    unknown = {pair for pair in pairs if resolve_country("", pair[1]).code is None}
    assert len(unknown) / len(pairs) < 0.05
    wrong = {
        (code, name)
        for code, name in pairs - unknown
        if code != "XC" and resolve_country(code, name).warnings
    }
    assert wrong == set()


@pytest.mark.parametrize(
    ("country", "text", "code"),
    [
        ("US", "Texas", "US-TX"),
        ("US", "tx", "US-TX"),
        ("US", "US-TX", "US-TX"),
        ("US", "Texass", None),
        ("BR", "São Paulo", "BR-SP"),
        ("BR", "Sao Paulo", "BR-SP"),
        ("BR", "SP", "BR-SP"),
        ("CA", "Québec", "CA-QC"),
        ("AU", "nsw", "AU-NSW"),
        ("MX", "CDMX", "MX-CMX"),
        ("ES", "Madrid", "ES-M"),
        ("CN", "Guangdong", "CN-GD"),
        ("KR", "Seoul", "KR-11"),
        ("TR", "İstanbul", "TR-34"),
        ("JP", "東京", "JP-13"),
        ("CN", "广东省", "CN-GD"),
        ("TH", "เชียงใหม่", "TH-50"),
        ("GB", "Kent", None),
        ("DE", "Bayern", None),
        ("US", "", None),
    ],
)
def test_a_subdivision_is_found_by_code_or_name(country: str, text: str, code: str | None) -> None:
    """Case and accents are ignored, spelling is not; most countries' addresses name none."""
    assert normalise_subdivision(country, text) == code


def test_every_code_and_all_but_ambiguous_names_lead_to_themselves() -> None:
    """ISO's codes and names are understood; a name at two levels means the lower level."""
    for item in (item for item in pycountry.subdivisions if item.country_code in USED):
        assert normalise_subdivision(item.country_code, item.code) == item.code
        found = normalise_subdivision(item.country_code, item.name)
        assert found == item.code or (
            found is not None and pycountry.subdivisions.get(code=found).parent_code
        )


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_raises(code: str, name: str) -> None:
    """Any text gives a country or none, and a country's code gives that country."""
    country = resolve_country(code, name).code
    assert country is None or resolve_country(country, "").code == country
    found = normalise_subdivision("US", name)
    assert found is None or normalise_subdivision("US", found) == found
