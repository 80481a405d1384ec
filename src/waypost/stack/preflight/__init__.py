"""What stands in the way of a deployment: all of it at once, and before anything is changed."""

from waypost.stack.preflight.ahead import Asked, before_making, before_update, is_first
from waypost.stack.preflight.finding import Finding

__all__ = ["Asked", "Finding", "before_making", "before_update", "is_first"]
