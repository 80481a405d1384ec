"""What a month on AWS costs, item by item, with each formula and each price's source."""

from waypost.stack.price.bill import Bill, Line, bill
from waypost.stack.price.designs import DESIGNS, Traffic
from waypost.stack.price.rates import RATES, REGION, SEEN, Rate

__all__ = ["DESIGNS", "RATES", "REGION", "SEEN", "Bill", "Line", "Rate", "Traffic", "bill"]
