"""The functions' code in its bucket."""

from __future__ import annotations

from unittest.mock import Mock

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.support.aws import REGION, Refusing, aws_client
from tests.support.cloudformation import CloudFormation, Desk
from tests.support.deploying import BUCKET, MADE, change, deploy, request
from waypost.core.errors import NotFound
from waypost.stack import bundle, upload
from waypost.stack.errors import AwsFailed


def test_the_code_is_put_into_a_bucket_that_is_made_once() -> None:
    first, second = Desk(), Desk()

    deploy(CloudFormation(course=MADE[:], changes=[change("Add")]), first)
    deploy(CloudFormation(course=MADE[:], changes=[change("Add")]), second)

    stored = aws_client("s3").get_object(Bucket=BUCKET, Key=bundle.zip_key())["Body"].read()
    assert stored == bundle.zip_code()
    assert sum(BUCKET in line for line in first.said) == 2
    assert not any(BUCKET in line for line in second.said)


def test_other_code_under_the_key_of_ours_is_refused_and_left_as_evidence() -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    place = {"Bucket": "mine", "Key": bundle.zip_key()}
    s3.put_object(**place, Body=b"another's", ChecksumAlgorithm="SHA256")

    with pytest.raises(AwsFailed, match=r"s3://mine/waypost/\w+\.zip holds something else"):
        upload.upload(s3, "mine", "123456789012")

    assert s3.get_object(**place)["Body"].read() == b"another's"


@pytest.mark.parametrize("body", [b"another's", bundle.zip_code()])
def test_what_lies_there_without_a_sha_256_is_written_anew(body: bytes) -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    place = {"Bucket": "mine", "Key": bundle.zip_key()}
    s3.put_object(**place, Body=body)

    assert upload.upload(s3, "mine", "123456789012")

    assert s3.get_object(**place)["Body"].read() == bundle.zip_code()
    assert not upload.upload(s3, "mine", "123456789012")


def test_a_bucket_that_is_named_has_to_be_there() -> None:
    with pytest.raises(NotFound, match="no bucket mine"):
        deploy(CloudFormation(), bucket="mine")

    place = {"LocationConstraint": REGION}
    aws_client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration=place)
    cloud = CloudFormation(course=MADE[:], changes=[change("Add")])
    deploy(cloud, bucket="mine")
    assert "S3Bucket: mine" in request(cloud)["TemplateBody"]


def test_the_bucket_of_somebody_else_is_not_used() -> None:
    forbidden = ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")
    client = Mock(head_bucket=Mock(side_effect=forbidden))

    with pytest.raises(AwsFailed, match="another account has it"):
        upload.is_there(client, BUCKET, "123456789012")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1"])
def test_a_bucket_is_made_in_its_region(region: str) -> None:
    s3 = boto3.client("s3", region_name=region)

    upload.make(s3, "new", region)

    assert s3.get_bucket_location(Bucket="new")["LocationConstraint"] in {region, None}


@pytest.mark.parametrize("operation", ["HeadBucket", "HeadObject"])
def test_what_s3_refuses_otherwise_is_raised_on(operation: str) -> None:
    s3 = aws_client("s3")
    upload.make(s3, "mine", REGION)
    refusing = Refusing(s3, operation)

    refusing.start(400, "SlowDown")
    with pytest.raises(ClientError, match="SlowDown"):
        upload.upload(s3, "mine", "123456789012")
