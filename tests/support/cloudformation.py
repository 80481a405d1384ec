"""CloudFormation for tests: a stack whose change takes the course that it was told to take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import Mock

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from waypost.stack.changes import Change
    from waypost.stack.preflight import Finding
    from waypost.stack.progress import Event

STACK: Final = "AWS::CloudFormation::Stack"
ID: Final = "arn:aws:cloudformation:eu-central-1:123456789012:stack/waypost-qa/1"


KEEPING: Final = """
Resources:
  ShipmentLogsTable: {Type: AWS::DynamoDB::Table, DeletionPolicy: RetainExceptOnCreate}
  IngestQueue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Sub 'q-${EnvironmentSuffix}'}}
"""
"""A template whose table outlives its stack."""


@dataclass
class CloudFormation:
    """A client.

    Attributes:
        status: of the stack; None without one.
        course: what an execution, a deletion or a rollback leads to, one step for each time the
            stack is looked at: (logical id, status, reason); an empty id is the stack's.
        changes: of the next change set.
        refusal: why the next change set cannot be made.
        policy: the stack's, as JSON; empty without one.
        policy_refusal: the code with which calls about the policy are refused; empty if not.
        template: that it was made from, as botocore gives it: YAML as text, JSON as a dict.
        resources: (type, physical id).
        logical_ids: by physical id, where they differ.
        exports: by name, with their values.
        importers: the stacks that use an export.
        owner: another stack, that has every table that is there; empty for none.
        owner_status: of that stack.
        detection: the statuses of the next drift detection, one for each look.
        drifts: what it finds.
        calls: what was asked for, without looking.
    """

    status: str | None = None
    course: list[tuple[str, str, str]] = field(default_factory=list)
    changes: Sequence[dict[str, Any]] = ()
    refusal: str = ""
    policy: str = ""
    policy_refusal: str = ""
    template: str | dict[str, Any] = KEEPING
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    resources: Sequence[tuple[str, str]] = ()
    logical_ids: dict[str, str] = field(default_factory=dict)
    exports: dict[str, str] = field(default_factory=dict)
    importers: dict[str, list[str]] = field(default_factory=dict)
    owner: str = ""
    owner_status: str = "CREATE_COMPLETE"
    detection: list[str] = field(default_factory=lambda: ["DETECTION_COMPLETE"])
    drifts: Sequence[dict[str, Any]] = ()
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    is_under_way: bool = False
    meta: Any = field(default_factory=lambda: Mock(region_name="eu-central-1"))

    def describe_stacks(self, *, StackName: str = "") -> dict[str, Any]:  # noqa: N803 (as botocore has it)
        if self.owner and StackName == self.owner:
            other = {"StackId": StackName, "StackName": StackName, "StackStatus": self.owner_status}
            return {"Stacks": [other]}
        if self.is_under_way and self.course:
            self.step(*self.course.pop(0))
        if self.status is None:
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": "Stack does not exist"}},
                "DescribeStacks",
            )
        stack = {
            "StackId": ID,
            "StackName": "waypost-qa",
            "StackStatus": self.status,
            "Parameters": _pairs(self.parameters, "ParameterKey", "ParameterValue"),
            "Tags": _pairs(self.tags, "Key", "Value"),
            "Outputs": [
                {"OutputKey": "DynamoDBTableName", "OutputValue": "shipment-logs-qa"},
                *(
                    {"OutputKey": name.title(), "OutputValue": value, "ExportName": name}
                    for name, value in self.exports.items()
                ),
            ],
        }
        return {"Stacks": [stack]}

    def step(self, logical_id: str, status: str, reason: str = "") -> None:
        self.events.insert(
            0,
            {
                "EventId": str(len(self.events)),
                "LogicalResourceId": logical_id or "waypost-qa",
                "ResourceType": "AWS::SQS::Queue" if logical_id else STACK,
                "ResourceStatus": status,
                "ResourceStatusReason": reason,
            },
        )
        if not logical_id:
            self.status = None if status == "DELETE_COMPLETE" else status
            self.is_under_way = status.endswith("_IN_PROGRESS")

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        return {"StackEvents": self.events}

    def get_paginator(self, operation: str) -> Any:
        pages = {
            "describe_stack_events": self.describe_stack_events,
            "list_stack_resources": self.list_stack_resources,
        }
        return Mock(paginate=lambda **_: [pages[operation]()])

    def list_stack_resources(self) -> dict[str, Any]:
        rows = [
            {
                "LogicalResourceId": self.logical_ids.get(name, name),
                "ResourceType": kind,
                "PhysicalResourceId": name,
            }
            for kind, name in self.resources
        ]
        return {"StackResourceSummaries": rows}

    def create_change_set(self, **asked: Any) -> dict[str, str]:
        self.calls.append(("create_change_set", asked))
        return {"Id": "change-set-1", "StackId": ID}

    def describe_change_set(self, **asked: Any) -> dict[str, Any]:
        """A page for each change, so that nobody forgets the next page."""
        if self.refusal:
            return {"Status": "FAILED", "StatusReason": self.refusal}
        at = int(asked.get("NextToken", 0))
        more = {"NextToken": str(at + 1)} if at + 1 < len(self.changes) else {}
        page = [{"ResourceChange": one} for one in self.changes[at : at + 1]]
        return {
            "Status": "CREATE_COMPLETE",
            "ChangeSetId": "change-set-1",
            "Changes": page,
            **more,
        }

    def execute_change_set(self, **asked: Any) -> None:
        self._begin("execute_change_set", asked)

    def continue_update_rollback(self, **asked: Any) -> None:
        self._begin("continue_update_rollback", asked)

    def delete_stack(self, **asked: Any) -> None:
        self._begin("delete_stack", asked)

    def delete_change_set(self, **asked: Any) -> None:
        self.calls.append(("delete_change_set", asked))

    def get_stack_policy(self, **_: Any) -> dict[str, Any]:
        if self.policy_refusal:
            error = {"Code": self.policy_refusal, "Message": "no"}
            raise ClientError({"Error": error}, "GetStackPolicy")
        return {"StackPolicyBody": self.policy} if self.policy else {}

    def get_template(self, **_: Any) -> dict[str, Any]:
        return {"TemplateBody": self.template}

    def set_stack_policy(self, **asked: Any) -> None:
        assert asked["StackName"] == ID
        self.policy = asked["StackPolicyBody"]

    def list_imports(self, **asked: Any) -> dict[str, Any]:
        """A page for each stack, so that nobody forgets the next page."""
        export, at = asked["ExportName"], int(asked.get("NextToken", 0))
        found = self.importers.get(export, [])
        if not found:
            said = f"Export '{export}' is not imported by any stack."
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": said}}, "ListImports"
            )
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"Imports": found[at : at + 1], **more}

    def describe_stack_resources(self, *, PhysicalResourceId: str) -> dict[str, Any]:  # noqa: N803 (as botocore has it)
        if not self.owner:
            said = f"Stack for {PhysicalResourceId} does not exist"
            raise ClientError(
                {"Error": {"Code": "ValidationError", "Message": said}}, "DescribeStackResources"
            )
        return {"StackResources": [{"StackName": self.owner, "StackId": self.owner}]}

    def detect_stack_drift(self, **asked: Any) -> dict[str, str]:
        assert asked["StackName"] == ID
        return {"StackDriftDetectionId": "detection-1"}

    def describe_stack_drift_detection_status(self, **_: Any) -> dict[str, str]:
        return {
            "DetectionStatus": self.detection.pop(0),
            "DetectionStatusReason": "no right to read a queue",
        }

    def describe_stack_resource_drifts(self, **asked: Any) -> dict[str, Any]:
        """A page for each resource, so that nobody forgets the next page."""
        at, wanted = int(asked.get("NextToken", 0)), asked["StackResourceDriftStatusFilters"]
        found = [one for one in self.drifts if one["StackResourceDriftStatus"] in wanted]
        more = {"NextToken": str(at + 1)} if at + 1 < len(found) else {}
        return {"StackResourceDrifts": found[at : at + 1], **more}

    def _begin(self, name: str, asked: dict[str, Any]) -> None:
        self.calls.append((name, asked))
        self.is_under_way = True

    @property
    def asked(self) -> list[str]:
        """The names of the calls."""
        return [name for name, _ in self.calls]


def _pairs(of: dict[str, str], key: str, value: str) -> list[dict[str, str]]:
    return [{key: name, value: text} for name, text in of.items()]


@dataclass
class Desk:
    """Answers all questions alike, and keeps what it was told."""

    answer: bool = True
    said: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    changes: tuple[Change, ...] = ()
    findings: list[Finding] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    on_event: Callable[[Event], object] = lambda _: None

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str) -> bool:
        self.questions.append(question)
        return self.answer

    def show(self, changes: tuple[Change, ...]) -> None:
        self.changes = changes

    def found(self, findings: Sequence[Finding]) -> None:
        self.findings += findings

    def event(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)
