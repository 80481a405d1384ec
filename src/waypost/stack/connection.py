"""Where clients of AWS come from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from waypost.core.errors import InvalidSettings, Problem
from waypost.stack.errors import AwsFailed

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECT_SECONDS: Final = 5
"""How long a connection to AWS may take."""
READ_SECONDS: Final = 30
"""How long an answer may take."""
INVOKE_SECONDS: Final = 150
"""How long Lambda's may take: the slowest call waits for the sweep, which may take 120 s."""
ATTEMPTS: Final = 5
"""How often a call is tried, with botocore's pauses in between."""
NOT_KNOWN: Final = frozenset(
    {
        "InvalidAction",
        "NotImplemented",
        "UnknownOperation",
        "UnknownOperationException",
        "UnsupportedOperation",
    }
)
"""How something that stands in for AWS says that it does not know an operation."""
DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "AuthorizationErrorException",
        "UnauthorizedOperation",
    }
)
"""How AWS says that a right is missing."""


class Connection:
    """Makes clients of one account and one Region."""

    def __init__(
        self,
        profile: str | None = None,
        region: str | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        """Look the credentials up, once for all clients: a second code may be asked for.

        Args:
            profile: of the AWS configuration files; None for what the environment says.
            region: None for what the environment or the profile says.
            endpoint_url: what answers in place of AWS; None for AWS.
        """
        import boto3

        self._session = boto3.Session(profile_name=profile, region_name=region)
        self._endpoint_url = endpoint_url
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return the client of a service; its errors are those of botocore, see `aws_errors`."""
        if service not in self._clients:
            self._clients[service] = self._make(service)
        return self._clients[service]

    def _make(self, service: str) -> Any:
        from botocore.config import Config

        config = Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=INVOKE_SECONDS if service == "lambda" else READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # A bucket's name is no host's name where something stands in for AWS.
            s3={"addressing_style": "path"} if self._endpoint_url else None,
        )
        return self._session.client(service, endpoint_url=self._endpoint_url, config=config)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turn the errors of boto3 within into ours.

    Raises:
        InvalidSettings: no Region, no credentials, no such profile, no usable address.
        AwsFailed: AWS was not reached, or refused.
    """
    from botocore import exceptions as they

    try:
        yield
    except they.ClientError as error:
        said = error.response.get("Error", {})
        raise AwsFailed(
            f"AWS refused {error.operation_name}: {said.get('Code')}: {said.get('Message')}"
        ) from error
    except (
        they.NoRegionError,
        they.NoCredentialsError,
        they.PartialCredentialsError,
        they.ProfileNotFound,
        they.InvalidRegionError,
    ) as error:
        raise InvalidSettings([Problem("", f"{error} (see --profile and --region)")]) from error
    except they.BotoCoreError as error:
        raise AwsFailed(f"AWS cannot be used: {error}") from error
    except ValueError as error:
        if "endpoint" not in str(error):
            raise
        raise InvalidSettings([Problem("--endpoint-url", str(error))]) from error


def error_code(error: Exception) -> str:
    """Return what AWS calls an error of botocore; empty if it came from elsewhere."""
    response: dict[str, Any] = getattr(error, "response", {})
    code: str = response.get("Error", {}).get("Code", "")
    return code
