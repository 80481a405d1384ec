"""Where everything is put together: the only place that names adapters."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from prometheus_client import CollectorRegistry

from waypost.clock import SystemClock
from waypost.core.errors import WaypostError
from waypost.core.times import SECOND
from waypost.follow.deliver import Deliverer
from waypost.follow.digest import Digester
from waypost.follow.refold import Follower
from waypost.follow.work import Following, Worker
from waypost.metrics.memory import MemoryMetrics
from waypost.metrics.prometheus import PrometheusMetrics
from waypost.notifiers.smtp import SmtpNotifier
from waypost.notifiers.terminal import TerminalNotifier
from waypost.notifiers.webhook import WebhookNotifier
from waypost.operate import Operator
from waypost.stores.sqlite import SqliteStore, make_folder

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from waypost.core.shipments import Thresholds
    from waypost.ports import Clock, LocalStore, Notifier, Store
    from waypost.settings import Settings
    from waypost.stores.dynamodb import DynamoStore

FILE: Final = "waypost.db"
LOCK: Final = "waypost.lock"
STOP_SECONDS: Final = 20.0
"""How long a worker may take to end what it is doing; then it is left behind."""


class FolderBusy(WaypostError):
    """Another process writes to the data folder.

    Attributes:
        address: where that process answers, such as ``http://127.0.0.1:8377``; None if it is no
            server, or none that is ready.
    """

    def __init__(self, folder: Path, address: str | None) -> None:
        self.address = address
        super().__init__(f"{folder} is in use by another waypost process")


class FolderLock:
    """The right to write to a data folder: one process has it at a time, until it ends."""

    def __init__(self, folder: Path) -> None:
        """Take the right, making the folder if need be.

        Raises:
            FolderBusy: somebody else has it.
            OSError: the folder cannot be made or written to.
        """
        make_folder(folder)
        self._file = (folder / LOCK).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.seek(0)
            address = self._file.read().strip() or None
            self._file.close()
            raise FolderBusy(folder, address) from None
        self.publish("")

    def publish(self, address: str) -> None:
        """Let others know where this process answers."""
        self._file.truncate(0)
        self._file.write(address)
        self._file.flush()

    def release(self) -> None:
        """Give the right back."""
        self.publish("")
        self._file.close()


@dataclass(frozen=True, kw_only=True)
class Machine:
    """One machine, put together: all that a server or a command works with.

    Attributes:
        workers: the threads of the background work, the follower's first.
    """

    settings: Settings
    store: LocalStore
    clock: Clock
    metrics: PrometheusMetrics
    operator: Operator
    following: Following
    workers: tuple[Worker, ...]

    def start(self) -> None:
        """Start the background work."""
        for worker in self.workers:
            worker.start()

    def wake(self) -> None:
        """Tell the follower that something was recorded."""
        self.workers[0].wake()

    def problems(self) -> list[str]:
        """Return what is wrong with the background work."""
        return [problem for worker in self.workers if (problem := worker.problem())]

    def stop(self) -> None:
        """End the background work, each step within `STOP_SECONDS`, and close the store."""
        for worker in self.workers:
            worker.stop(STOP_SECONDS)
        self.store.close()


def open_store(settings: Settings, *, create: bool = False) -> SqliteStore:
    """Open the data folder's file, to read beside whoever writes.

    Raises:
        StoreUnusable: there is none (unless ``create``), or it cannot be used.
        StoreUnavailable: it cannot be opened now.
    """
    return SqliteStore(settings.data / FILE, create=create)


def open_tables(client: Any, *, logs: str, state: str, rejected: str) -> DynamoStore:
    """Return the store of a stack on AWS.

    Args:
        client: a DynamoDB client of boto3.
        logs: the table of updates.
        state: the table of shipments.
        rejected: the table of rejected events.
    """
    from waypost.stores.dynamodb import DynamoStore

    return DynamoStore(client, logs=logs, state=state, rejected=rejected)


def operate(store: Store, thresholds: Thresholds) -> Operator:
    """Return an operator's hands on a store; what they do is counted nowhere."""
    return Operator(
        store=store,
        clock=SystemClock(),
        metrics=MemoryMetrics(),
        thresholds=thresholds,
    )


def build(settings: Settings, *, console: Console | None = None) -> Machine:
    """Put a machine together on its data folder, whose `FolderLock` the caller holds.

    Args:
        settings: checked.
        console: where alerts are printed, if they shall be.

    Raises:
        StoreUnusable: the file cannot be used.
        StoreUnavailable: it cannot be opened now.
    """
    clock = SystemClock()
    metrics = PrometheusMetrics(CollectorRegistry())
    store = open_store(settings, create=True)
    channels = _notifiers(settings, clock, console)
    window = int(settings.alert_window * SECOND)
    delivering = [
        Worker(
            f"notifier {channel.name}",
            Deliverer(store, channel, clock=clock, metrics=metrics).deliver,
        )
        for channel in channels
    ]

    def wake_deliverers() -> None:
        for worker in delivering:
            worker.wake()

    following = Following(
        store,
        Follower(store, clock=clock, metrics=metrics, thresholds=settings.thresholds),
        Digester(
            store,
            clock=clock,
            notifiers=[channel.name for channel in channels],
            window=window,
            environment=settings.environment,
        ),
        clock=clock,
        metrics=metrics,
        window=window,
        sweep_every=int(settings.sweep * SECOND),
        on_message=wake_deliverers,
    )
    return Machine(
        settings=settings,
        store=store,
        clock=clock,
        metrics=metrics,
        operator=Operator(
            store=store, clock=clock, metrics=metrics, thresholds=settings.thresholds
        ),
        following=following,
        workers=(Worker("follower", following.turn), *delivering),
    )


def _notifiers(settings: Settings, clock: Clock, console: Console | None) -> list[Notifier]:
    channels: list[Notifier] = []
    if console is not None:
        channels.append(TerminalNotifier(console))
    if (smtp := settings.smtp) is not None:
        login = (smtp.user, smtp.password.reveal()) if smtp.user and smtp.password else None
        channels.append(
            SmtpNotifier(
                host=smtp.host,
                port=smtp.port,
                sender=smtp.sender,
                recipients=smtp.recipients,
                tls=smtp.tls,
                login=login,
                ca_file=smtp.ca_file,
                timeout=smtp.timeout,
            )
        )
    if (webhook := settings.webhook) is not None:
        channels.append(
            WebhookNotifier(
                url=webhook.url,
                secret=webhook.secret.reveal(),
                clock=clock,
                timeout=webhook.timeout,
            )
        )
    return channels
