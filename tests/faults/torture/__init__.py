"""Real faults against the real server. ``python -m tests.faults.torture`` runs all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.faults.torture import clients, clocks, disks, power, processes, receivers

if TYPE_CHECKING:
    from tests.faults.torture.scenario import Scenario

ONLY_WHOLE: Final = frozenset(
    {
        "kill under load",  # in tests/faults/test_kill.py
        "stop under load",
        "second server",
        "file size limit",
        "read-only file",
        "read-only folder",
        "slow clients",
        "idle crowd",
        "crowd without room",
        "huge bodies",
        "garbage",
        "bad webhook",
    }
)
"""What `make test` leaves to `make torture`: unit tests show the same in small."""

SCENARIOS: Final[dict[str, Scenario]] = {
    "kill under load": processes.killed_under_load,
    "kill in a checkpoint": processes.killed_in_checkpoint,
    "kill in the follower": processes.killed_while_following,
    "kill at start": processes.killed_at_start,
    "freeze": processes.frozen,
    "stop under load": processes.stopped_under_load,
    "second server": processes.second_server,
    "full disk": disks.full_disk,
    "file size limit": disks.small_files,
    "read-only file": disks.read_only_file,
    "read-only folder": disks.read_only_folder,
    "clock jumps": clocks.jumping_clock,
    "slow clients": clients.slow_clients,
    "idle crowd": clients.idle_crowd,
    "crowd without room": clients.too_large_crowd,
    "huge bodies": clients.huge_bodies,
    "hostile JSON": clients.hostile_json,
    "garbage": clients.garbage,
    "bad mail server": receivers.bad_mail_server,
    "bad webhook": receivers.bad_webhook,
    "power loss": power.lost_power,
    "power loss without sync": power.lost_power_without_sync,
}
