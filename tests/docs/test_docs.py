"""The documentation: what it names is there, and what it shows works."""

from __future__ import annotations

import json
import re
import shlex
import threading
from http.client import HTTPConnection
from http.server import HTTPServer
from itertools import dropwhile, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import pytest
import typer
from prometheus_client import CollectorRegistry
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException

from tests.support.bus import Bus
from tests.support.clocks import FakeClock
from tests.support.messages import message
from waypost.cli.app import app
from waypost.core.errors import NotifyFailed
from waypost.core.incidents import Alert, alert_json
from waypost.core.statuses import Status
from waypost.core.times import parse_time
from waypost.core.updates import Event, parse
from waypost.metrics.prometheus import PrometheusMetrics
from waypost.notifiers.webhook import WebhookNotifier, _body
from waypost.settings.variables import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = tuple(sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]))
NAMES: Final = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)
_LINK: Final = re.compile(r"\]\(([^()\s]+)\)")
_HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
_INLINE: Final = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_VARIABLE: Final = re.compile(r"\bWAYPOST_[A-Z_]+")
_PATH: Final = re.compile(r"(?<![\w./-])(?:src|tests|tools|bench|requirements)/[\w./-]*[\w/]")
_TEST: Final = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
_ASSIGNMENT: Final = re.compile(r"[A-Z_]+=\S*")
_SHELL: Final = "();<>|&\n"
_NOW: Final = parse_time("2026-11-23T12:00:00Z")[0]

pages = pytest.mark.parametrize("page", PAGES, ids=NAMES)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def prose_of(page: Path) -> str:
    """The text without code blocks and comments."""
    return _COMMENT.sub("", _FENCE.sub("", text_of(page)))


def blocks_of(page: Path, *languages: str) -> list[str]:
    found = _FENCE.finditer(_COMMENT.sub("", text_of(page)))
    return [match[3] for match in found if match[2] in languages]


# --- Links


def anchors_of(page: Path) -> set[str]:
    """The anchors of a page's headings, as the usual hosts of repositories make them."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_COMMENT.sub("", _FENCE.sub("", text_of(page)))):
        plain = re.sub(r"[^\w\- ]", "", _LINK.sub("]", heading).lower()).strip()
        anchors.add(plain.replace(" ", "-"))
    return anchors


@pages
def test_each_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(prose_of(page)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            broken.append(link)
    assert broken == []


def test_each_page_of_docs_is_found_from_its_index() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / link).resolve() for link in _LINK.findall(prose_of(index))}
    assert [name for page, name in zip(PAGES, NAMES, strict=True) if _is_lost(page, linked)] == []


def _is_lost(page: Path, linked: set[Path]) -> bool:
    return page.parent != ROOT and page.name != "README.md" and page not in linked


# --- Names


@pages
def test_each_setting_that_is_named_exists(page: Path) -> None:
    known = {variable.name for variable in VARIABLES}
    named = set(_VARIABLE.findall(text_of(page)))
    families = {name for name in named if name.endswith("_")}
    assert {name for name in named - families if name not in known} == set()
    assert {f for f in families if not any(name.startswith(f) for name in known)} == set()


@pages
def test_each_file_that_is_named_exists(page: Path) -> None:
    named = {path for path in _PATH.findall(text_of(page)) if not re.search(r"/x\b", path)}
    assert {path for path in named if not (ROOT / path).exists()} == set()


@pages
def test_each_test_that_is_named_exists(page: Path) -> None:
    named = _TEST.findall(text_of(page))
    missing = [
        f"{path}::{name}"
        for path, name in named
        if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []


def reference() -> str:
    return "\n".join(text_of(page) for page in PAGES if page.parent.name == "reference")


def test_the_reference_has_every_setting_metric_and_status() -> None:
    named = [
        *(variable.name for variable in VARIABLES),
        *re.findall(r"# TYPE (\w+)", PrometheusMetrics(CollectorRegistry()).render().decode()),
        *(status.value for status in Status),
    ]
    assert [name for name in named if f"`{name}`" not in reference()] == []


def test_the_reference_has_every_command_and_option() -> None:
    missing = []
    for name, found in commands():
        section = reference().partition(f"# `{name}`\n")[2].partition("\n#")[0]
        options = [option for param in found.params for option in param.opts if option[0] == "-"]
        missing += [f"{name} {option}" for option in options if f"`{option}" not in section]
        if not section:
            missing.append(name)
    assert missing == []


# --- Commands


def program() -> TyperGroup:
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)
    return command


def commands() -> Iterator[tuple[str, Any]]:
    """Every command of the program with its whole name."""
    waiting: list[tuple[str, Any]] = [("waypost", program())]
    while waiting:
        name, command = waiting.pop()
        yield name, command
        if isinstance(command, TyperGroup):
            waiting += [(f"{name} {sub}", found) for sub, found in command.commands.items()]


def lines_of(page: Path) -> Iterator[str]:
    """What a page shows to be typed into a shell: line by line, or a block at a time."""
    for block in blocks_of(page, "console"):
        typed = (line[2:] for line in block.splitlines() if line.startswith("$ "))
        yield from (line for line in typed if "[OPTIONS]" not in line)  # how usage is written
    yield from blocks_of(page, "sh")


def calls(text: str) -> Iterator[list[str]]:
    """The arguments of each call of waypost in what is typed into a shell."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_SHELL)
    lexer.whitespace, lexer.whitespace_split = " \t", True
    for is_end, words in groupby(lexer, key=lambda word: set(word) <= set(_SHELL)):
        command = [*dropwhile(_ASSIGNMENT.fullmatch, words)]
        if not is_end and command and command[0].rpartition("/")[2] == "waypost":
            yield command[1:]


def check_call(args: list[str]) -> None:
    """Raise if the program would not understand the arguments. Nothing is run."""
    command: Any = program()
    name = "waypost"
    while isinstance(command, TyperGroup):
        if args and args[0] in {"--help", "--version"}:
            return
        if "list" in command.commands and (not args or args[0].startswith("-")):
            args = ["list", *args]
        if not args:
            return
        name, args = args[0], args[1:]
        if name not in command.commands:
            raise TyperException(f"no such command: {name}")
        command = command.commands[name]
    assert isinstance(command, TyperCommand)
    if "--help" not in args:
        command.make_context(name, args)


def problems(line: str) -> list[Exception]:
    found: list[Exception] = []
    for args in calls(line):
        try:
            check_call(args)
        except TyperException as error:
            found.append(error)
    return found


@pages
def test_each_command_line_is_understood(page: Path) -> None:
    wrong = {line: found for line in lines_of(page) if (found := problems(line))}
    assert wrong == {}


@pages
def test_each_command_in_the_text_exists(page: Path) -> None:
    """Arguments may be left out there, or be names of what comes in their place."""
    texts = _INLINE.findall(" ".join(prose_of(page).split()))
    wrong = {
        text: error
        for text in texts
        if re.search(r"\bwaypost ", text)
        for error in problems(text)
        if not isinstance(error, typer.BadParameter)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "waypost trak SHIP-12345",
        "waypost track SHIP-12345 --jsn",
        "waypost rejected lst",
        "waypost put --shipment A | waypost import",
        "WAYPOST_DATA=d .venv/bin/waypost incidents ack SHIP-12345 BROKEN",
    ],
)
def test_a_wrong_command_line_is_found(line: str) -> None:
    assert len(problems(line)) == 1


# --- Snippets


def values_of(block: str) -> list[Any]:
    """The one value of a block, or that of each line."""
    try:
        return [json.loads(block)]
    except json.JSONDecodeError:
        return [json.loads(line) for line in block.splitlines() if line.strip()]


@pages
def test_each_snippet_of_json_is_json_and_each_detail_an_update(page: Path) -> None:
    for block in blocks_of(page, "json"):
        for value in values_of(block):
            if isinstance(value, dict) and {"shipmentId", "status"} <= value.keys():
                raw = json.dumps(value)
                event = Event(id="x", source="docs", time=_NOW, detail=value, raw=raw)
                assert parse(event, now=_NOW).status is not Status.UNKNOWN


@pages
def test_each_snippet_of_python_compiles(page: Path) -> None:
    for number, block in enumerate(blocks_of(page, "python")):
        compile(block, f"{page.name}, snippet {number}", "exec")


def run_snippet(page: str, *, with_text: str, **replaced: str) -> dict[str, Any]:
    """Run the one snippet of a page that has a text in it; return its names."""
    [snippet] = [b for b in blocks_of(ROOT / "docs" / page, "python") if with_text in b]
    for old, new in replaced.items():
        assert old in snippet
        snippet = snippet.replace(old, new)
    names: dict[str, Any] = {"__name__": "snippet"}
    exec(compile(snippet, page, "exec"), names)  # noqa: S102 (our own page, which is what is tested)
    return names


def test_the_receiver_of_webhooks_checks_signatures_and_acts_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
    monkeypatch.setenv("WAYPOST_WEBHOOK_SECRET", secret)
    names = run_snippet("how-to/get-alerts.md", with_text="standardwebhooks")
    clock = FakeClock()
    clock.time = _real_now()
    with HTTPServer(("127.0.0.1", 0), names["Receiver"]) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/alerts"
            forger = WebhookNotifier(url=url, secret="whsec_" + "A" * 32, clock=clock)
            with pytest.raises(NotifyFailed, match="400"):
                forger.send(message())
            _post_unsigned(server.server_port)
            ours = WebhookNotifier(url=url, secret=secret, clock=clock)
            ours.send(message())
            ours.send(message())
        finally:
            server.shutdown()
            thread.join()
    assert capsys.readouterr().out == "Logistics Alert: LOST - SHIP-1\n"
    assert len(names["seen"]) == 1


def test_the_message_that_is_shown_has_the_members_of_a_real_one() -> None:
    [shown] = blocks_of(ROOT / "docs/how-to/get-alerts.md", "json")
    ref = ("logistics.shipments", "scan-78")
    real = alert_json(
        Alert(
            shipment_id="SHIP-12345",
            leg=1,
            condition=Status.DAMAGED,
            opened_by=ref,
            members=(ref,),
            opened_at=_NOW,
            resolved_at=None,
            location="Memphis",
            carrier="FedEx",
            reason_code=None,
        )
    )
    body = json.loads(_body(message(alerts=(real,))))
    assert _shape(json.loads(shown)) == _shape(body)
    assert json.loads(shown)["data"]["alerts"][0]["key"] == real["key"]


def _shape(body: dict[str, Any]) -> list[list[str]]:
    return [[*body], [*body["data"]], [*body["data"]["alerts"][0]]]


def _real_now() -> int:
    """The library compares the signature's time with the machine's own clock."""
    from waypost.clock import SystemClock

    return SystemClock().now()


def _post_unsigned(port: int) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/alerts", b"{}")
    assert connection.getresponse().status == 400
    connection.close()


def test_the_sender_in_python_sends_what_it_knows() -> None:
    bus = Bus()
    thread = threading.Thread(target=bus.server.serve_forever)
    thread.start()
    try:
        names = run_snippet(
            "how-to/send-updates.md",
            with_text="put_events",
            **{"http://127.0.0.1:8377": bus.url},
        )
        names["send"]([{"shipmentId": str(number), "status": "LOST"} for number in range(11)])
        bus.refuse = True
        with pytest.raises(RuntimeError, match="1 not accepted"):
            names["send"]([{"shipmentId": "A", "status": "LOST"}])
    finally:
        bus.server.shutdown()
        thread.join()
        bus.server.server_close()
    assert [len(call) for call in bus.calls] == [1, 10, 1]
    assert bus.details[0]["eventId"] == "scan-0007-4711"
    assert "statusCode" not in bus.details[0]
