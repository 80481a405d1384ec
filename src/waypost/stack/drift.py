"""What somebody changed by hand of what a stack made: CloudFormation's drift detection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOKS: Final = 60
"""A detection that is not over after so many looks is left alone."""
PAUSE: Final = 2.0
"""Seconds between two looks."""
_DIFFERS: Final = ["MODIFIED", "DELETED"]


@dataclass(frozen=True, slots=True)
class Drifted:
    """A resource that is not as the stack made it.

    Attributes:
        is_gone: whether it was deleted.
        paths: of the properties that differ, such as ``/StreamSpecification/StreamViewType``.
    """

    logical_id: str
    physical_id: str
    is_gone: bool
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """What a detection found.

    Attributes:
        incomplete: why that is not all; empty if it is. Types that know no drift are never in it.
    """

    drifted: tuple[Drifted, ...]
    incomplete: str


def detect(client: Any, stack_id: str, pause: Callable[[float], object]) -> Drift:
    """Look for drift, for two minutes at the most.

    Args:
        client: of CloudFormation; its errors are raised as they are.
        stack_id: of a stack with nothing under way.
        pause: waits so many seconds.
    """
    asked = client.detect_stack_drift(StackName=stack_id)["StackDriftDetectionId"]
    for _ in range(LOOKS):
        said = client.describe_stack_drift_detection_status(StackDriftDetectionId=asked)
        if said["DetectionStatus"] != "DETECTION_IN_PROGRESS":
            break
        pause(PAUSE)
    else:
        return Drift((), f"CloudFormation still looks after {LOOKS * PAUSE / 60:.0f} minutes")
    failed = said["DetectionStatus"] == "DETECTION_FAILED"
    incomplete = said.get("DetectionStatusReason", "AWS does not say why") if failed else ""
    return Drift(tuple(_drifted(client, stack_id)), incomplete)


def _drifted(client: Any, stack_id: str) -> Iterator[Drifted]:
    more: dict[str, str] = {}
    while True:
        page = client.describe_stack_resource_drifts(
            StackName=stack_id, StackResourceDriftStatusFilters=_DIFFERS, **more
        )
        for one in page["StackResourceDrifts"]:
            yield Drifted(
                logical_id=one["LogicalResourceId"],
                physical_id=one.get("PhysicalResourceId", ""),
                is_gone=one["StackResourceDriftStatus"] == "DELETED",
                paths=tuple(p["PropertyPath"] for p in one.get("PropertyDifferences", ())),
            )
        if not page.get("NextToken"):
            return
        more = {"NextToken": page["NextToken"]}
