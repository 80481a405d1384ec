"""``waypost stack``: the same system on AWS, out of this very installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from waypost.cli import aws, output
from waypost.cli import stack_backfill as filling
from waypost.cli import stack_deploy as making
from waypost.cli import stack_lint as linting
from waypost.cli import stack_look as looking
from waypost.cli import stack_price as pricing
from waypost.cli import stack_status as reporting
from waypost.cli.commands import command
from waypost.cli.options import File

app = typer.Typer(
    help="Run it on AWS: deploy the stack, look after it, take it away.",
    no_args_is_help=True,
    rich_markup_mode="rich",
)


def render(
    bucket: Annotated[
        str | None,
        typer.Option(
            "--bucket",
            parser=aws.read_bucket,
            metavar="NAME",
            help="Where the functions' code will be. Without it, the template holds the code.",
        ),
    ] = None,
    code: Annotated[
        Path | None,
        typer.Option("--code", metavar="FILE", help="Write the zip for the bucket to this file."),
    ] = None,
    to: File = None,
) -> None:
    """Write the CloudFormation template.

    With --bucket it fits into one call; upload the zip under the key that is said first. Without,
    it is one file with all in it, which is too large for a call: give it to the console, or to
    the AWS CLI's `cloudformation deploy --s3-bucket`.
    """
    from waypost.stack import bundle
    from waypost.stack.render import DIRECT_LIMIT
    from waypost.stack.render import render as render_template

    template = render_template(bucket)
    if code is not None:
        code.write_bytes(bundle.zip_code())
    if to is not None:
        to.write_bytes(template)
    else:
        sys.stdout.buffer.write(template)
    if bucket is not None:
        output.note(f"The functions' code belongs to s3://{bucket}/{bundle.zip_key()}")
    elif len(template) > DIRECT_LIMIT:
        output.note(
            f"{len(template):,} bytes: CloudFormation takes {DIRECT_LIMIT:,} directly, more from "
            "a bucket only. --bucket makes a smaller one."
        )


command(
    app,
    "waypost stack render --output waypost.yaml",
    "waypost stack render --bucket my-bucket --code waypost.zip > waypost.yaml",
)(render)
command(
    app,
    "waypost stack lint",
    "waypost stack lint template.yaml --per-day 1500",
    "waypost stack lint template.yaml --sarif > waypost.sarif",
    "waypost stack lint --explain WP101",
)(linting.lint)
command(
    app,
    "waypost stack deploy --env dev --alert-email ops@example.com",
    "waypost stack deploy --env prod --no-execute --json | jq .changes",
    "waypost stack deploy --env dev --parameter AlertWindowSeconds=30 --yes",
)(making.deploy)
command(
    app, "waypost stack backfill --env dev", "waypost stack backfill --env dev --json | jq .sent"
)(filling.backfill)
command(
    app,
    "waypost stack status --env dev",
    "waypost stack status --env dev --json | jq .problems",
)(reporting.status)
command(
    app, "waypost stack logs --env dev --follow", "waypost stack logs --env dev --function notifier"
)(looking.logs)
command(app, "waypost stack verify --env prod")(looking.verify)
command(
    app,
    "waypost stack redrive shipment-updates-dlq --env dev",
    "waypost stack redrive shipment-stream-dlq --env dev --json",
)(looking.redrive)
command(
    app,
    "waypost stack price --per-day 1500",
    "waypost stack price --per-day 15000000 --retain 3 --against seed",
)(pricing.price)
command(app, "waypost stack destroy --env dev")(making.destroy)
