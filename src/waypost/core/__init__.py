"""The pure heart: what an update is, what a status means, how history becomes state.

Nothing here does I/O, reads a clock or imports anything but the standard library.
"""
