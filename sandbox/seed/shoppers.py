"""Synthetic shoppers of several countries: names in their scripts, matching addresses, phones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any

from sandbox.seed.amounts import Rate


@dataclass(frozen=True, slots=True)
class Country:
    """The shoppers of one country; ``places`` = (city, state, zip, phone prefix) + ``digits``."""

    iso2: str
    name: str
    currency: str
    locale: str
    weight: int
    inclusive: bool
    rates: tuple[Rate, ...]
    first: tuple[str, ...]
    last: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[tuple[str, str, str, str], ...]
    digits: int
    methods: tuple[str, ...]


def _rate(name: str, percent: str) -> Rate:
    return name, Decimal(percent)


COUNTRIES = (
    Country(
        "US",
        "United States",
        "USD",
        "en-US",
        40,
        False,
        (_rate("State Tax", "6.25"), _rate("City Tax", "2")),
        ("Maya", "Jordan", "Ava", "Noah", "Zoë", "D'Angelo", "Mary Ann"),
        ("Okafor", "Miller", "O’Brien", "García-López", "Nguyen", "St. John"),
        ("{n} Cedar Hollow Rd", "{n} W Juniper Ave Apt {m}", "{n}½ Elm Street"),
        (
            ("Austin", "Texas", "78701", "512"),
            ("Chicago", "Illinois", "60614", "312"),
            ("Boston", "MA", "02116", "617"),
            ("San Diego", "CA", "92103-4412", "619"),
        ),
        7,
        ("UPS Ground", "UPS Next Day Air", "USPS Priority Mail"),
    ),
    Country(
        "CA",
        "Canada",
        "CAD",
        "fr-CA",
        8,
        False,
        (_rate("GST", "5"), _rate("PST", "7")),
        ("Élodie", "Liam", "Chantal"),
        ("Tremblay", "Singh", "MacDonald"),
        ("{n} Rue des Érables", "{n} Maple Grove Cres #{m}"),
        (
            ("Montréal", "Quebec", "H2X 1Y4", "514"),
            ("Vancouver", "British Columbia", "V6B 2W2", "604"),
        ),
        7,
        ("Canada Post Expedited",),
    ),
    Country(
        "GB",
        "United Kingdom",
        "GBP",
        "en-GB",
        12,
        True,
        (_rate("VAT", "20"),),
        ("Siân", "Oliver", "Aisha"),
        ("Llewellyn", "Fitz-Patrick", "Khan"),
        ("{n} Orchard Lane", "Flat {m}, {n} Mill Row"),
        (
            ("London", "", "SW1A 2AB", "020 7946"),
            ("Leeds", "West Yorkshire", "LS1 4DY", "0113 496"),
        ),
        4,
        ("Royal Mail Tracked 48", "DPD Next Day"),
    ),
    Country(
        "DE",
        "Germany",
        "EUR",
        "de-DE",
        10,
        True,
        (_rate("MwSt.", "19"),),
        ("Jürgen", "Käthe", "Özlem"),
        ("Weiß", "Müller-Lüdenscheidt", "Yılmaz"),
        ("Lindenstraße {n}", "Am Großen Feld {n}a"),
        (("Berlin", "Berlin", "10115", "030"), ("München", "Bayern", "80331", "089")),
        8,
        ("DHL Paket",),
    ),
    Country(
        "FR",
        "France",
        "EUR",
        "fr-FR",
        7,
        True,
        (_rate("TVA", "20"),),
        ("Anaïs", "Jean-Baptiste", "Noël"),
        ("Lefèvre", "D’Aubigné", "Benali"),
        ("{n} rue de l’Église", "{n} bis avenue des Œillets"),
        (("Paris", "", "75011", "01"), ("Lyon", "Auvergne-Rhône-Alpes", "69002", "04")),
        8,
        ("Colissimo",),
    ),
    Country(
        "BR",
        "Brazil",
        "BRL",
        "pt-BR",
        6,
        True,
        (),
        ("João", "Conceição", "Thiago"),
        ("da Silva", "Araújo", "Gonçalves"),
        ("Rua das Acácias, {n}", "Av. Ipê Amarelo {n}, apto {m}"),
        (("São Paulo", "SP", "01310-100", "11 9"), ("Recife", "Pernambuco", "50030-230", "81 9")),
        8,
        ("Correios",),
    ),
    Country(
        "AU",
        "Australia",
        "AUD",
        "en-AU",
        7,
        True,
        (_rate("GST", "10"),),
        ("Matilda", "Banjo", "Mei"),
        ("Nguyen", "Kelly", "Papadopoulos"),
        ("{n} Wattle Street", "Unit {m}/{n} Banksia Parade"),
        (("Sydney", "New South Wales", "2000", "02 9"), ("Melbourne", "VIC", "3000", "03 9")),
        7,
        ("Australia Post Parcel",),
    ),
    Country(
        "JP",
        "Japan",
        "JPY",
        "ja-JP",
        6,
        True,
        (_rate("消費税", "10"),),
        ("さくら", "健太", "美咲"),
        ("山田", "鈴木", "髙橋"),
        ("梅ヶ丘{n}-{m}-1", "桜通り{n}番地"),
        (("渋谷区", "東京都", "150-0002", "090"), ("大阪市北区", "大阪府", "530-0001", "080")),
        8,
        ("Yamato TA-Q-BIN",),
    ),
    Country(
        "IN",
        "India",
        "INR",
        "en-IN",
        4,
        True,
        (_rate("GST", "18"),),
        ("प्रिया", "Arjun", "لیلا"),
        ("शर्मा", "Iyer", "Khan"),
        ("{n}, Neem Marg, Block {m}", "Flat {m}, {n} Lotus Road"),
        (("Mumbai", "Maharashtra", "400001", "98"), ("Bengaluru", "Karnataka", "560001", "99")),
        8,
        ("India Post",),
    ),
)

WEIGHTS = [country.weight for country in COUNTRIES]
METHODS = sorted({method for country in COUNTRIES for method in country.methods})


def shopper(random: Random, country: Country) -> dict[str, Any]:
    """Generate an address with BigCommerce's field names; e-mails use the domain ``example``."""
    city, state, code, prefix = random.choice(country.places)
    number = random.randrange(1, 10**8)
    # No national number of these countries has 0 or 1 after its prefix.
    first_digit = random.randrange(2, 9)
    digits = f"{first_digit}{number:0{country.digits - 1}d}"[: country.digits]
    return {
        "first_name": random.choice(country.first),
        "last_name": random.choice(country.last),
        "company": random.choice(("", "", "", "Kestrel & Sons Ltd.")),
        "street_1": random.choice(country.streets).format(n=number % 190 + 1, m=number % 23 + 1),
        "street_2": random.choice(("", "", "", "c/o reception")),
        "city": city,
        "state": state,
        "zip": code,
        "country": country.name,
        "country_iso2": country.iso2,
        "phone": f"{prefix} {digits}" if number % 20 else "",
        "email": f"shopper{number % 20_000}@mail.example",
    }
