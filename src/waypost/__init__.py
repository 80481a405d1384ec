"""Waypost: shipment events recorded once, states derived from them, alerts that matter."""

__version__ = "0.1.0"
