"""What CloudFormation needs to make a stack's resources, by AWS's own schemas of their types."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import cfnlint

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMAS: Final = Path(cfnlint.__file__).parent / "data" / "schemas" / "resources"
_TYPE_NAME: Final = re.compile(r'"typeName":\s*"([^"]+)"')
_OF_NO_USE: Final = re.compile(
    r"(ec2|elasticfilesystem|firehose|kinesis|kms|s3|s3files):.*"
    r"|dynamodb:(AssociateTableReplica|CreateTableReplica|ImportTable|DescribeImport)"
    r"|dynamodb:(BatchWriteItem|DeleteItem|GetItem|PutItem|Query|Scan|UpdateItem)"
    r"|dynamodb:\w+(ResourcePolicy|KinesisStreamingDestination)|dynamodb:UpdateContributorInsights"
    r"|dynamodb:DeleteTable"
    r"|iam:(Attach|Detach)RolePolicy|iam:CreateServiceLinkedRole|iam:\w+PermissionsBoundary"
    r"|lambda:(Delete|Put)Function(CodeSigning|Concurrency|Recursion|Scaling)\w*"
    r"|lambda:(AssociateRuntimeAlias|GetLayerVersion|PassCapacityProvider|PublishVersion)"
    r"|lambda:PutRuntimeManagementConfig"
    r"|logs:\w+(KmsKey|LogDelivery|DataProtectionPolicy|IndexPolicy|ResourcePolicy)"
    r"|logs:(CreateLogStream|DescribeLogStreams|DescribeResourcePolicies|DescribeIndexPolicies)"
    r"|logs:(PutBearerTokenAuthentication|PutLogEvents|PutLogGroupDeletionProtection)"
    r"|sns:(Get|Put)DataProtectionPolicy"
)
"""Features that the template does not use (keys, networks, replicas, imports ...), data, and the
deletion of tables, which no deployment is to do."""


def needed(template: dict[str, Any]) -> set[str]:
    """Return the actions that whoever deploys a template has to be allowed."""
    types = {resource["Type"] for resource in template["Resources"].values()}
    found = {action for schema in _schemas(types) for action in _actions(schema)}
    return {action for action in found if not _OF_NO_USE.fullmatch(action)}


def _schemas(types: set[str]) -> Iterator[dict[str, Any]]:
    for path in _SCHEMAS.glob("*.json"):
        text = path.read_text(encoding="utf-8")
        if any(name in types for name in _TYPE_NAME.findall(text)):
            schema = json.loads(text)
            if schema["typeName"] in types:
                yield schema


def _actions(schema: dict[str, Any]) -> Iterator[str]:
    for name, handler in schema["handlers"].items():
        if name != "list":
            yield from handler.get("permissions", ())
