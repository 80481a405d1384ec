"""Waypost: shipment events recorded once, states derived from them, alerts that matter."""

from importlib.metadata import version

__version__ = version("waypost")
