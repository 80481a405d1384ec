"""What a month on AWS costs, item by item, with each formula and each price's source."""

from waypost.stack.price.bill import Bill, Line, bill, charge
from waypost.stack.price.designs import DESIGNS, Traffic, Use
from waypost.stack.price.rates import RATES, REGION, SEEN, Rate

__all__ = [
    "DESIGNS",
    "RATES",
    "REGION",
    "SEEN",
    "Bill",
    "Line",
    "Rate",
    "Traffic",
    "Use",
    "bill",
    "charge",
]
