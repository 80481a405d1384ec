"""Every store there is, each new and empty for every test."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws

from tests.support.aws import aws_client
from tests.support.tables import modelled_store, new_store
from waypost.stores.memory import MemoryStore
from waypost.stores.sqlite import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from waypost.ports import LocalStore, Store

LOCAL_STORES: Final[Mapping[str, Callable[[Path], LocalStore]]] = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStore(folder / "waypost.db"),
}
STORES: Final[Mapping[str, Callable[[Path], Store]]] = {
    **LOCAL_STORES,
    "dynamodb": lambda folder: new_store(aws_client("dynamodb")),
    "dynamodb model": lambda folder: modelled_store(page=2),
}
EACH_STORE: Final = [
    # The model runs the same code, and moto takes more than twice as long under coverage.
    pytest.param(name, marks=pytest.mark.no_cover if name == "dynamodb" else ())
    for name in STORES
]


@pytest.fixture(scope="module", autouse=True)
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture(params=LOCAL_STORES)
def local_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LocalStore]:
    store = LOCAL_STORES[request.param](tmp_path)
    yield store
    store.close()


@contextmanager
def opened(name: str, path: Path) -> Iterator[Store]:
    """Open a store of `STORES`, and close it if it can be closed."""
    store = STORES[name](path)
    try:
        yield store
    finally:
        close = getattr(store, "close", None)
        if close is not None:
            close()


@pytest.fixture(params=EACH_STORE)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    with opened(request.param, tmp_path) as store:
        yield store
