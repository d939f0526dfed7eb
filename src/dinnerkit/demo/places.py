"""The twelve cities of the demo: real cities and quarters, with their true places, clocks and currencies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dinnerkit.events.rules import Location


@dataclass(frozen=True, slots=True)
class City:
    """A city.

    Attributes:
        timezone: IANA zone.
        currency: ISO 4217.
        night_price, dinner_price: what a seat costs at a match night and at a usual dinner, in minor units.
        hall: where its match night is.
        quarters: where its dinners are, by name.
    """

    name: str
    timezone: str
    currency: str
    night_price: int
    dinner_price: int
    hall: Location
    quarters: Mapping[str, Location]


def _city(
    name: str, timezone: str, currency: str, prices: tuple[int, int], hall: tuple[float, float], **quarters: tuple[float, float]
) -> City:
    named = {quarter.replace("_", " "): Location(*place) for quarter, place in quarters.items()}
    return City(name, timezone, currency, *prices, Location(*hall), named)


CITIES: tuple[City, ...] = (
    _city(
        "New York", "America/New_York", "USD", (5900, 4800), (40.7128, -74.0060),
        Greenwich_Village=(40.7336, -74.0027), Williamsburg=(40.7081, -73.9571), Harlem=(40.8116, -73.9465), Astoria=(40.7644, -73.9235),
        Park_Slope=(40.6710, -73.9814), Chinatown=(40.7158, -73.9970), Upper_West_Side=(40.7870, -73.9754),
        Jackson_Heights=(40.7557, -73.8831),
    ),
    _city(
        "London", "Europe/London", "GBP", (4400, 3600), (51.5074, -0.1278),
        Shoreditch=(51.5265, -0.0780), Brixton=(51.4613, -0.1156), Hackney=(51.5450, -0.0553), Camden_Town=(51.5390, -0.1426),
        Peckham=(51.4740, -0.0690), Notting_Hill=(51.5090, -0.1960), Greenwich=(51.4826, -0.0077), Islington=(51.5380, -0.1030),
    ),
    _city(
        "Chicago", "America/Chicago", "USD", (4900, 4200), (41.8781, -87.6298),
        Logan_Square=(41.9231, -87.7093), Wicker_Park=(41.9088, -87.6796), Pilsen=(41.8525, -87.6614), Hyde_Park=(41.7943, -87.5907),
        Andersonville=(41.9803, -87.6683), Lincoln_Park=(41.9214, -87.6513), Chinatown=(41.8517, -87.6331), Uptown=(41.9665, -87.6533),
    ),
    _city(
        "Mumbai", "Asia/Kolkata", "INR", (180000, 150000), (19.0760, 72.8777),
        Bandra=(19.0596, 72.8295), Colaba=(18.9067, 72.8147), Dadar=(19.0178, 72.8478), Andheri=(19.1197, 72.8464),
        Fort=(18.9345, 72.8350), Juhu=(19.1075, 72.8263), Matunga=(19.0270, 72.8550), Powai=(19.1176, 72.9060),
    ),
    _city(
        "Berlin", "Europe/Berlin", "EUR", (4200, 3500), (52.5200, 13.4050),
        Kreuzberg=(52.4983, 13.4066), Neukölln=(52.4811, 13.4354), Prenzlauer_Berg=(52.5390, 13.4240), Friedrichshain=(52.5159, 13.4540),
        Schöneberg=(52.4830, 13.3550), Wedding=(52.5500, 13.3590), Charlottenburg=(52.5166, 13.3040), Moabit=(52.5300, 13.3420),
    ),
    _city(
        "Toronto", "America/Toronto", "CAD", (6200, 5200), (43.6532, -79.3832),
        Kensington_Market=(43.6547, -79.4005), The_Annex=(43.6700, -79.4070), Leslieville=(43.6625, -79.3370),
        Little_Italy=(43.6550, -79.4140), Parkdale=(43.6405, -79.4360), Greektown=(43.6780, -79.3500),
        Roncesvalles=(43.6460, -79.4490), Cabbagetown=(43.6670, -79.3660),
    ),
    _city(
        "Sydney", "Australia/Sydney", "AUD", (7200, 6000), (-33.8688, 151.2093),
        Newtown=(-33.8981, 151.1740), Surry_Hills=(-33.8861, 151.2111), Glebe=(-33.8790, 151.1860), Marrickville=(-33.9110, 151.1550),
        Bondi=(-33.8915, 151.2767), Balmain=(-33.8590, 151.1790), Paddington=(-33.8840, 151.2270), Leichhardt=(-33.8836, 151.1569),
    ),
    _city(
        "San Francisco", "America/Los_Angeles", "USD", (6400, 5400), (37.7749, -122.4194),
        Mission_District=(37.7599, -122.4148), Haight_Ashbury=(37.7692, -122.4481), North_Beach=(37.8061, -122.4103),
        Noe_Valley=(37.7502, -122.4337), Inner_Sunset=(37.7601, -122.4670), Hayes_Valley=(37.7759, -122.4245),
        Chinatown=(37.7941, -122.4078), Bernal_Heights=(37.7389, -122.4152),
    ),
    _city(
        "Singapore", "Asia/Singapore", "SGD", (6800, 5600), (1.2930, 103.8520),
        Tiong_Bahru=(1.2860, 103.8270), Katong=(1.3050, 103.9050), Little_India=(1.3066, 103.8518), Kampong_Glam=(1.3020, 103.8590),
        Chinatown=(1.2838, 103.8438), Holland_Village=(1.3110, 103.7960), Joo_Chiat=(1.3130, 103.9020), Bukit_Timah=(1.3294, 103.8021),
    ),
    _city(
        "Dublin", "Europe/Dublin", "EUR", (4600, 3900), (53.3498, -6.2603),
        Stoneybatter=(53.3520, -6.2850), Portobello=(53.3305, -6.2650), Rathmines=(53.3219, -6.2656), Smithfield=(53.3488, -6.2784),
        Ranelagh=(53.3260, -6.2560), The_Liberties=(53.3410, -6.2800), Phibsborough=(53.3600, -6.2730), Ringsend=(53.3420, -6.2260),
    ),
    _city(
        "Austin", "America/Chicago", "USD", (4500, 3900), (30.2672, -97.7431),
        Hyde_Park=(30.3042, -97.7260), East_Austin=(30.2640, -97.7130), Zilker=(30.2669, -97.7729), South_Congress=(30.2480, -97.7501),
        Clarksville=(30.2820, -97.7580), Mueller=(30.2982, -97.7060), Barton_Hills=(30.2520, -97.7830), Cherrywood=(30.2920, -97.7150),
    ),
    _city(
        "Boston", "America/New_York", "USD", (5400, 4500), (42.3601, -71.0589),
        Back_Bay=(42.3503, -71.0810), North_End=(42.3647, -71.0542), South_End=(42.3388, -71.0765), Beacon_Hill=(42.3588, -71.0707),
        Jamaica_Plain=(42.3097, -71.1151), Cambridge=(42.3736, -71.1097), Somerville=(42.3876, -71.0995), Allston=(42.3539, -71.1337),
    ),
)  # fmt: skip

_NEAR: dict[tuple[str, ...], str] = {
    ("New York", "Chicago", "San Francisco", "Austin", "Boston"): "US",
    ("London",): "GB",
    ("Mumbai",): "IN",
    ("Berlin",): "DE",
    ("Toronto",): "CA",
    ("Sydney",): "AU NZ FJ PG",
    ("Singapore",): "SG",
    ("Dublin",): "IE",
    ("Mumbai", "Singapore"): "BD LK NP BT MV",
    ("Singapore", "Sydney"): "MY PH ID TH VN HK CN TW KR JP MM KH BN MO GU",
    ("Dublin", "Berlin", "London"): "FR BE NL ES PT IT MT LU GR CY CH AT",
    ("Berlin", "Dublin", "London"): "DK SE NO FI IS PL CZ SK HU RO BG SI HR RS BA MK ME AL LT LV EE RU UA BY MD GE AM TR",
    ("Toronto", "New York", "Austin"): "MX BR AR CL CO PE VE EC UY BO PY CR PA GT HN SV NI BZ JM TT BB BS DO PR GY SR VI VC KY BM AG",
    ("London", "Dublin", "Toronto"): "PK AE SA EG LB QA BH KW OM JO IL IQ IR MA TN DZ KE NG GH ZA ZW UG TZ ET ZM BW MU SD RW CM SN MW",
}

WITHIN_REACH: Mapping[str, tuple[str, ...]] = {country: cities for cities, countries in _NEAR.items() for country in countries.split()}
"""The cities into which the demo may put somebody of that country: of their own country, else of their part of the world."""
