"""A store in one SQLite file."""

from waypost.stores.sqlite.database import make_folder
from waypost.stores.sqlite.store import SqliteStore

__all__ = ["SqliteStore", "make_folder"]
