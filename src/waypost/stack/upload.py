"""Brings the functions' code to a bucket, from where CloudFormation takes it."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from waypost.core.errors import NotFound
from waypost.stack import bundle
from waypost.stack.connection import error_code
from waypost.stack.errors import AwsFailed

_MISSING = frozenset({"404", "NoSuchBucket", "NoSuchKey", "NotFound"})


def default_bucket(account: str, region: str) -> str:
    """Return the name of the bucket that is made where none is named."""
    return f"waypost-{account}-{region}"


def is_there(client: Any, bucket: str, account: str) -> bool:
    """Tell whether an account has a bucket of this name.

    Raises:
        AwsFailed: somebody else has it.
    """
    try:
        client.head_bucket(Bucket=bucket, ExpectedBucketOwner=account)
    except ClientError as error:
        if error_code(error) in _MISSING:
            return False
        if error_code(error) == "403":
            raise AwsFailed(
                f"the bucket {bucket} is not to be used: another account has it, or you have no "
                "right to it; name another with --bucket"
            ) from error
        raise
    return True


def make(client: Any, bucket: str, region: str) -> None:
    """Make a bucket. S3 keeps new ones private and encrypted by itself."""
    if region == "us-east-1":  # S3 takes no other word for its first Region than none
        client.create_bucket(Bucket=bucket)
    else:
        client.create_bucket(
            Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region}
        )


def upload(client: Any, bucket: str, account: str) -> bool:
    """Put the code into a bucket under its own key; False if it is there already.

    Raises:
        NotFound: there is no such bucket.
    """
    if not is_there(client, bucket, account):
        raise NotFound(f"no bucket {bucket}: make it, or leave --bucket out")
    place = {"Bucket": bucket, "Key": bundle.zip_key(), "ExpectedBucketOwner": account}
    try:
        client.head_object(**place)
    except ClientError as error:
        if error_code(error) not in _MISSING:
            raise
    else:
        return False
    client.put_object(**place, Body=bundle.zip_code(), ContentType="application/zip")
    return True
