"""A store in one SQLite file."""

from waypost.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
