"""What clients do to the server: slowly, in crowds, without end, without sense, or all at once."""

from __future__ import annotations

import json
import random
import resource
import socket
import time
from collections import Counter
from contextlib import suppress
from itertools import cycle, islice
from typing import TYPE_CHECKING, Final

from tests.faults.torture.hostile import CALL, HEAD, HEALTH, calls, details
from tests.faults.torture.load import put_entry
from tests.faults.torture.rig import Rig, hold
from tests.faults.torture.scenario import Done, Scale, Skipped

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

BUSY_MIB: Final = 640.0
"""What a server may hold that is sent as much as it takes: 128 MB of bodies, and one that is read."""
OPEN_CALL: Final = CALL.replace(b"Connection: close\r\n", b"")
_SLOW: Final = (
    (b"", b""),
    (b"", b"\r\n"),
    (HEAD, b"X-A: b\r\n"),
    (HEAD + b"X-A: ", b"b"),
    (CALL % 1_000_000, b" "),
    (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    (b"GET /healthz HTTP/1.1\r\nHost:", b""),
)
"""How a slow client begins, and what it goes on with: silence, headers, bodies without an end."""


def connect(rig: Rig) -> socket.socket:
    return socket.create_connection(("127.0.0.1", rig.port), timeout=5)


def crowd(rig: Rig, size: int, first: Iterable[bytes]) -> list[socket.socket]:
    """Open many connections, and send on each what comes next."""
    connected = []
    for data in islice(first, size):
        with suppress(OSError):  # refused: that is the server's right
            peer = connect(rig)
            connected.append(peer)
            peer.sendall(data)
    return connected


def ends(crowd: list[socket.socket], seconds: float) -> Counter[str]:
    """Wait until the server has ended all of them; return how."""
    deadline = time.monotonic() + seconds
    found: Counter[str] = Counter()
    for peer in crowd:
        with peer:
            peer.settimeout(max(deadline - time.monotonic(), 0.01))
            found[_end(peer)] += 1
    return found


def _end(peer: socket.socket) -> str:
    received = b""
    try:
        while chunk := peer.recv(65_536):
            received += chunk
    except TimeoutError:
        return "open"
    except OSError:
        pass  # what came before the reset counts
    return received[9:12].decode() or "closed"


def slow_clients(folder: Path, scale: Scale) -> Done:
    """Hundreds that send a byte now and then, and never end; real clients among them."""
    size, seconds = scale.of((600, 14), (120, 12))
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.0, 0.1))
        with rig.watching():
            peers = crowd(rig, size, cycle(begin for begin, _ in _SLOW))
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                for peer, (_, more) in zip(peers, cycle(_SLOW)):
                    with suppress(OSError):  # it was ended
                        peer.send(more)
                time.sleep(1)
            found = ends(peers, 10)
        hold(found.keys() <= {"408", "closed"}, f"slow clients ended so: {found}")
        hold(not rig.load.failures, f"real clients were refused: {rig.load.failures}")
        did = f"{size} clients whose headers or bodies never end, for {seconds} s"
        return Done.of(did, rig.verdict(), f"cut: {_words(found)}")


def idle_crowd(folder: Path, scale: Scale) -> Done:
    """As many connections as there may be, all idle, and room for them: real clients are served."""
    size = scale.of(10_000, 2_000)
    _allow_files(2 * size)
    room = str(size + 500)
    with scale.rig(folder, WAYPOST_MAX_CONNECTIONS=room) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.0, 0.05))
        with rig.watching():
            peers = crowd(rig, size, cycle([b"", HEALTH]))
            rig.load.wait_for(50)
            peak = rig.note_memory()
            hold(len(peers) == size, f"only {len(peers)} could connect")
            for peer in peers:
                peer.close()
        hold(not rig.load.failures, f"real clients were refused: {rig.load.failures}")
        did = f"{size:,} idle connections where WAYPOST_MAX_CONNECTIONS={room}"
        return Done.of(did, rig.verdict(), f"{peak:,.0f} MiB with all of them")


def too_large_crowd(folder: Path, scale: Scale) -> Done:
    """Far more than may be, and with few files per process: refused, and over when they leave."""
    size = scale.of(10_000, 2_000)
    _allow_files(2 * size)
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.0, 0.05))
        process = rig.server.process.pid
        _, most = resource.prlimit(process, resource.RLIMIT_NOFILE)
        resource.prlimit(process, resource.RLIMIT_NOFILE, (1_024, most))
        rig.load.wait_for(20)
        peers = crowd(rig, size, cycle([b""]))
        met = Counter(_end_of_call(rig) for _ in range(20))
        hold(met.keys() <= {"200", "503", "closed"}, f"more were answered {met}")
        found = ends(peers, 20)
        hold("open" not in found, f"idle clients stay: {found}")
        rig.ready()
        rig.load.wait_for(50)
        did = f"{size:,} connections where 1,000 may be, with a limit of 1,024 open files"
        more = f"they ended: {_words(found)}; meanwhile /healthz: {_words(met)}"
        return Done.of(did, rig.verdict(), more)


def _end_of_call(rig: Rig) -> str:
    """Ask for the health on a new connection; return how it ends."""
    try:
        with connect(rig) as peer:
            peer.sendall(HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            return _end(peer)
    except OSError:
        return "closed"


def huge_bodies(folder: Path, scale: Scale) -> Done:
    """A body of 1 GB, declared and in chunks, and many at once of just the size that may be."""
    size, many = scale.of((10**9, 64), (3 * 10**7, 24))
    with scale.rig(folder, memory_mib=BUSY_MIB) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.01, 0.1))
        with rig.watching():
            sent = {
                "declared": _pour(rig, CALL % size, b"x" * 65_536, size),
                "chunked": _pour(
                    rig,
                    HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                    b"10000\r\n" + b"x" * 65_536 + b"\r\n",
                    size,
                ),
            }
            body = b"[" * 8_000_000
            peers = crowd(rig, many, cycle([CALL % len(body)]))
            for start in range(0, len(body), 1_000_000):
                for peer in peers:
                    with suppress(OSError):  # it was refused
                        peer.sendall(body[start : start + 1_000_000])
            found = ends(peers, 30)
        hold({"200", "open"}.isdisjoint(found), f"bodies of 8 MB ended so: {found}")
        taken = ", ".join(f"{how}: {text}" for how, text in sent.items())
        did = f"a body of {size // 10**6:,} MB, declared and chunked; {many} of 8 MB at once"
        more = f"{taken}; those of 8 MB: {_words(found)}"
        return Done.of(did, rig.verdict(), more)


def _pour(rig: Rig, head: bytes, piece: bytes, size: int) -> str:
    """Send a body until the server ends it; return the answer and how much had left by then.

    After an answer the server reads on for a while, and throws away what comes.
    """
    sent = 0
    with connect(rig) as peer:
        peer.sendall(head)
        with suppress(OSError):  # that is how it ends
            while sent < size:
                peer.sendall(piece)
                sent += len(piece)
        end = _end(peer)
    hold(end in {"413", "closed"}, f"it was answered {end}")
    return f"{end}, {sent / 10**6:,.0f} MB sent"


def hostile_json(folder: Path, scale: Scale) -> Done:
    """Calls whose JSON is too deep, too long, too large or no JSON; as bodies and as details."""
    with scale.rig(folder, memory_mib=BUSY_MIB) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.01, 0.1))
        found: Counter[str] = Counter()
        with rig.watching():
            for body in [*calls(), *map(_as_call, details())]:
                with connect(rig) as peer:
                    peer.settimeout(60)
                    with suppress(OSError):  # it is refused before its end
                        peer.sendall(CALL % len(body) + body)
                    found[_end(peer)] += 1
        hold(found.keys() <= {"200", "400", "413", "422"}, f"answered: {found}")
        hold("Traceback" not in rig.server_log(), rig.server_log())
        did = f"{found.total()} calls with hostile JSON: depth, numbers, keys, texts"
        return Done.of(did, rig.verdict(), f"answered: {_words(found)}")


def _as_call(detail: bytes) -> bytes:
    entry = {**put_entry({}), "Detail": detail.decode("utf-8", "surrogatepass")}
    return json.dumps({"Entries": [entry]}).encode()


def garbage(folder: Path, scale: Scale) -> Done:
    """Bytes that are no HTTP, HTTP that is cut off, and calls that are sent ahead of the answer."""
    rng = random.Random(5)
    size = scale.of(3_000, 300)
    with scale.rig(folder) as rig:
        rig.load.start(rig.start(), pause=scale.of(0.01, 0.1))
        body = json.dumps({"Entries": [put_entry({"shipmentId": "AHEAD", "eventId": "e"})]})
        call = CALL % len(body) + body.encode()
        found: Counter[str] = Counter()
        with rig.watching():
            for number in range(size):
                with connect(rig) as peer, suppress(OSError):  # it is refused before its end
                    match number % 3:
                        case 0:
                            peer.sendall(rng.randbytes(rng.randint(1, 5_000)))
                        case 1:
                            peer.sendall(call[: rng.randint(1, len(call) - 1)])
                        case _:
                            cut = rng.randint(0, len(call) - 50)
                            peer.sendall(call[:cut] + rng.randbytes(50) + call[cut + 50 :])
                    peer.shutdown(socket.SHUT_WR)
                    found[_end(peer)] += 1
            ahead = scale.of(300, 30)
            with connect(rig) as peer:
                peer.sendall(HEALTH * ahead)
                refused = _end(peer)
            answered = _pipelined(rig, scale.of(100, 10))
        hold("500" not in found, f"answered: {found}")
        did = f"{size:,} connections with garbage, {ahead} calls ahead on one, 16 ahead again and again"
        more = f"answered: {_words(found)}; {refused} where too many are ahead; {answered:,} ahead"
        return Done.of(did, rig.verdict(), more)


def _pipelined(rig: Rig, times: int) -> int:
    """Send 16 real calls ahead, so many times; each has to be answered."""
    with connect(rig) as peer:
        for turn in range(times):
            batch = b""
            refs = [(f"AHEAD-{turn}", f"e-{number}") for number in range(16)]
            for shipment_id, event_id in refs:
                detail = {"shipmentId": shipment_id, "eventId": event_id, "status": "IN_TRANSIT"}
                body = json.dumps({"Entries": [put_entry(detail)]}).encode()
                batch += OPEN_CALL % len(body) + body
            peer.sendall(batch)
            received = b""
            while received.count(b'"FailedEntryCount":0') < 16:
                chunk = peer.recv(65_536)
                hold(chunk, f"16 calls ahead were answered: {received[-300:]!r}")
                received += chunk
            rig.load.note(refs)
    return times * 16


def _allow_files(count: int) -> None:
    """Let this process, and what it starts, have so many files open."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < count:
        raise Skipped(f"needs {count:,} open files, may have {most:,}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), most))


def _words(found: Counter[str]) -> str:
    return ", ".join(f"{times:,} x {end}" for end, times in sorted(found.items()))
