"""``python -m waypost`` is ``waypost``."""

from __future__ import annotations

from waypost.cli import main

if __name__ == "__main__":
    main()
