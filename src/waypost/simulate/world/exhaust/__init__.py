"""Small worlds, enumerated instead of drawn: every order, every duplicate, every crash point.

* `updates` has the six things that may come in about one shipment;
* `cases` makes a world of some of them, in an order, at a distance, with what goes wrong, and says
  which of these worlds are left out because another one shows the same;
* `attempts` runs all that there are of one set of updates, and compares them with one another;
* `report` runs all sets in both homes, on all cores, and prints what that covered.
"""
