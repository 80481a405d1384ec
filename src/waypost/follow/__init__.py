"""Stage 2, follow: re-fold the shipments that new entries touched, and tell people.

Its unit of work is a shipment to re-fold. State is never authoritative: whatever is lost or
wrong here is made anew from the log.
"""
