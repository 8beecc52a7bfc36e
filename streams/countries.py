"""Countries: the closed set of ISO 3166-1 alpha-2, and their English names from Unicode's CLDR.

The 249 codes assigned at the end of 2025. CLDR has 15 more codes that ISO only reserves, such as EU and XK.
"""

from __future__ import annotations

import difflib
from functools import cache

WORLD = "*"
"""Count of all countries together; it is judged like one more country."""

_ASSIGNED = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT
    JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO
    MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO
    TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
    """
COUNTRIES = frozenset(_ASSIGNED.split())

_ALIASES = {
    "UK": "GB",
    "EN": "GB",
    "ENGLAND": "GB",
    "BRITAIN": "GB",
    "EL": "GR",
    "UAE": "AE",
    "USA": "US",
    "INDIA": "IN",
    "WORLD": WORLD,
    "GLOBAL": WORLD,
    "ALL": WORLD,
}


def country_name(country: str | None) -> str:
    """Return a country's name in English; an unknown code itself; "World" for None.

    >>> country_name("IN"), country_name(None), country_name("QQ")
    ('India', 'World', 'QQ')
    """
    return "World" if country is None else _names().get(country, country)


def in_country(country: str) -> str:
    """Return the scope of a decision in words.

    >>> in_country("*"), in_country("IN")
    ('everywhere', 'in India')
    """
    return "everywhere" if country == WORLD else f"in {country_name(country)}"


def nearest_country(text: str) -> str:
    """Return the country closest to an unknown code or name; "" where none is close.

    >>> nearest_country("in"), nearest_country("UK"), nearest_country("BRA"), nearest_country("??")
    ('IN', 'GB', 'BR', '')
    """
    return next(iter(nearest_countries(text)), "")


def nearest_countries(text: str) -> list[str]:
    """List up to three countries that a person may have meant by a code or a name, the closest first.

    >>> nearest_countries("Brasil"), nearest_countries("UK"), nearest_countries("ZZ")
    (['BR'], ['GB'], ['ZW', 'ZM', 'ZA'])
    """
    upper = text.strip().upper()
    if upper in COUNTRIES or upper in _ALIASES:
        return [_ALIASES.get(upper, upper)]
    if len(upper) > 3:
        codes = {_names()[code].upper(): code for code in sorted(COUNTRIES)}
        return [codes[name] for name in difflib.get_close_matches(upper, codes, 3, 0.7)]
    first = [upper[:2]] if len(upper) == 3 and upper[:2] in COUNTRIES else []
    return list(dict.fromkeys(first + difflib.get_close_matches(upper, sorted(COUNTRIES), 3, 0.5)))[:3]


@cache
def _names() -> dict[str, str]:
    from babel import Locale  # imported on use: other commands start faster without it

    return {str(code): str(name) for code, name in Locale("en").territories.items()}
