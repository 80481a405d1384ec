from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.environments import HOOK, MAIL
from tests.support.servers import reserved_port
from tests.unit.cli.test_hands import answering, error, folder_of
from waypost import __version__
from waypost.core.errors import NotifyFailed

if TYPE_CHECKING:
    import pytest

    from tests.unit.cli.conftest import Waypost


def test_bad_settings_are_problems(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WAYPOST_PORT", "x")
    monkeypatch.setenv("WAYPOST_SWEEP", "x")

    problems = waypost("doctor", "--json", code=1).row["problems"]

    assert [problem.split(": ")[1] for problem in problems] == ["WAYPOST_PORT", "WAYPOST_SWEEP"]


def test_a_damaged_file_is_a_problem(waypost: Waypost) -> None:
    waypost.data.mkdir()
    (waypost.data / "waypost.db").write_bytes(b"no database at all" * 99)

    assert "store: " in waypost("doctor", code=1).err


def test_a_server_that_does_not_answer_or_is_not_ready_is_a_problem(waypost: Waypost) -> None:
    with reserved_port() as port, folder_of(waypost, f"http://127.0.0.1:{port}"):
        assert "does not answer" in waypost("doctor", code=1).err
    unready = error("Not ready.", ("follower", "is not running"))
    with answering(503, unready) as address, folder_of(waypost, address):
        told = waypost("doctor", "--json", code=1).row
    assert told["problems"] == ["server: follower: is not running"]
    assert told["ready"] is False


def test_a_notifier_out_of_reach_is_a_problem(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reserved_port() as port, answering(200, b"") as address:
        mail = MAIL | {"WAYPOST_SMTP_HOST": "127.0.0.1", "WAYPOST_SMTP_PORT": str(port)}
        for name, value in {**mail, **HOOK, "WAYPOST_WEBHOOK_URL": f"{address}/hook"}.items():
            monkeypatch.setenv(name, value)
        told = waypost("doctor", "--json", code=1)

    assert told.row["notifiers"] == {"smtp": False, "webhook": True}
    assert told.row["settings"]["WAYPOST_WEBHOOK_SECRET"] == "****"
    assert HOOK["WAYPOST_WEBHOOK_SECRET"] not in told.out


def test_what_cannot_be_folded_and_what_is_behind_are_problems(
    waypost: Waypost, monkeypatch: pytest.MonkeyPatch
) -> None:
    waypost.put("S", "LOST")
    store = "waypost.stores.sqlite.SqliteStore"
    monkeypatch.setattr(f"{store}.failing", lambda _: {"S": "KeyError: x"})
    monkeypatch.setattr(f"{store}.behind", lambda _: 20_000)
    monkeypatch.setattr(f"{store}.alerts", lambda *_, **__: [{}] * 1_000)

    told = waypost("doctor", "--json", code=1).row

    assert len(told["problems"]) == 3
    assert told["alertsNotDelivered"] == "1000 or more"


def test_a_machine_that_is_well(waypost: Waypost) -> None:
    waypost.put("S", "LOST")
    waypost.put("S", "beamed")
    waypost.put("S", "", code=1)
    with waypost.serving() as address:
        told = waypost("doctor", "--json").row
        words = waypost("doctor").out

    assert told["version"] == __version__
    assert (told["server"], told["ready"]) == (address, True)
    assert (told["rejected"], told["unmapped"], told["problems"]) == (1, 1, [])
    assert told["bytes"] > 0
    assert "All is well." in words
    assert "****" not in words


def test_a_machine_on_which_nothing_was_done_yet_is_well(waypost: Waypost) -> None:
    told = waypost("doctor", "--json").row

    assert (told["server"], told["bytes"], told["problems"]) == (None, None, [])
    assert not waypost.data.exists()


def test_resending_what_is_dead(waypost: Waypost, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        message = "no such hook"
        raise NotifyFailed(message, permanent=True)

    for name, value in HOOK.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("waypost.notifiers.webhook.WebhookNotifier.send", refuse)
    waypost.put("S", "LOST")
    with waypost.serving():
        while not (dead := waypost("alerts", "--state", "dead", "--json").rows):
            pass
    assert "webhook dead (no such hook)" in waypost("alerts").out

    assert "1 to be tried again" in waypost("alerts", "resend", dead[0]["messageId"]).out

    assert waypost("alerts", "--state", "dead", "--json").rows == []
    assert "nothing to send again" in waypost("alerts", "resend", dead[0]["messageId"], code=1).err
