"""What every notifier has to do. A new one joins with one entry in NOTIFIERS."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws
from rich.console import Console

from tests.support.aws import Refusing, aws_client, published
from tests.support.clocks import FakeClock
from tests.support.messages import alert, message, rejected
from tests.support.servers import HookServer, MailServer
from waypost.core.errors import NotifyFailed
from waypost.notifiers.memory import MemoryNotifier
from waypost.notifiers.smtp import SmtpNotifier, Tls
from waypost.notifiers.sns import SnsNotifier
from waypost.notifiers.terminal import TerminalNotifier
from waypost.notifiers.webhook import WebhookNotifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from waypost.ports import Message, Notifier

SECRET = "whsec_" + "c2VjcmV0" * 4
ANN = "ann@example.com"


@dataclass
class Channel:
    """A notifier with the other side in hand.

    Attributes:
        notifier: what is tested.
        taken: how many messages the other side has taken.
        fail: lets the other side refuse from now on, permanently or not.
        mend: lets it take again.
        refuses_for_good: whether the other side can judge a message for good.
    """

    notifier: Notifier
    taken: Callable[[], int]
    fail: Callable[[bool], None]
    mend: Callable[[], None]
    refuses_for_good: bool = field(default=True)


@contextmanager
def memory() -> Iterator[Channel]:
    notifier = MemoryNotifier()
    yield Channel(
        notifier,
        taken=lambda: len(notifier.messages),
        fail=lambda permanent: notifier.fail(permanent=permanent),
        mend=notifier.recover,
    )


class _Screen(StringIO):
    broken = False

    def write(self, text: str) -> int:
        if self.broken:
            raise BrokenPipeError
        return super().write(text)


@contextmanager
def terminal() -> Iterator[Channel]:
    screen = _Screen()
    yield Channel(
        TerminalNotifier(Console(file=screen)),
        taken=lambda: screen.getvalue().count("╰"),
        fail=lambda _: setattr(screen, "broken", True),
        mend=lambda: setattr(screen, "broken", False),
        refuses_for_good=False,
    )


@contextmanager
def smtp() -> Iterator[Channel]:
    with MailServer() as server:
        yield Channel(
            SmtpNotifier(
                host="127.0.0.1",
                port=server.port,
                sender="waypost@example.com",
                recipients=(ANN,),
                tls=Tls.NONE,
            ),
            taken=lambda: len(server.mails),
            fail=lambda permanent: server.replies.update({ANN: f"{550 if permanent else 450} no"}),
            mend=server.replies.clear,
        )


@contextmanager
def webhook() -> Iterator[Channel]:
    with HookServer() as server:
        yield Channel(
            WebhookNotifier(
                url=f"http://127.0.0.1:{server.port}/", secret=SECRET, clock=FakeClock()
            ),
            taken=lambda: sum(answer < 300 for answer in server.answers),
            fail=lambda permanent: setattr(server, "status", 410 if permanent else 503),
            mend=lambda: setattr(server, "status", 204),
        )


@contextmanager
def sns() -> Iterator[Channel]:
    with mock_aws():
        client = aws_client("sns")
        arn = client.create_topic(Name="logistics-alerts-dev")["TopicArn"]
        taken = published(arn)
        refusing = Refusing(client, "Publish")
        yield Channel(
            SnsNotifier(lambda: client, arn),
            taken=lambda: len(taken),
            fail=lambda permanent: refusing.start(
                *((403, "AuthorizationError") if permanent else (503, "ServiceUnavailable"))
            ),
            mend=refusing.stop,
        )


NOTIFIERS: Final = (memory, terminal, smtp, webhook, sns)


@pytest.fixture(params=NOTIFIERS, ids=lambda make: make.__name__)
def channel(request: pytest.FixtureRequest) -> Iterator[Channel]:
    with request.param() as made:
        yield made


def test_a_failure_that_may_pass_says_so(channel: Channel) -> None:
    channel.fail(False)
    with pytest.raises(NotifyFailed) as raised:
        channel.notifier.send(message())
    assert not raised.value.permanent
    assert str(raised.value)
    assert channel.taken() == 0


def test_a_failure_for_good_says_so(channel: Channel) -> None:
    if not channel.refuses_for_good:
        pytest.skip("nothing there judges a message")
    channel.fail(True)
    with pytest.raises(NotifyFailed) as raised:
        channel.notifier.send(message())
    assert raised.value.permanent
    assert str(raised.value)
    assert channel.taken() == 0


def test_after_a_failure_it_goes_on(channel: Channel) -> None:
    channel.fail(False)
    with pytest.raises(NotifyFailed):
        channel.notifier.send(message(1))
    channel.mend()
    channel.notifier.send(message(1))
    channel.notifier.send(message(2))
    assert channel.taken() == 2


def test_a_message_that_did_arrive_may_be_sent_again(channel: Channel) -> None:
    channel.notifier.send(message())
    channel.notifier.send(message())
    assert channel.taken() == 2  # the other side tells them apart by the id, if it wants to


HOSTILE = "]] \x1b[2J\x00\u202e <b>[red]</b> \U0001f4a5 {0} %s .\r\n.\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        message(),
        message(counts={"LOST": 5_000}, alerts=(alert(),) * 50),
        message(counts={"STALLED": 1}, alerts=(alert(condition="STALLED", location=None),)),
        message(text=HOSTILE, alerts=(alert(shipmentId=HOSTILE, location=HOSTILE),)),
        message(text="", alerts=()),
        rejected({"status: is missing": 3, HOSTILE: 1}),
        rejected({f"reason {number}": number for number in range(1, 200)}),
    ],
    ids=["one", "storm", "bare", "hostile", "empty", "rejected", "many reasons"],
)
def test_every_message_is_taken(channel: Channel, sent: Message) -> None:
    channel.notifier.send(sent)
    assert channel.taken() == 1


def test_the_names_are_short_and_unique() -> None:
    names = []
    for make in NOTIFIERS:
        with make() as made:
            names.append(made.notifier.name)
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and len(name) <= 20 for name in names)
