"""Brings a stack to where this package would have it, or takes it away."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from waypost.stack import changes, progress, stacks, upload
from waypost.stack.changes import Change
from waypost.stack.errors import StackFailed
from waypost.stack.protection import Protection, protect, tables_not_kept
from waypost.stack.render import render

if TYPE_CHECKING:
    from collections.abc import Iterator

    from waypost.stack.progress import Event, Outcome
    from waypost.stack.stacks import Stack

TABLES: Final = ("shipment-logs", "shipment-state", "shipment-rejected")
"""The tables of a stack; each name goes on with the stack's suffix."""
_PROTECTION: Final = {
    Protection.SET: "No update may replace or remove a table from now on: a stack policy says so.",
    Protection.OTHER: "The stack has a policy of its own, which stays: see `aws cloudformation "
    "get-stack-policy`. Does it keep the tables from being replaced and removed?",
    Protection.UNKNOWN: "What answers here knows no stack policies: its tables are without one.",
}
_HALF_BACK: Final = "UPDATE_ROLLBACK_FAILED"
_STEPS: Final = 5
"""So many things may stand in the way of one deployment, one after the other."""


class Desk(Protocol):
    """Whoever wants something of a stack: is told, and asked."""

    def say(self, text: str) -> None:
        """Hear what is going on."""

    def ask(self, question: str) -> bool:
        """Answer a question with yes or no."""

    def show(self, changes: tuple[Change, ...]) -> None:
        """See what would be changed."""

    def event(self, event: Event) -> None:
        """See what happens."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is wanted.

    Attributes:
        stack: its name.
        parameters: new values by their names in the template, EnvironmentSuffix among them; other
            values stay.
        tags: further tags; others stay.
        bucket: for the functions' code; None for one that is made if need be.
        execute: False to leave a change set for somebody else to execute.
        again: the options that name this stack on the command line, for hints.
        change_set: a name that no other change set has.
    """

    stack: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    bucket: str | None = None
    execute: bool = True
    again: str
    change_set: str


class Ended(StrEnum):
    """How a deployment ended that nothing went wrong with."""

    DEPLOYED = "deployed"
    UNCHANGED = "unchanged"
    PREPARED = "prepared"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What became of a deployment.

    Attributes:
        stack: as it is now; None where it is not made yet.
        change_set_id: what is left to execute; None where nothing is.
    """

    ended: Ended
    stack: Stack | None
    changes: tuple[Change, ...] = ()
    change_set_id: str | None = None


class Deployer:
    """Deploys and destroys stacks in one account and Region."""

    def __init__(
        self, connect: Callable[[str], Any], desk: Desk, pause: Callable[[float], object]
    ) -> None:
        """Work for somebody.

        Args:
            connect: gives a client of a service; its errors are raised as they are.
            desk: who is told and asked.
            pause: waits so many seconds.
        """
        self._connect = connect
        self._client = connect("cloudformation")
        self._desk = desk
        self._pause = pause

    def deploy(self, plan: Plan) -> Deployed:
        """Make or update a stack, and protect its tables.

        Raises:
            StackFailed: it is not as it was asked to be; the message says why.
            NotFound: the bucket that was named is not there.
            AwsFailed: it is, but AWS refused to protect its tables.
        """
        account = self._introduce(plan.stack)
        before = self._ready(plan)
        if before is not None and before.is_empty:
            self._desk.say("Nothing was made of this stack yet: a change set of it still waits.")
        request = self._request(plan, before, self._bring_code(plan.bucket, account))
        found = changes.prepare(self._client, request, plan.change_set, before, self._pause)
        if found is None:
            self._protect(before)
            return Deployed(Ended.UNCHANGED, before)
        self._desk.show(found.changes)
        self._refuse_loss(found)
        if not plan.execute:
            return Deployed(Ended.PREPARED, before, found.changes, found.change_set_id)
        is_wanted = False
        try:
            is_wanted = self._desk.ask("Make these changes?")
        finally:  # Ctrl-C is a no, too
            if not is_wanted:
                changes.discard(self._client, found)
        if not is_wanted:
            return Deployed(Ended.DECLINED, before, found.changes)
        return self._execute(found, plan)

    def destroy(self, name: str, again: str) -> tuple[str, ...] | None:
        """Delete a stack; return the tables that stay, or None if it was not wanted after all.

        Args:
            name: of the stack.
            again: the options that name this stack on the command line, for hints.

        Raises:
            NotFound: there is no such stack.
            StackFailed: it is not gone; the message says why.
        """
        self._introduce(name)
        stack = stacks.get(self._client, name)
        found = stacks.resources(self._client, name)
        tables = tuple(found.pop("AWS::DynamoDB::Table", ()))
        self._refuse_to_lose(stack, tables, f"First: waypost stack deploy {again}")
        self._desk.say(
            f"{sum(map(len, found.values()))} resources go, the queues with all in them."
        )
        self._desk.say(
            f"What stays: {', '.join(tables) or 'no table'}, and the bucket of the code."
        )
        if not self._desk.ask(f"Delete {name}?"):
            return None
        outcome = self._delete(stack, again)
        if outcome.status != "DELETE_COMPLETE":
            raise StackFailed(_failure(outcome, again))
        return tables

    def attach(self, stack: Stack, again: str) -> Outcome:
        """Report what is under way, from its beginning until it is over.

        Raises:
            StackFailed: somebody pressed Ctrl-C, or it takes too long; it goes on all the same.
        """
        with _left_running(again):
            since = progress.before_latest(self._client, stack.stack_id)
            return self._watch(stack.stack_id, since)

    def _run(self, stack_id: str, start: Callable[[], object], again: str) -> Outcome:
        """Start something, and report it until it is over."""
        since = progress.newest(self._client, stack_id)
        with _left_running(again):
            start()
            return self._watch(stack_id, since)

    def _watch(self, stack_id: str, since: str | None) -> Outcome:
        return progress.follow(self._client, stack_id, since, self._desk.event, self._pause)

    def _introduce(self, name: str) -> str:
        account: str = self._connect("sts").get_caller_identity()["Account"]
        region = self._client.meta.region_name
        self._desk.say(f"account {account}, region {region}, stack {name}")
        return account

    def _request(self, plan: Plan, before: Stack | None, bucket: str) -> changes.Request:
        template = render(bucket).decode()
        is_new = before is None or before.is_empty
        left = self._left_behind(plan.parameters["EnvironmentSuffix"]) if is_new else []
        if left:
            self._desk.say(
                f"There already, and taken into the stack as they are: {', '.join(left)}. If another "
                "stack has them, this fails: name that one with --stack-name."
            )
            # Should making the stack fail, it must not take with it what was there before.
            template = template.replace("RetainExceptOnCreate", "Retain")
        return changes.Request(
            stack=plan.stack,
            template=template,
            parameters=plan.parameters,
            tags=plan.tags,
            imports=bool(left),
        )

    def _left_behind(self, env: str) -> list[str]:
        """Return the tables that an earlier stack left."""
        client = self._connect("dynamodb")
        found: list[str] = []
        for table in TABLES:
            try:
                client.describe_table(TableName=f"{table}-{env}")
            except client.exceptions.ResourceNotFoundException:
                continue
            found.append(f"{table}-{env}")
        return found

    def _bring_code(self, bucket: str | None, account: str) -> str:
        client, region = self._connect("s3"), self._client.meta.region_name
        name = bucket or upload.default_bucket(account, region)
        if bucket is None and not upload.is_there(client, name, account):
            upload.make(client, name, region)
            self._desk.say(f"Made the bucket {name} for the functions' code.")
        if upload.upload(client, name, account):
            self._desk.say(f"Put the functions' code into {name}.")
        return name

    def _refuse_loss(self, found: changes.ChangeSet) -> None:
        lost = [change.logical_id for change in found.changes if change.loses_a_table]
        if lost:
            changes.discard(self._client, found)
            raise StackFailed(
                f"Refused: this would replace or remove {', '.join(lost)}. A table is the only "
                "place that its data is in. Nothing was changed."
            )

    # -------------------------------------------------------------------- what is in the way

    def _ready(self, plan: Plan) -> Stack | None:
        """Return the stack when it can be changed; None when it is to be made."""
        for _ in range(_STEPS):
            stack = stacks.find(self._client, plan.stack)
            if stack is None or stack.is_empty or stack.status in stacks.STANDING:
                return stack
            self._clear(stack, plan.again)
        raise StackFailed(f"{plan.stack} does not come to rest; look at it in the console")

    def _clear(self, stack: Stack, again: str) -> None:
        """Get one thing out of the way, if it is wanted."""
        if stack.is_moving:
            self._agree(
                f"{stack.status} is under way. Wait for it?",
                f"Try again when it is over. To see how it goes: waypost stack status {again} "
                "--watch",
            )
            self.attach(stack, again)
        elif stack.status == _HALF_BACK:
            self._roll_back(stack, again)
        elif stack.status in stacks.STUCK_AT_BIRTH:
            tables = stacks.resources(self._client, stack.stack_id).get("AWS::DynamoDB::Table", [])
            self._refuse_to_lose(stack, tables, "Back it up before you delete the stack yourself.")
            self._agree(
                f"{stack.status}: such a stack can only be deleted. Its tables stay, if it has "
                "any. Delete it, and make it anew?",
                "Nothing was changed.",
            )
            outcome = self._delete(stack, again)
            if outcome.status != "DELETE_COMPLETE":
                raise StackFailed(_failure(outcome, again))
        else:
            raise StackFailed(
                f"The stack is in {stack.status}. First: aws cloudformation rollback-stack "
                f"--stack-name {stack.name}"
            )

    def _refuse_to_lose(self, stack: Stack, tables: Sequence[str], way_out: str) -> None:
        """Refuse to delete a stack whose template does not keep the tables that it has."""
        if tables and (lost := tables_not_kept(self._client, stack.stack_id)):
            raise StackFailed(
                f"Refused: the template that {stack.name} was made from does not keep "
                f"{', '.join(lost)}, and {', '.join(tables)} holds data. {way_out}"
            )

    def _roll_back(self, stack: Stack, again: str) -> None:
        self._agree(
            "UPDATE_ROLLBACK_FAILED: an update failed, and taking it back did too "
            f"({stack.reason or 'AWS does not say why'}). Is the cause gone, and shall it be "
            "tried again?",
            f"See the cause: waypost stack status {again}",
        )
        go_on = partial(self._client.continue_update_rollback, StackName=stack.stack_id)
        outcome = self._run(stack.stack_id, go_on, again)
        if outcome.status not in stacks.STANDING:
            raise StackFailed(
                f"{_failure(outcome, again)} If it cannot be mended: aws cloudformation "
                f"continue-update-rollback --stack-name {stack.name} --resources-to-skip "
                f"{outcome.cause.logical_id if outcome.cause else 'ID'}"
            )

    def _agree(self, question: str, else_: str) -> None:
        if not self._desk.ask(question):
            raise StackFailed(else_)

    # --------------------------------------------------------------------------- what is done

    def _delete(self, stack: Stack, again: str) -> Outcome:
        delete = partial(self._client.delete_stack, StackName=stack.stack_id)
        return self._run(stack.stack_id, delete, again)

    def _execute(self, found: changes.ChangeSet, plan: Plan) -> Deployed:
        execute = partial(changes.execute, self._client, found)
        outcome = self._run(found.stack_id, execute, plan.again)
        if outcome.status not in stacks.DONE:
            raise StackFailed(_failure(outcome, plan.again))
        stack = stacks.get(self._client, found.stack_id)
        self._protect(stack)
        return Deployed(Ended.DEPLOYED, stack, found.changes)

    def _protect(self, stack: Stack | None) -> None:
        if stack is not None:
            done = protect(self._client, stack.stack_id)
            if done in _PROTECTION:
                self._desk.say(_PROTECTION[done])


@contextmanager
def _left_running(again: str) -> Iterator[None]:
    """Let Ctrl-C leave what was started to AWS.

    Raises:
        StackFailed: it was pressed.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StackFailed(
            f"What has begun goes on on AWS. To see how: waypost stack status {again} --watch"
        ) from None


def _failure(outcome: Outcome, again: str) -> str:
    """Return what failed first, how the stack is now, and the next step."""
    cause = outcome.cause
    first = ""
    if cause is not None:
        why = (cause.reason or cause.status).rstrip(".")
        first = f"First cause: {cause.logical_id} ({cause.kind}): {why}. "
    now = f"The stack is in {outcome.status}. "
    if outcome.status == "UPDATE_ROLLBACK_COMPLETE":
        return f"{first}{now}It is as it was before. Mend the cause and deploy again."
    if outcome.status in stacks.STUCK_AT_BIRTH or outcome.status == _HALF_BACK:
        return f"{first}{now}Mend the cause and run `waypost stack deploy {again}`: it asks first."
    return f"{first}{now}See `waypost stack status {again}`."
