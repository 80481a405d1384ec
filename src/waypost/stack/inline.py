"""Holds the sources of Waypost and imports them from memory: all of a function in one file.

`waypost.stack.bundle` fills it in and deploys it as ``index.py``; here nobody imports it.
"""

from __future__ import annotations

import base64
import bz2
import json
import sys
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.util import spec_from_loader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

PACKED = ""
SOURCES: dict[str, str] = json.loads(bz2.decompress(base64.b85decode(PACKED)) or "{}")


class Sources(MetaPathFinder, ExecutionLoader):
    """Imports modules from `SOURCES`; a traceback finds its lines there too."""

    def find_spec(self, fullname: str, *_: object, **__: object) -> ModuleSpec | None:
        """Return how to import a module, None if it is none of ours."""
        return spec_from_loader(fullname, self) if self._path(fullname) in SOURCES else None

    def is_package(self, fullname: str) -> bool:
        """Tell whether a module has modules."""
        return self._path(fullname).endswith("/__init__.py")

    def get_filename(self, fullname: str) -> str:
        """Return where a module stands in the repository, from ``src`` on."""
        return self._path(fullname)

    def get_source(self, fullname: str) -> str:
        """Return what a module is made of."""
        return SOURCES[self._path(fullname)]

    @staticmethod
    def _path(fullname: str) -> str:
        path = fullname.replace(".", "/")
        package = f"{path}/__init__.py"
        return package if package in SOURCES else f"{path}.py"


sys.meta_path.insert(0, Sources())
