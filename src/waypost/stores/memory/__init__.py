"""A store in memory."""

from waypost.stores.memory.store import MemoryStore

__all__ = ["MemoryStore"]
