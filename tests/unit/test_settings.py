from __future__ import annotations

import base64
import copy
import re
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from tests.support.servers import CERTIFICATE
from waypost.core.errors import InvalidSettings
from waypost.core.statuses import Status
from waypost.core.times import HOUR
from waypost.notifiers.smtp import Tls
from waypost.settings import LogLevel, Secret, Settings, Terminal, describe
from waypost.settings.variables import VARIABLES

WEBHOOK_SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
MAIL = {
    "WAYPOST_SMTP_HOST": "mail.example.com",
    "WAYPOST_SMTP_FROM": "waypost@example.com",
    "WAYPOST_SMTP_TO": "ann@example.com",
}
HOOK = {
    "WAYPOST_WEBHOOK_URL": "https://example.com/hook",
    "WAYPOST_WEBHOOK_SECRET": WEBHOOK_SECRET,
}
GROUPS = {"SMTP": MAIL, "WEBH": HOOK}


def problems(**env: str) -> dict[str, str]:
    with pytest.raises(InvalidSettings) as raised:
        Settings.read({f"WAYPOST_{name}": text for name, text in env.items()})
    return {
        problem.path.removeprefix("WAYPOST_"): problem.message for problem in raised.value.problems
    }


def around(name: str) -> dict[str, str]:
    """What has to be set as well, so that one setting stands alone."""
    login = {"WAYPOST_SMTP_USER": "u", "WAYPOST_SMTP_PASSWORD": "p"}
    return {**GROUPS.get(name[:4], {}), **(login if name in {"SMTP_USER", "SMTP_PASSWORD"} else {})}


# --- missing, empty, wrong ---------------------------------------------------------------------


def test_nothing_has_to_be_set() -> None:
    settings = Settings.read({"PATH": "/bin", "HOME": "/"})
    assert (settings.host, settings.port) == ("127.0.0.1", 8377)
    assert settings.data == Path("waypost-data")
    assert settings.access_keys == {}
    assert settings.region is None
    assert (settings.alert_window, settings.sweep, settings.body_timeout) == (30, 60, 10)
    assert settings.max_connections == 1_000
    assert settings.environment == "dev"
    assert settings.log_level is LogLevel.INFO
    assert settings.terminal is Terminal.AUTO
    assert settings.thresholds.hours == {}
    assert settings.smtp is None
    assert settings.webhook is None


@pytest.mark.parametrize("name", [variable.name for variable in VARIABLES])
@pytest.mark.parametrize("blank", ["", "  "])
def test_an_empty_setting_counts_as_not_set(name: str, blank: str) -> None:
    assert Settings.read({name: blank}) == Settings.read({})


WRONG = {
    "HOST": ["127.0.0.1:80", "http://x", "[::1]", "a b", "-x", "x" * 254, "host/8"],
    "PORT": ["-1", "65536", "http", "80.0", "8_0", "٨", "1e3"],
    "DATA": [__file__],
    "ACCESS_KEYS": ["id", "id:", ":secret", "a b:secret", "a:x,,b:y", "a:x,a:y", "a:x\ty\x00"],
    "ACCESS_KEYS_FILE": ["/nowhere/keys", "/", "/dev/zero", "/dev/null"],
    "REGION": ["eu west", "x" * 65, "ü"],
    "MAX_CONNECTIONS": ["0", "-5", "many", "100001"],
    "BODY_TIMEOUT": ["0", "1 day", "-1s", "nan", "inf", "11m"],
    "LOG_LEVEL": ["trace", "INFO!"],
    "ENVIRONMENT": ["pro d", "x" * 65, "a\nb"],
    "ALERT_WINDOW": ["-1", "30x", "s", "25h", "1e9"],
    "SWEEP": ["0", "0ms", "never"],
    "STALLED_HOURS": ["0", "-1", "8761", "a day", "nan"],
    "STALLED": [
        "IN_TRANSIT",
        "=5",
        "/=5",
        "/IN_TRANSIT=5",
        "UPS/=5",
        "IN_TRANSIT=0",
        "IN_TRANSIT=5,",
        "IN_TRANSIT=5,in_transit=6",
        "IN_TRANIST=5",
        "UPS/IN_TRANIST=5",
        "DELIVERED=5",
        "UPS/LOST=5",
        "STALLED=5",
    ],
    "TERMINAL": ["yes", "true"],
    "SMTP_HOST": ["mail.example.com:25", "smtp://mail"],
    "SMTP_PORT": ["0", "smtp"],
    "SMTP_TLS": ["ssl", "yes"],
    "SMTP_CA_FILE": ["/nowhere/ca.pem", __file__],
    "SMTP_USER": ["käthe", "a\nb"],
    "SMTP_PASSWORD": ["pässword"],
    "SMTP_FROM": ["Waypost <a@b.c>", "a@b@c", "nobody", "a@b.c\r\nBcc: x@y.z", "a@b.c,d@e.f"],
    "SMTP_TO": ["a@b.c,", "a@b.c;d@e.f", ",".join(f"a{n}@b.c" for n in range(101))],
    "SMTP_TIMEOUT": ["0", "1h"],
    "WEBHOOK_URL": [
        "example.com/hook",
        "ftp://example.com",
        "https://",
        "https://[::1",
        "https://example.com:port/",
        "https://example.com:0/",
        "https://user:pw@example.com/",
        "https://example.com/#top",
        "https://example.com/a b",
        "https://exämple.com/",
    ],
    "WEBHOOK_SECRET": [
        "hunter2",
        "whsec_",
        "whsec_c2hvcnQ=",
        "whsec_not base64!",
        WEBHOOK_SECRET.removeprefix("whsec_"),
        "whsec_" + WEBHOOK_SECRET,
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
    "WEBHOOK_PLAIN_HTTP": ["maybe", "1"],
    "WEBHOOK_TIMEOUT": ["0", "forever"],
}


def test_every_setting_has_wrong_values_tried() -> None:
    assert {f"WAYPOST_{name}" for name in WRONG} == {variable.name for variable in VARIABLES}


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts]
)
def test_a_wrong_setting_is_one_problem(name: str, text: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.read({**around(name), f"WAYPOST_{name}": text})
    [problem] = raised.value.problems
    assert problem.path == f"WAYPOST_{name}"
    assert re.match(r"must |(item|line) \d+ (must|has|is) ", problem.message)


@pytest.mark.parametrize("name", sorted(WRONG.keys() - {"DATA"}))
def test_a_problem_does_not_repeat_what_was_set(name: str) -> None:
    with pytest.raises(InvalidSettings) as raised:
        Settings.read({**around(name), f"WAYPOST_{name}": "hush/ü hush:\a"})
    [problem] = raised.value.problems
    assert "hush" not in str(problem)


def test_all_problems_are_told_at_once() -> None:
    assert problems(
        PORT="x", SWEEP="never", HOST="::", SMTP_TO="nobody", WEBHOOK_URL="http://example.com"
    ).keys() == {
        "ACCESS_KEYS",
        "PORT",
        "SMTP_HOST",
        "SMTP_TO",
        "SWEEP",
        "WEBHOOK_SECRET",
        "WEBHOOK_URL",
    }


# --- names -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PROT", "PORT"),
        ("SMTP_PASS", "SMTP_PASSWORD"),
        ("WEBHOOK", "WEBHOOK_URL"),
        ("port", "PORT"),
    ],
)
def test_a_misspelt_setting_is_a_problem_with_a_hint(name: str, meant: str) -> None:
    assert f"did you mean WAYPOST_{meant}" in problems(**{name: "1"})[name]


def test_a_setting_that_resembles_none_is_a_problem_too() -> None:
    assert problems(XYZZY="") == {
        "XYZZY": "there is no such setting; see the reference of settings"
    }


def test_options_win_over_the_environment() -> None:
    env = {"WAYPOST_PORT": "1", "WAYPOST_HOST": "localhost", "WAYPOST_DATA": "here"}
    settings = Settings.read(env, {"WAYPOST_PORT": "2", "WAYPOST_HOST": None, "WAYPOST_DATA": ""})
    assert (settings.port, settings.host, settings.data) == (2, "localhost", Path("here"))
    with pytest.raises(InvalidSettings, match="WAYPOST_PORT: must be a whole number"):
        Settings.read(env, {"WAYPOST_PORT": "x"})


# --- what belongs together ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",  # noqa: S104 (nothing is bound)
        "::",
        "192.168.1.5",
        "example.com",
        "localhost.example",
    ],
)
def test_a_host_that_others_reach_needs_access_keys(host: str) -> None:
    assert "other machines" in problems(HOST=host)["ACCESS_KEYS"]
    assert Settings.read({"WAYPOST_HOST": host, "WAYPOST_ACCESS_KEYS": "a:b"}).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_host_needs_none(host: str) -> None:
    assert Settings.read({"WAYPOST_HOST": host}).access_keys == {}


def test_wrong_access_keys_are_not_called_missing_too() -> None:
    assert problems(HOST="::", ACCESS_KEYS="x").keys() == {"ACCESS_KEYS"}


def test_access_keys_come_from_one_place_only(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text("a:b\n", encoding="utf-8")
    assert problems(ACCESS_KEYS="a:b", ACCESS_KEYS_FILE=str(file)).keys() == {"ACCESS_KEYS_FILE"}


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"SMTP_HOST": "m"}, {"SMTP_FROM", "SMTP_TO"}),
        ({"SMTP_TO": "a@b.c"}, {"SMTP_HOST"}),
        ({"SMTP_PORT": "25", "SMTP_TLS": "none"}, {"SMTP_HOST"}),
        ({"SMTP_HOST": "m", "SMTP_FROM": "a@b.c"}, {"SMTP_TO"}),
        ({"SMTP_USER": "u"}, {"SMTP_HOST", "SMTP_PASSWORD"}),
        ({"SMTP_PASSWORD": "p"}, {"SMTP_HOST", "SMTP_USER"}),
        ({"WEBHOOK_URL": "https://example.com"}, {"WEBHOOK_SECRET"}),
        ({"WEBHOOK_SECRET": WEBHOOK_SECRET}, {"WEBHOOK_URL"}),
        ({"WEBHOOK_TIMEOUT": "5"}, {"WEBHOOK_URL"}),
    ],
)
def test_half_a_group_is_a_problem(given: dict[str, str], missing: set[str]) -> None:
    found = problems(**given)
    assert found.keys() == missing
    assert all(
        message.startswith("must be set too, because WAYPOST_") for message in found.values()
    )


def test_a_login_in_plain_text_stays_on_this_machine() -> None:
    login = {"WAYPOST_SMTP_USER": "u", "WAYPOST_SMTP_PASSWORD": "p", "WAYPOST_SMTP_TLS": "none"}
    with pytest.raises(InvalidSettings, match="WAYPOST_SMTP_TLS: must not be none with a login"):
        Settings.read({**MAIL, **login})
    smtp = Settings.read({**MAIL, **login, "WAYPOST_SMTP_HOST": "localhost"}).smtp
    assert smtp is not None
    assert smtp.tls is Tls.NONE


def test_a_webhook_over_http_stays_on_this_machine() -> None:
    env = {**HOOK, "WAYPOST_WEBHOOK_URL": "http://example.com/hook"}
    with pytest.raises(InvalidSettings, match="WAYPOST_WEBHOOK_URL: must be https"):
        Settings.read(env)
    for good in (
        {"WAYPOST_WEBHOOK_PLAIN_HTTP": "yes"},
        {"WAYPOST_WEBHOOK_URL": "http://127.0.0.1:9/x"},
        {"WAYPOST_WEBHOOK_URL": "http://[::1]:9/x"},
    ):
        assert Settings.read({**env, **good}).webhook is not None


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
    assert "UTF-8" in problems(ACCESS_KEYS_FILE=str(file))["ACCESS_KEYS_FILE"]


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
