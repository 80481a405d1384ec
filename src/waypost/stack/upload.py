"""Brings the functions' code to a bucket, from where CloudFormation takes it."""

from __future__ import annotations

import base64
import hashlib
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

    What lies there is taken for the code only by the SHA-256 that S3 computed of it: a key can
    be written to by anybody who may write to the bucket. What has no SHA-256 is written anew.

    Raises:
        NotFound: there is no such bucket.
        AwsFailed: something else lies there, so somebody else wrote it; nothing was changed.
    """
    if not is_there(client, bucket, account):
        raise NotFound(f"no bucket {bucket}: make it, or leave --bucket out")
    code = bundle.zip_code()
    place = {"Bucket": bucket, "Key": bundle.zip_key(), "ExpectedBucketOwner": account}
    digest = base64.b64encode(hashlib.sha256(code).digest()).decode()
    found = _stored_digest(client, place)
    if found == digest:
        return False
    if found is not None:
        raise AwsFailed(
            f"s3://{bucket}/{place['Key']} holds something else than this version's code: somebody "
            "else wrote it. Find out who may write there, delete it, and deploy again; or name "
            "another bucket with --bucket"
        )
    client.put_object(
        **place,
        Body=code,
        ContentType="application/zip",
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=digest,
    )
    return True


def _stored_digest(client: Any, place: dict[str, str]) -> str | None:
    """Return the SHA-256 of an object in base 64, None if there is no object or S3 knows none."""
    try:
        head = client.head_object(**place, ChecksumMode="ENABLED")
    except ClientError as error:
        if error_code(error) not in _MISSING:
            raise
        return None
    digest: str | None = head.get("ChecksumSHA256")
    return digest
