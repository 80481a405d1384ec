"""Brings a stack to where this package would have it, or takes it away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from waypost.stack import changes, left, preflight, rows, stacks, upload
from waypost.stack.changes import Change
from waypost.stack.errors import StackFailed
from waypost.stack.motion import Motion, failure
from waypost.stack.preflight import Finding
from waypost.stack.protection import Protection, protect, refuse_to_lose
from waypost.stack.render import render
from waypost.stack.rest import Rest

if TYPE_CHECKING:
    from waypost.stack.desk import Desk
    from waypost.stack.rows import Count
    from waypost.stack.stacks import Stack

_PROTECTION: Final = {
    Protection.SET: "No update may replace or remove a table from now on: a stack policy says so.",
    Protection.OTHER: "The stack has a policy of its own, which stays: see `aws cloudformation "
    "get-stack-policy`. Does it keep the tables from being replaced and removed?",
    Protection.UNKNOWN: "What answers here knows no stack policies: its tables are without one.",
}


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
        drift: as `preflight.Asked` has it; None for only if the stack is of the first version.
        today: as `preflight.Asked` has it.
    """

    stack: str
    parameters: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    bucket: str | None = None
    execute: bool = True
    again: str
    change_set: str
    drift: bool | None = None
    today: date

    @property
    def env(self) -> str:
        """Return the EnvironmentSuffix."""
        return self.parameters["EnvironmentSuffix"]


class Ended(StrEnum):
    """How a deployment ended that did not fail."""

    DEPLOYED = "deployed"
    UNCHANGED = "unchanged"
    PREPARED = "prepared"
    DECLINED = "declined"
    REFUSED = "refused"
    """Something stands in the way, and nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """What became of a deployment.

    Attributes:
        stack: as it is now; None where it is not made yet.
        change_set_id: what is left to execute; None where nothing is.
        rows_before: how many rows the log of the first version had; None if it was not one.
        findings: what stands in the way, which comes first, and what else is worth knowing.
    """

    ended: Ended
    stack: Stack | None
    changes: tuple[Change, ...] = ()
    change_set_id: str | None = None
    rows_before: Count | None = None
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class _There:
    """What a deployment begins with.

    Attributes:
        stack: that is to be updated; None where one is to be made.
        resources: its physical ids by its logical ids.
        tables: that are there already by the names of a stack that is to be made.
    """

    stack: Stack | None
    resources: Mapping[str, str]
    tables: list[str]


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
        self._motion = Motion(self._client, desk, pause)

    def deploy(self, plan: Plan) -> Deployed:
        """Make or update a stack, and protect its tables.

        Raises:
            StackFailed: it is not as it was asked to be; the message says why.
            NotFound: the bucket that was named is not there.
            AwsFailed: it is, but AWS refused to protect its tables.
        """
        account = self._introduce(plan.stack)
        before = Rest(self._client, self._desk, self._motion).find(plan.stack, plan.again)
        there = self._survey(before, plan.env)
        findings = self._look_ahead(there, plan)
        if any(finding.blocks for finding in findings):
            return Deployed(ended=Ended.REFUSED, stack=before, findings=findings)
        counted = self._introduce_tables(there, plan.again)
        bucket = self._bring_code(plan.bucket, account)
        request = changes.Request(
            stack=plan.stack,
            template=left.taking_in(render(bucket).decode(), there.tables, plan.env),
            parameters=plan.parameters,
            tags=plan.tags,
            imports=bool(there.tables),
        )
        found = changes.prepare(self._client, request, plan.change_set, before, self._pause)
        said = partial(Deployed, rows_before=counted, findings=findings)
        if found is None:
            self._protect(before)
            return said(ended=Ended.UNCHANGED, stack=before)
        self._desk.show(found.changes)
        self._refuse_loss(found)
        said = partial(said, changes=found.changes)
        if not plan.execute:
            return said(ended=Ended.PREPARED, stack=before, change_set_id=found.change_set_id)
        if not self._is_wanted(found):
            return said(ended=Ended.DECLINED, stack=before)
        return said(ended=Ended.DEPLOYED, stack=self._execute(found, plan.again))

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
        refuse_to_lose(self._client, stack, tables, f"First: waypost stack deploy {again}")
        self._desk.say(
            f"{sum(map(len, found.values()))} resources go, the queues with all in them."
        )
        self._desk.say(
            f"What stays: {', '.join(tables) or 'no table'}, and the bucket of the code."
        )
        if not self._desk.ask(f"Delete {name}?"):
            return None
        self._motion.delete(stack, again)
        return tables

    # ---------------------------------------------------------------------- before anything is done

    def _introduce(self, name: str) -> str:
        account: str = self._connect("sts").get_caller_identity()["Account"]
        region = self._client.meta.region_name
        self._desk.say(f"account {account}, region {region}, stack {name}")
        return account

    def _survey(self, before: Stack | None, env: str) -> _There:
        if before is not None and not before.is_empty:
            return _There(before, stacks.physical_ids(self._client, before.stack_id), [])
        if before is not None:
            self._desk.say("Nothing was made of this stack yet: a change set of it still waits.")
        return _There(None, {}, left.left_behind(self._connect("dynamodb"), env))

    def _look_ahead(self, there: _There, plan: Plan) -> tuple[Finding, ...]:
        drift = preflight.is_first(there.resources) if plan.drift is None else plan.drift
        asked = preflight.Asked(parameters=plan.parameters, drift=drift, today=plan.today)
        if there.stack is None:
            found = preflight.before_making(self._connect, there.tables, asked)
        else:
            if drift:
                self._desk.say(
                    "Looking for changes by hand, for two minutes at the most (--no-drift skips it)."
                )
            found = preflight.before_update(
                self._connect, there.stack, there.resources, asked, self._pause
            )
        self._desk.found(found)
        return tuple(found)

    def _introduce_tables(self, there: _There, again: str) -> Count | None:
        """Say what is kept; return how many rows a stack of the first version has."""
        if there.tables:
            self._desk.say(
                f"There already, and taken into the stack as they are: {', '.join(there.tables)}."
            )
        if not preflight.is_first(there.resources):
            return None
        counted = rows.count(self._connect("dynamodb"), there.resources["ShipmentLogsTable"])
        self._desk.say(
            f"This stack is of the first version. Its table has {counted} rows, which stay; at the "
            "end, their state is made. If it does not get so far: waypost stack backfill "
            f"{again}"
        )
        return counted

    def _refuse_loss(self, found: changes.ChangeSet) -> None:
        lost = [change.logical_id for change in found.changes if change.loses_a_table]
        if lost:
            changes.discard(self._client, found)
            raise StackFailed(
                f"Refused: this would replace or remove {', '.join(lost)}. A table is the only "
                "place that its data is in. Nothing was changed."
            )

    def _is_wanted(self, found: changes.ChangeSet) -> bool:
        is_wanted = False
        try:
            is_wanted = self._desk.ask("Make these changes?")
        finally:  # Ctrl-C is a no, too
            if not is_wanted:
                changes.discard(self._client, found)
        return is_wanted

    # --------------------------------------------------------------------------- what is done

    def _bring_code(self, bucket: str | None, account: str) -> str:
        client, region = self._connect("s3"), self._client.meta.region_name
        name = bucket or upload.default_bucket(account, region)
        if bucket is None and not upload.is_there(client, name, account):
            upload.make(client, name, region)
            self._desk.say(f"Made the bucket {name} for the functions' code.")
        if upload.upload(client, name, account):
            self._desk.say(f"Put the functions' code into {name}.")
        return name

    def _execute(self, found: changes.ChangeSet, again: str) -> Stack:
        execute = partial(changes.execute, self._client, found)
        outcome = self._motion.run(found.stack_id, execute, again)
        if outcome.status not in stacks.DONE:
            raise StackFailed(failure(outcome, again))
        stack = stacks.get(self._client, found.stack_id)
        self._protect(stack)
        return stack

    def _protect(self, stack: Stack | None) -> None:
        if stack is not None:
            done = protect(self._client, stack.stack_id)
            if done in _PROTECTION:
                self._desk.say(_PROTECTION[done])
