"""What goes wrong around an SQLite file, and what the store makes of it."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from tests.support.clocks import NOON
from tests.support.stores import folded, message, rejection, update
from waypost.core.errors import StoreUnavailable, StoreUnusable
from waypost.core.statuses import Status
from waypost.ports import Followed, Outcome
from waypost.stores.sqlite import SqliteStore, make_folder
from waypost.stores.sqlite.schema import APPLICATION_ID, MIGRATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.core.entries import Entry


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waypost.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path, busy_timeout=0.2)
    yield store
    store.close()


def lock(path: Path) -> sqlite3.Connection:
    """Write to the file as another process would, and do not end."""
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    return other


# --- Files that cannot be used


def test_a_missing_file_is_not_made_for_those_who_only_read(path: Path) -> None:
    with pytest.raises(StoreUnusable, match="there is no "):
        SqliteStore(path, create=False)
    assert not path.exists()


def test_a_folder_that_cannot_be_made_is_named(path: Path) -> None:
    path.write_text("a file where a folder is due")
    with pytest.raises(StoreUnusable, match="cannot be made"):
        SqliteStore(path / "waypost.db")


@pytest.mark.parametrize("content", [b"hello", b"x" * 100_000, b"\0" * 5_000])
def test_what_is_no_database_is_refused_and_left_alone(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match="no SQLite database"):
        SqliteStore(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE theirs (x)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match="another program"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_of_newer_code_is_refused_with_both_versions(path: Path) -> None:
    SqliteStore(path).close()
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    newer.close()
    with pytest.raises(StoreUnusable, match=rf"newer Waypost \(schema {len(MIGRATIONS) + 1}"):
        SqliteStore(path)


def damage(path: Path, start: int) -> None:
    """Overwrite a file from a page on."""
    store = SqliteStore(path)
    store.append([update(f"SHIP-{i}", raw_event="x" * 500) for i in range(500)])
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * (size - start))


def test_a_damaged_schema_is_unusable_at_once(path: Path) -> None:
    damage(path, 4_096)
    with pytest.raises(StoreUnusable, match="damaged"):
        SqliteStore(path)


def test_damaged_rows_are_unusable_when_they_are_met(path: Path) -> None:
    damage(path, 200_000)
    store = SqliteStore(path)
    with pytest.raises(StoreUnusable, match="damaged"):
        list(store.entries())
    with pytest.raises(StoreUnusable, match="damaged"):
        store.append([update(f"SHIP-{i}", "again") for i in range(500)])
    store.close()


def test_a_file_whose_tables_are_gone_is_unusable(path: Path, store: SqliteStore) -> None:
    other = sqlite3.connect(path)
    other.execute("DROP TABLE log")
    other.close()
    with pytest.raises(StoreUnusable, match="no such table"):
        store.history("A")


def test_a_disk_that_is_all_but_full_fails_the_check(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4_096))
    with pytest.raises(StoreUnavailable, match="all but full"):
        store.check()


def test_a_check_writes_to_the_disk_and_changes_nothing(path: Path, store: SqliteStore) -> None:
    store.append([update()])
    wal = path.with_name(f"{path.name}-wal")
    before = wal.stat().st_size
    store.check()
    assert wal.stat().st_size > before
    assert store.behind() == 1


def test_a_folder_is_made_to_outlive_a_power_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []

    def fsync(descriptor: int) -> None:
        synced.append(Path(f"/dev/fd/{descriptor}").resolve())

    monkeypatch.setattr(os, "fsync", fsync)
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    assert sorted(synced) == [tmp_path, tmp_path / "a"]


def test_a_file_that_was_moved_or_replaced_while_open_takes_no_more_writes(
    path: Path, store: SqliteStore
) -> None:
    store.check()
    path.rename(path.with_suffix(".old"))
    with pytest.raises(StoreUnusable, match="moved or replaced"):
        store.check()
    path.touch()
    with pytest.raises(StoreUnusable, match="moved or replaced"):
        store.append([update("A")])


# --- Files that cannot be used now


def test_a_lock_of_another_process_is_waited_for_and_then_reported(
    path: Path, store: SqliteStore
) -> None:
    other = lock(path)
    begin = time.monotonic()
    with pytest.raises(StoreUnavailable, match="locked by another process"):
        store.append([update()])
    with pytest.raises(StoreUnavailable):
        store.check()
    assert time.monotonic() - begin < 30
    other.close()
    assert store.append([update()]) == [Outcome.APPENDED]


def test_readers_do_not_wait_for_the_writer(path: Path, store: SqliteStore) -> None:
    store.append([update()])
    other = lock(path)
    other.execute("DELETE FROM log")
    assert store.history("SHIP-1") == [update()]
    assert len(store.changes(10).entries) == 1
    other.close()


def test_a_file_that_is_locked_when_it_is_opened_is_unavailable(path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreUnavailable):
        SqliteStore(path, busy_timeout=0.1)
    other.close()
    SqliteStore(path).close()


def test_a_file_that_becomes_read_only_can_still_be_read(store: SqliteStore) -> None:
    store.append([update()])
    store._database._writer.execute("PRAGMA query_only = ON")  # as a file system mounted anew
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.append([update("SHIP-2")])
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        store.check()
    assert list(store.entries()) == [update()]


_OPENING = """
import sys
from pathlib import Path
from waypost.stores.sqlite import SqliteStore

sys.stdin.read()
for i in range(20):
    SqliteStore(Path(sys.argv[1]) / f"{i}.db").close()
"""


def test_processes_that_make_the_same_file_at_once_all_succeed(tmp_path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENING, str(tmp_path)], stdin=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.close()
    assert [process.wait() for process in running] == [0, 0, 0]


def test_the_lock_of_one_who_makes_the_file_just_now_is_waited_for(path: Path) -> None:
    other = lock(path)
    other.execute("CREATE TABLE theirs (x)")
    end = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    end.start()
    store = SqliteStore(path)
    end.join()
    assert store.append([update()]) == [Outcome.APPENDED]
    store.close()
    other.close()


def fill(store: SqliteStore) -> None:
    """Leave no page free for anything more."""
    writer = store._database._writer
    [pages] = writer.execute("PRAGMA page_count").fetchone()
    writer.execute(f"PRAGMA max_page_count = {pages}")


def test_a_full_disk_keeps_nothing_of_a_call_and_works_again_with_room(store: SqliteStore) -> None:
    few = [update(f"OLD-{i}") for i in range(10)]
    store.append(few)
    fill(store)
    many = [update(f"SHIP-{i}", raw_event="x" * 1_000) for i in range(300)]
    with pytest.raises(StoreUnavailable, match="disk is full"):
        store.append(many)
    with pytest.raises(StoreUnavailable):
        store.reject([rejection("x" * 100_000)])
    with pytest.raises(StoreUnavailable):
        store.post(message("x" * 100_000), 0, ["mail"])
    assert {e.shipment_id for e in store.entries()} == {e.shipment_id for e in few}
    assert len(store.changes(1_000).entries) == 10
    assert store.rejected(None) == []
    store._database._writer.execute("PRAGMA max_page_count = 100000")
    assert store.append(many) == [Outcome.APPENDED] * 300
    assert store.changes(1_000).entries == (*few, *many)


def test_a_full_disk_leaves_a_round_of_following_undone(store: SqliteStore) -> None:
    said = [update(f"SHIP-{i}", status=Status.LOST) for i in range(200)]
    store.append(said)
    fill(store)
    round_of_200 = Followed(
        saves=tuple(folded(store, e.shipment_id) for e in said), position=200, now=NOON
    )
    with pytest.raises(StoreUnavailable):
        store.commit(round_of_200)
    assert (store.behind(), store.alerts(), store.undecided(10)) == (200, [], [])
    store._database._writer.execute("PRAGMA max_page_count = 100000")
    store.commit(round_of_200)
    assert (store.behind(), len(store.alerts(limit=1_000))) == (0, 200)


# A file may not grow beyond a limit of the process: what SQLite meets is a disk that refuses.
_REFUSED = """
import resource, sys
from pathlib import Path
from tests.support.stores import update
from waypost.core.errors import StoreUnavailable
from waypost.stores.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
for i in range(60):
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000 if i < 40 else most, most))
    try:
        store.append([update(f"SHIP-{i}", raw_event="x" * 20_000)])
    except StoreUnavailable:
        continue
    print(f"SHIP-{i}")
store.check()
store.close()
"""


def test_a_disk_that_refuses_to_write_keeps_just_what_was_acknowledged(path: Path) -> None:
    pytest.importorskip("resource")
    done = subprocess.run(
        [sys.executable, "-c", _REFUSED, str(path)], capture_output=True, text=True, check=True
    )
    acknowledged = done.stdout.split()
    assert 20 < len(acknowledged) < 60
    assert acknowledged[-20:] == [f"SHIP-{i}" for i in range(40, 60)]
    store = SqliteStore(path, create=False)
    assert [e.shipment_id for e in store.entries()] == sorted(acknowledged)
    store.close()


def test_a_closed_store_says_so(store: SqliteStore) -> None:
    reading = store.entries()
    store.close()
    with pytest.raises(StoreUnavailable, match="closed"):
        store.append([update()])
    with pytest.raises(StoreUnavailable, match="closed"):
        store.history("A")
    with pytest.raises(StoreUnavailable, match="closed"):
        next(reading)


# --- Crashes


_KILLED = """
import os, sys
from pathlib import Path
from tests.support.stores import update
from waypost.stores.sqlite import SqliteStore, log

store = SqliteStore(Path(sys.argv[1]))
store.append([update("ACKNOWLEDGED")])
with store._database.writing() as connection:
    log.append(connection, [update(f"SHIP-{i}") for i in range(5_000)], 1, quiet=False)
    os._exit(9)
"""


def test_of_a_call_that_was_killed_nothing_is_there(path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert done.returncode == 9
    store = SqliteStore(path)
    assert [e.shipment_id for e in store.entries()] == ["ACKNOWLEDGED"]
    assert store.append([update("NEXT")]) == [Outcome.APPENDED]
    assert [e.shipment_id for e in store.changes(10).entries] == ["ACKNOWLEDGED", "NEXT"]
    store.close()


def test_an_error_within_a_transaction_undoes_it(store: SqliteStore) -> None:
    class Odd(Exception):
        pass

    def fail() -> None:
        with store._database.writing() as connection:
            connection.execute("UPDATE follower SET position = 7")
            raise Odd

    with pytest.raises(Odd):
        fail()
    assert store.behind() == 0
    assert store.append([update()]) == [Outcome.APPENDED]


# --- Many at once


_PROCESS = """
import sys
from pathlib import Path
from tests.support.stores import update
from waypost.ports import Outcome
from waypost.stores.sqlite import SqliteStore

store = SqliteStore(Path(sys.argv[1]), busy_timeout=30)
said = [update(f"SHIP-{i % 50}", f"e{i}") for i in range(2_000)]
outcomes = []
for start in range(0, len(said), 100):
    outcomes += store.append(said[start:start + 100])
print(outcomes.count(Outcome.APPENDED))
store.close()
"""


def test_processes_that_append_the_same_at_once_append_it_once(path: Path) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROCESS, str(path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    appended = [int(process.communicate()[0]) for process in running]
    assert sum(appended) == 2_000
    store = SqliteStore(path)
    assert len({(e.shipment_id, e.event_id) for e in store.entries()}) == 2_000
    assert len(list(store.entries())) == store.behind() == 2_000
    store.close()


def test_what_another_process_appends_is_followed_in_its_place(
    path: Path, store: SqliteStore
) -> None:
    other = SqliteStore(path)
    said = [update("A", f"e{i}", at=NOON + i) for i in range(6)]
    for entry, writer in zip(said, [store, store, other, store, other, other], strict=True):
        writer.append([entry])
    found: list[Entry] = []
    while changes := store.changes(4).entries:
        found += changes
        store.commit(Followed(position=len(found), now=NOON))
    assert found == said
    other.close()


def test_threads_may_share_the_store(store: SqliteStore) -> None:
    found: list[int] = []
    errors: list[BaseException] = []

    def work(name: int) -> None:
        try:
            for i in range(20):
                store.append([update(f"SHIP-{name}", f"e{i}"), update("ALL", f"e{i}")])
                found.append(len(store.history(f"SHIP-{name}")))
        except BaseException as error:  # noqa: BLE001 (a thread's error must reach the test)
            errors.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert sorted(found) == sorted(list(range(1, 21)) * 12)
    assert len(store.history("ALL")) == 20
    assert len(store.changes(1_000).entries) == 12 * 20 + 20


def test_a_crowd_of_readers_is_served_and_dispersed(store: SqliteStore) -> None:
    with ExitStack() as crowd:
        readers = [crowd.enter_context(store._database.reading()) for _ in range(20)]
        assert len({id(reader) for reader in readers}) == 20
    assert len(store._database._idle) == 8
    store.close()
    assert store._database._idle == []


def test_more_shipments_than_a_page_are_all_queued(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("waypost.stores.sqlite.state._REFOLD_PAGE", 3)
    store.append([update(f"SHIP-{i}", event_id) for i in range(7) for event_id in "ab"])
    assert store.refold_all() == 7
    assert store.refolds(NOON, 100) == [f"SHIP-{i}" for i in range(7)]


# --- The file itself


def test_a_new_file_is_ours_and_its_owners_alone(path: Path, store: SqliteStore) -> None:
    assert path.stat().st_mode & 0o077 == 0
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert other.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    other.close()


def test_a_commit_waits_for_the_disk(store: SqliteStore) -> None:
    assert store._database._writer.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_closed_store_is_one_whole_file(path: Path) -> None:
    store = SqliteStore(path)
    store.append([update()])
    store.close()
    assert [file.name for file in path.parent.iterdir()] == ["waypost.db"]


def test_an_unfinished_migration_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SqliteStore(path)
    store.append([update()])
    store.close()
    broken = (*MIGRATIONS, ("CREATE TABLE fresh (x)", "no SQL"))
    monkeypatch.setattr("waypost.stores.sqlite.schema.MIGRATIONS", broken)
    with pytest.raises(StoreUnusable):
        SqliteStore(path)
    monkeypatch.undo()
    again = SqliteStore(path)
    assert list(again.entries()) == [update()]
    again.close()


def test_a_migration_brings_an_older_file_up_to_date(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SqliteStore(path).close()
    more = (*MIGRATIONS, ("CREATE TABLE fresh (x)",))
    monkeypatch.setattr("waypost.stores.sqlite.schema.MIGRATIONS", more)
    SqliteStore(path).close()
    other = sqlite3.connect(path)
    assert other.execute("SELECT count(*) FROM fresh").fetchone() == (0,)
    assert other.execute("PRAGMA user_version").fetchone() == (len(more),)
    other.close()
