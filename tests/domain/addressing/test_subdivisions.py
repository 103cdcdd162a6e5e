"""States and provinces by the names that shops use for them."""

from __future__ import annotations

import pytest

from domain.addressing import subdivisions
from domain.addressing.addresses import AddressRules, RawAddress, normalise_address
from domain.addressing.subdivisions import normalise_subdivision

ALIASES = subdivisions._ALIASES
STORE_LIST = {
    "US": (
        "Alabama|Alaska|American Samoa|Arizona|Arkansas|Armed Forces Africa|Armed Forces Americas"
        "|Armed Forces Canada|Armed Forces Europe|Armed Forces Middle East|Armed Forces Pacific"
        "|District of Columbia|Federated States Of Micronesia|Guam|Marshall Islands"
        "|Northern Mariana Islands|Palau|Puerto Rico|Virgin Islands|West Virginia"
    ),
    "CA": "Newfoundland|Northwest Territories|Nunavut|Prince Edward Island|Quebec|Yukon Territory",
    "AU": "Australian Capital Territory|New South Wales|Northern Territory|Western Australia",
    "ES": (
        "A Coruña|Alava|Almeria|Avila|Baleares|Caceres|Cadiz|Castellon|Cordoba|Girona|Guipuzcoa"
        "|Jaen|La Rioja|Las Palmas|Leon|Lleida|Malaga|Navarra|Ourense|Santa Cruz de Tenerife"
        "|Sevilla|Valencia|Vizcaya"
    ),
    "MY": "Johor|Melaka|Negeri Sembilan|Pulau Pinang|Kuala Lumpur|Labuan|Putrajaya",
    "ID": (
        "Bangka Belitung|Daista Aceh|Jakarta|Sumatera Utara|Daista Yogyakarta|Jawa Timur"
        "|Irian Jaya Timur|Irian Jaya Tengah|Irian Jawa Barat|Gorontalo"
    ),
    "MX": "Mexican Federal District|Baja California|Coahuila|Michoacan|Nuevo Leon|Veracruz",
}
"""Names of BigCommerce's own list of states, in the countries whose addresses name one."""


def subdivision_of(country: str, state: str) -> tuple[str, list[str]]:
    """Return the canonical subdivision of an address, and the codes of what is wrong with it."""
    raw = RawAddress(
        street_1="1 Main St", city="Town", state=state, postcode="", country_code=country
    )
    result = normalise_address(raw, AddressRules(subdivision="reject"))
    return result.address.subdivision, [problem.code for problem in result.problems]


@pytest.mark.parametrize(
    ("country", "state"),
    [(country, state) for country, names in STORE_LIST.items() for state in names.split("|")],
)
def test_every_state_of_the_stores_own_list_is_known(country: str, state: str) -> None:
    """A shopper can only choose from that list, so none of it is a mistake."""
    subdivision, problems = subdivision_of(country, state)
    assert problems == []
    assert len(subdivision) <= 6
    assert subdivision != state


@pytest.mark.parametrize(
    ("country", "state", "code"),
    [
        ("CA", "Yukon Territory", "CA-YT"),
        ("CA", "NF", "CA-NL"),
        ("MX", "Mexican Federal District", "MX-CMX"),
        ("US", "Armed Forces Africa", "AE"),
        ("US", "Armed Forces Middle East", "AE"),
        ("US", "Armed Forces Americas (except Canada)", "AA"),
        ("US", "Palau", "PW"),
        ("US", "Federated States of Micronesia", "FM"),
        ("US", "MH", "MH"),
        ("US", "U.S. Virgin Islands", "US-VI"),
        ("IT", "Reggio nell'Emilia", "IT-RE"),
        ("IT", "Olbia-Tempio", "IT-SS"),
        ("JP", "Osaka-fu", "JP-27"),
        ("JP", "Kanagawa Prefecture", "JP-14"),
        ("KR", "South Jeolla", "KR-46"),
        ("CL", "Región Metropolitana", "CL-RM"),
        ("AR", "Buenos Aires (Autonomous City)", "AR-C"),
        ("AR", "Buenos Aires Province", "AR-B"),
        ("ID", "Irian Jaya Tengah", "ID-PT"),
        ("BR", "Federal District", "BR-DF"),
    ],
)
def test_a_name_in_use_has_its_code(country: str, state: str, code: str) -> None:
    """ISO 3166-2, or the post's own code for a state that ISO does not list."""
    assert subdivision_of(country, state) == (code, [])


@pytest.mark.parametrize(
    ("country", "state"),
    [("US", "Bavaria"), ("CA", "Armed Forces Africa"), ("MX", "Palau"), ("JP", "Narnia-ken")],
)
def test_a_name_of_no_state_stays_unknown(country: str, state: str) -> None:
    """Nothing is guessed, and a state of another country is none."""
    assert subdivision_of(country, state) == (state, ["subdivision_unknown"])
    assert normalise_subdivision(country, state) is None


@pytest.mark.parametrize(
    ("country", "name", "others"),
    [
        ("TW", "Chiayi", {"Taipei": "TW-TPE", "CYQ": "TW-CYQ"}),
        ("MZ", "Maputo", {"Gaza": "MZ-G", "MZ-L": "MZ-L"}),
        ("HU", "Veszprém", {"Zala": "HU-ZA", "VM": "HU-VM"}),
    ],
)
def test_a_name_of_two_subdivisions_of_one_level_means_neither(
    monkeypatch: pytest.MonkeyPatch, country: str, name: str, others: dict[str, str]
) -> None:
    """A city and the county around it: a parcel must not go to the one that is listed first."""
    monkeypatch.setattr(subdivisions, "USED", {country})
    assert normalise_subdivision(country, name) is None
    assert {each: normalise_subdivision(country, each) for each in others} == others


@pytest.mark.parametrize("country", sorted(subdivisions.USED))
def test_every_listed_name_has_a_code_of_its_country(country: str) -> None:
    """A code that ISO 3166-2 replaces makes its names useless, so the list has to follow."""
    listed = [entry.split("=")[1] for entry in ALIASES.get(country, "").split(";") if entry]
    names = [name for entry in listed for name in entry.split(",")]
    codes = {name: normalise_subdivision(country, name) or "none" for name in names}
    assert {name: code for name, code in codes.items() if not code.startswith(f"{country}-")} == {}
