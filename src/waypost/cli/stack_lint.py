"""``waypost stack lint``: what a template promises and cannot keep."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from waypost.cli import options, output
from waypost.cli.exits import ExitCode
from waypost.cli.stack_deploy import pairs

if TYPE_CHECKING:
    from waypost.stack.lint.facts import Facts
    from waypost.stack.lint.findings import Finding, Report, Rule

_STDIN: Final = "-"
_OURS: Final = "waypost.yaml"
"""What our own template is called, for it is rendered and is no file."""


def lint(
    template: Annotated[
        str | None,
        typer.Argument(
            metavar="TEMPLATE",
            help="YAML or JSON; - for standard input. Without it, the stack that Waypost ships.",
        ),
    ] = None,
    *,
    per_day: Annotated[
        int | None,
        typer.Option(
            "--per-day",
            min=1,
            metavar="N",
            help="Events a day; else the default of the template's DeclaredPerDay.",
            show_default=False,
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="Instead of a parameter's default."),
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Say what a rule is about.")
    ] = None,
    sarif: Annotated[
        bool, typer.Option("--sarif", help="SARIF 2.1.0, for code hosts, on standard output.")
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Say what would go wrong at 3 a.m. with a CloudFormation template.

    Alarms that can never go off, dashboards that are empty, hand-overs that drop what fails, code
    that does what its role forbids: what can be deployed and cannot be relied on. Nothing is sent
    anywhere. Exit code 1 with findings, 2 if the template cannot be used.
    """
    if sarif and as_json:
        raise typer.BadParameter("one of --sarif and --json", param_hint="--sarif")
    if explain is not None:
        _explain(explain)
        return
    from waypost.stack.lint.run import lint as run
    from waypost.stack.lint.sarif import to_sarif

    data = _read(template)
    report = run(data, _facts(template, per_day, pairs(parameter or [], "--parameter")))
    name = _name(template)
    if sarif:
        output.emit(to_sarif(report, name))
    elif as_json:
        output.emit(_json(report, name))
    else:
        _show(report, name)
    if report.findings:
        raise typer.Exit(ExitCode.NO)


def _read(template: str | None) -> bytes:
    from waypost.stack.lint import ours
    from waypost.stack.lint.reading import SIZE_LIMIT

    if template is None:
        return ours.template()
    if template == _STDIN:
        return sys.stdin.buffer.read(SIZE_LIMIT + 1)
    try:
        with Path(template).open("rb") as file:
            return file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise typer.BadParameter(f"{template}: {error.strerror}", param_hint="TEMPLATE") from None


def _facts(template: str | None, per_day: int | None, overrides: dict[str, str]) -> Facts:
    from waypost.clock import SystemClock
    from waypost.stack.lint import beside, ours
    from waypost.stack.lint.facts import Facts as Record

    today = datetime.fromtimestamp(SystemClock().now() / 1_000, UTC).date()
    if template is None:
        return Record(today, per_day, overrides, identities=ours.identities())
    place = Path.cwd() / _STDIN if template == _STDIN else Path(template)
    return Record(today, per_day, overrides, read_code=beside.reader(place))


def _name(template: str | None) -> str:
    """Return what a template is called: its path from here, as an address has it."""
    if template is None:
        return _OURS
    if template == _STDIN:
        return "stdin"
    path = Path(template)
    if path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return path.as_posix()


def _rule(identifier: str) -> Rule:
    from waypost.stack.lint.rules import RULES

    rule = RULES.get(identifier.upper())
    if rule is None:
        raise typer.BadParameter(
            f"{identifier!r} is none of {', '.join(RULES)}", param_hint="--explain"
        )
    return rule


def _explain(identifier: str) -> None:
    rule = _rule(identifier)
    output.console().print(_head(rule))
    _tell(rule)
    output.console().print(_row("source", rule.source))


def _json(report: Report, name: str) -> dict[str, Any]:
    return {
        "template": name,
        "resources": report.resources,
        "findings": [_finding(finding) for finding in report.findings],
        "suppressed": [
            {**_finding(one.finding), "reason": one.reason} for one in report.suppressed
        ],
        "unusedSuppressions": [{"where": where, "id": one} for where, one in report.unused],
        "notChecked": [
            {
                "id": one.rule.id if one.rule else None,
                "where": one.gap.where,
                "line": one.gap.line,
                "why": one.gap.why,
            }
            for one in report.not_checked
        ],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    rule, hit = finding.rule, finding.hit
    return {
        "id": rule.id,
        "level": rule.level,
        "where": hit.where,
        "line": hit.line,
        "what": hit.what,
        "scenario": finding.scenario or None,
        "title": rule.title,
        "atNight": rule.at_night,
        "fix": rule.fix,
        "source": rule.source,
    }


def _show(report: Report, name: str) -> None:
    screen = output.console()
    by_rule: dict[str, list[Finding]] = {}
    for finding in report.findings:
        by_rule.setdefault(finding.rule.id, []).append(finding)
    for found in by_rule.values():
        screen.print(_head(found[0].rule))
        places = Table.grid(padding=(0, 2, 0, 0))
        places.add_column(justify="right", no_wrap=True)
        places.add_column(no_wrap=True)
        places.add_column(overflow="fold")
        for one in found:
            when = f" ({one.scenario})" if one.scenario else ""
            places.add_row(
                output.cell(f"line {one.hit.line}", "dim"),
                output.cell(one.hit.where or "the template", "bold"),
                output.cell(f"{one.hit.what}{when}"),
            )
        screen.print(Padding(places, (0, 0, 0, 2), expand=False))
        _tell(found[0].rule)
        screen.print()
    _show_rest(report)
    output.say(_summary(report, name, len(by_rule)))


def _head(rule: Rule) -> Text:
    style = "bold red" if rule.level == "error" else "bold yellow"
    return Text.assemble((rule.id, style), "  ", (rule.title, "bold"))


def _tell(rule: Rule) -> None:
    output.console().print(_row("3 a.m.", rule.at_night))
    output.console().print(_row("fix", rule.fix))


def _row(label: str, text: str) -> Padding:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=len("source"), style="dim")
    grid.add_column(overflow="fold")
    grid.add_row(label, Text(output.plain(text)))
    return Padding(grid, (0, 0, 0, 2), expand=False)


def _show_rest(report: Report) -> None:
    """Show what was suppressed and what was not checked: a lint that is silent on it misleads."""
    screen = output.console()
    why: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for gap in report.not_checked:
        rules, places = why.setdefault(gap.gap.why, ({}, {}))
        rules[gap.rule.id if gap.rule else ""] = None
        places[gap.gap.where or "the template"] = None
    if why:
        screen.print(Text("Not checked", "bold"))
        for reason, (rules, places) in why.items():
            by = f" ({', '.join(filter(None, rules))})" if any(rules) else ""
            screen.print(
                Padding(
                    output.cell(f"{', '.join(places)}: {reason}{by}"), (0, 0, 0, 2), expand=False
                )
            )
        screen.print()
    lines = [
        f"{one.finding.rule.id} {one.finding.hit.where} line {one.finding.hit.line}: {one.reason}"
        for one in report.suppressed
    ]
    lines += [
        f"{rule} {where or 'the template'}: suppresses nothing, take it out"
        for where, rule in report.unused
    ]
    if lines:
        screen.print(Text("Suppressed", "bold"))
        for line in lines:
            screen.print(Padding(output.cell(line), (0, 0, 0, 2), expand=False))
        screen.print()


def _summary(report: Report, name: str, rules: int) -> str:
    errors = sum(finding.rule.level == "error" for finding in report.findings)
    found = f"{len(report.findings)} findings" if report.findings else "nothing found"
    if report.findings:
        found += f" by {rules} rules ({errors} errors, {len(report.findings) - errors} warnings)"
    return (
        f"{name}: {found} in {report.resources} resources; {len(report.suppressed)} suppressed, "
        f"{len(report.not_checked)} not checked."
    )
