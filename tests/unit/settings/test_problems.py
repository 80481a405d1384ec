from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.support.environments import GROUPS, HOOK, MAIL, WEBHOOK_SECRET
from waypost.core.errors import InvalidSettings
from waypost.notifiers.smtp import Tls
from waypost.settings import LogLevel, Settings, Terminal
from waypost.settings.variables import VARIABLES


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
