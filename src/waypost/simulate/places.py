"""Where the simulated fleet goes and who carries: cities, and carriers with their habits.

Codes and coordinates are those of the UNECE's UN/LOCODE list, the coordinates in decimal degrees.
The shipment numbers are invented; so are the carriers whose names nobody knows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class City:
    """A place on the map.

    Attributes:
        name: in English.
        unlocode: its UN/LOCODE; the first two letters are the country.
        latitude: degrees, north is positive.
        longitude: degrees, east is positive.
        offset: of its standard time from UTC, in hours; the fleet knows no summer time.
    """

    name: str
    unlocode: str
    latitude: float
    longitude: float
    offset: int

    @property
    def country(self) -> str:
        """Its ISO 3166-1 alpha-2 code."""
        return self.unlocode[:2]


MEMPHIS: Final = City("Memphis", "USMEM", 35.15, -90.05, -6)
LOUISVILLE: Final = City("Louisville", "USLUI", 38.25, -85.77, -5)
CINCINNATI: Final = City("Cincinnati", "USCVG", 39.10, -84.52, -5)
KANSAS_CITY: Final = City("Kansas City", "USMKC", 39.10, -94.58, -6)
INDIANAPOLIS: Final = City("Indianapolis", "USIND", 39.77, -86.15, -5)
PARIS: Final = City("Paris", "FRPAR", 48.85, 2.35, 1)
COLOGNE: Final = City("Cologne", "DECGN", 50.93, 6.95, 1)
LEIPZIG: Final = City("Leipzig", "DELEJ", 51.33, 12.38, 1)

AMERICA: Final = (
    City("Atlanta", "USATL", 33.75, -84.38, -5),
    City("Chicago", "USCHI", 41.88, -87.63, -6),
    City("Dallas", "USDAL", 32.78, -96.80, -6),
    City("Denver", "USDEN", 39.73, -104.98, -7),
    City("Houston", "USHOU", 29.77, -95.37, -6),
    City("New York", "USNYC", 40.70, -74.00, -5),
    City("Phoenix", "USPHX", 33.45, -112.07, -7),
    City("Salt Lake City", "USSLC", 40.77, -111.88, -7),
    City("Seattle", "USSEA", 47.60, -122.33, -8),
)
EUROPE: Final = (
    City("Barcelona", "ESBCN", 41.38, 2.18, 1),
    City("Berlin", "DEBER", 52.52, 13.40, 1),
    City("Frankfurt am Main", "DEFRA", 50.12, 8.68, 1),
    City("Gothenburg", "SEGOT", 57.72, 11.97, 1),
    City("London", "GBLON", 51.50, -0.12, 0),
    City("Lyon", "FRLIO", 45.75, 4.85, 1),
    City("Manchester", "GBMNC", 53.48, -2.25, 0),
    City("Munich", "DEMUC", 48.13, 11.57, 1),
    City("Warsaw", "PLWAW", 52.25, 21.00, 1),
)
PORTS_OF_LOADING: Final = (
    City("Shanghai", "CNSHA", 31.23, 121.47, 8),
    City("Yantian", "CNYTN", 22.58, 114.27, 8),
    City("Busan", "KRPUS", 35.10, 129.03, 9),
    City("Yokohama", "JPYOK", 35.45, 139.65, 9),
)
SINGAPORE: Final = City("Singapore", "SGSIN", 1.28, 103.85, 8)
PORTS_OF_DISCHARGE: Final = (
    City("Rotterdam", "NLRTM", 51.92, 4.50, 1),
    City("Hamburg", "DEHAM", 53.55, 9.98, 1),
    City("Antwerp", "BEANR", 51.22, 4.42, 1),
    City("Felixstowe", "GBFXT", 51.95, 1.33, 0),
    City("Los Angeles", "USLAX", 33.72, -118.27, -8),
    City("Savannah", "USSAV", 32.08, -81.10, -5),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A carrier with its habits, so that no two senders look alike.

    Attributes:
        name: as it writes itself.
        number: the form of its shipment numbers; the digits of a serial replace each ``#``.
        hubs: where it sorts; of a parcel carrier the first is in America, the second in Europe.
        unmapped: a status of its own that our vocabulary lacks, and its code for it.
        plain_places: it writes places as text, not as objects.
        lower_case: it writes statuses in lower case.
    """

    name: str
    number: str
    hubs: tuple[City, ...]
    unmapped: tuple[str, str]
    plain_places: bool = False
    lower_case: bool = False

    def shipment_id(self, serial: int) -> str:
        """Return the shipment number that a serial stands for; as many differ as ``#`` allow."""
        digits = self.number.count("#")
        number = str(serial % 10**digits).zfill(digits)
        return self.number.replace("#" * digits, number)


PARCEL_CARRIERS: Final = (
    Carrier(
        name="FedEx",
        number="7999########",
        hubs=(MEMPHIS, PARIS),
        unmapped=("Shipment sealed by the shipper", "SX"),
        plain_places=True,
    ),
    Carrier(
        name="UPS",
        number="1Z999AA1########",
        hubs=(LOUISVILLE, COLOGNE),
        unmapped=("Import scan", "IP"),
    ),
    Carrier(
        name="DHL",
        number="JD0199########",
        hubs=(CINCINNATI, LEIPZIG),
        unmapped=("Clearance event", "CR"),
        lower_case=True,
    ),
)
LTL_CARRIERS: Final = (
    Carrier(
        name="Ridgeline Freight",
        number="RLF-########",
        hubs=(KANSAS_CITY, INDIANAPOLIS, MEMPHIS),
        unmapped=("Trailer dropped", "TD"),
        plain_places=True,
    ),
    Carrier(
        name="Blue Prairie Lines",
        number="BPL########",
        hubs=(INDIANAPOLIS, KANSAS_CITY, CINCINNATI),
        unmapped=("Cross-dock", "XD"),
    ),
)
OCEAN_CARRIERS: Final = (
    Carrier(
        name="Maersk",
        number="WAYU#######",
        hubs=(SINGAPORE,),
        unmapped=("Stuffed", "STUF"),
    ),
    Carrier(
        name="Halcyon Ocean",
        number="HALU#######",
        hubs=(SINGAPORE,),
        unmapped=("Vessel berthed", "VB"),
        plain_places=True,
        lower_case=True,
    ),
)
LAST_MILE: Final = ("City Sprint Couriers", "Parcel Point", "Nordlicht Kurier")
"""To whom a parcel carrier hands over the last miles."""
