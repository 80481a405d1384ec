from __future__ import annotations

import copy
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from tests.support.environments import HOOK, MAIL, WEBHOOK_SECRET
from tests.support.servers import CERTIFICATE
from waypost.core.errors import InvalidSettings
from waypost.core.statuses import Status
from waypost.core.times import HOUR
from waypost.notifiers.smtp import Tls
from waypost.settings import LogLevel, Secret, Settings, Terminal, describe
from waypost.settings.variables import VARIABLES

# --- values ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3_600),
        ("500ms", 0.5),
        ("0.25", 0.25),
        ("2 m", 120),
    ],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text: str, seconds: float) -> None:
    assert Settings.read({"WAYPOST_ALERT_WINDOW": text}).alert_window == seconds


def test_words_are_read_without_case() -> None:
    settings = Settings.read({"WAYPOST_LOG_LEVEL": "DEBUG", "WAYPOST_TERMINAL": "On"})
    assert settings.log_level is LogLevel.DEBUG
    assert settings.terminal is Terminal.ON


def test_access_keys_may_have_any_secret_and_stand_in_a_file(tmp_path: Path) -> None:
    secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY="
    file = tmp_path / "keys"
    file.write_text(f"# who may send\n\nAKIDEXAMPLE:{secret}\r\n b : c:d \n", encoding="utf-8")
    expected = {"AKIDEXAMPLE": Secret(secret), "b": Secret("c:d")}
    filed = Settings.read({"WAYPOST_ACCESS_KEYS_FILE": str(file)})
    given = Settings.read({"WAYPOST_ACCESS_KEYS": f"AKIDEXAMPLE:{secret}, b:c:d"})
    assert filed.access_keys == given.access_keys == expected


def test_a_key_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match="UTF-8"):
        Settings.read({"WAYPOST_ACCESS_KEYS_FILE": str(file)})


def test_the_folder_may_be_under_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Settings.read({"WAYPOST_DATA": "~/data"}).data == tmp_path / "data"


def test_silences_are_read_by_status_and_carrier() -> None:
    thresholds = Settings.read(
        {
            "WAYPOST_STALLED": "in_transit=72, UPS/IN_TRANSIT=48,ups=96.5,DHL Express=1",
            "WAYPOST_STALLED_HOURS": "200",
        }
    ).thresholds
    assert thresholds.silence("ups", Status.IN_TRANSIT) == 48 * HOUR
    assert thresholds.silence("UPS", Status.PICKED_UP) == 96.5 * HOUR
    assert thresholds.silence("dhl express", None) == HOUR
    assert thresholds.silence("FedEx", Status.IN_TRANSIT) == 72 * HOUR
    assert thresholds.silence("FedEx", Status.PENDING) == 200 * HOUR


@pytest.mark.parametrize(
    ("tls", "port"), [("starttls", 587), ("implicit", 465), ("none", 25), ("STARTTLS", 587)]
)
def test_the_mail_port_follows_the_protection(tls: str, port: int) -> None:
    smtp = Settings.read({**MAIL, "WAYPOST_SMTP_TLS": tls}).smtp
    assert smtp is not None
    assert smtp.port == port


def test_mail_is_read_whole() -> None:
    smtp = Settings.read(
        {
            **MAIL,
            "WAYPOST_SMTP_PORT": "2525",
            "WAYPOST_SMTP_USER": "u",
            "WAYPOST_SMTP_PASSWORD": "p w",
            "WAYPOST_SMTP_TO": "ann@example.com, bob@example.com,ann@example.com",
            "WAYPOST_SMTP_CA_FILE": str(CERTIFICATE),
            "WAYPOST_SMTP_TIMEOUT": "5",
        }
    ).smtp
    assert smtp is not None
    assert (smtp.host, smtp.port, smtp.tls) == ("mail.example.com", 2525, Tls.STARTTLS)
    assert (smtp.user, smtp.password) == ("u", Secret("p w"))
    assert smtp.sender == "waypost@example.com"
    assert smtp.recipients == ("ann@example.com", "bob@example.com")
    assert smtp.ca_file == CERTIFICATE
    assert smtp.timeout == 5


def test_a_webhook_is_read_whole() -> None:
    webhook = Settings.read({**HOOK, "WAYPOST_WEBHOOK_TIMEOUT": "2500ms"}).webhook
    assert webhook is not None
    assert webhook.url == "https://example.com/hook"
    assert webhook.secret.reveal() == WEBHOOK_SECRET
    assert webhook.timeout == 2.5


def test_settings_cannot_be_changed() -> None:
    settings = Settings.read({"WAYPOST_ACCESS_KEYS": "a:b"})
    with pytest.raises(FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]  # that is what is tried
    with pytest.raises(TypeError):
        settings.access_keys["c"] = Secret("d")  # type: ignore[index]  # that is what is tried


# --- secrets -----------------------------------------------------------------------------------


SECRETS = {
    **MAIL,
    **HOOK,
    "WAYPOST_WEBHOOK_URL": "https://example.com/hook/hush-1?token=hush-2",
    "WAYPOST_ACCESS_KEYS": "AKID:hush-3,AKIE:hush-4",
    "WAYPOST_SMTP_USER": "u",
    "WAYPOST_SMTP_PASSWORD": "hush-5",
}


def test_a_secret_shows_itself_only_when_asked() -> None:
    secret = Secret("hush")
    assert secret.reveal() == "hush"
    assert "hush" not in f"{secret} {secret!r} {[secret]} {(secret,)}" + str(secret)
    assert "hush" not in "%s %r" % (secret, secret)  # noqa: UP031 (the old form has to be safe too)
    assert copy.copy(secret) == secret != Secret("other")


def test_settings_never_show_a_secret() -> None:
    settings = Settings.read(SECRETS)
    shown = f"{settings} {settings!r} {settings.describe()} {settings.smtp} {settings.webhook}"
    shown += "".join(str(getattr(settings, field.name)) for field in fields(settings))
    assert "hush" not in shown
    assert WEBHOOK_SECRET not in shown
    assert WEBHOOK_SECRET.removeprefix("whsec_") not in shown


def test_problems_never_show_a_secret() -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.read({**SECRETS, "WAYPOST_ACCESS_KEYS": "hush", "WAYPOST_PORT": "hush"})
    assert len(raised.value.problems) == 2
    assert "hush" not in f"{raised.value} {raised.value!r}"


# --- showing what is in force ------------------------------------------------------------------


def test_an_operator_sees_what_is_in_force() -> None:
    rows = {row.name.removeprefix("WAYPOST_"): row for row in Settings.read(SECRETS).describe()}
    assert len(rows) == len(VARIABLES)
    assert rows["PORT"][1:] == ("8377", False)
    assert rows["SMTP_HOST"][1:] == ("mail.example.com", True)
    assert rows["SMTP_PASSWORD"][1:] == ("****", True)
    assert rows["ACCESS_KEYS"][1:] == ("****", True)
    assert rows["WEBHOOK_URL"][1:] == ("https://example.com/****", True)
    assert rows["REGION"][1:] == (None, False)


@pytest.mark.parametrize("url", ["https://example.com", "https://example.com:8443/"])
def test_an_address_without_a_path_is_shown_whole(url: str) -> None:
    rows = {row.name: row.value for row in Settings.read({**HOOK, "WAYPOST_WEBHOOK_URL": url}).rows}
    assert rows["WAYPOST_WEBHOOK_URL"] == url


def test_the_reference_names_every_setting_once() -> None:
    text = describe()
    for variable in VARIABLES:
        assert text.count(f"\n| `{variable.name}` | ") == 1
        assert variable.meaning in text
    assert "| `WAYPOST_PORT` | `8377` | The port;" in text
    assert "| `WAYPOST_REGION` |  | " in text
