"""The standard AWS variables that reach a bucket, checked before the library that reads them sees them.

That library ends with a panic of sixty lines at an address without a scheme, or a key with a newline.
"""

import os
import re
from collections.abc import MutableMapping
from urllib.parse import urlsplit

_PREFIX = "AWS_"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")
_SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_PRINTABLE = re.compile(r"[!-~]+")
_REGION = re.compile(r"[A-Za-z0-9-]+")


class AwsVariableError(Exception):
    """A variable cannot be used: names it, and its value only where that is no secret."""


def tidy_aws_variables(environment: MutableMapping[str, str] = os.environ) -> None:
    """Take white space off both ends of each AWS variable, and remove those that are empty then.

    A key that was read from a file ends with a newline, and a template leaves an empty token, which no server accepts.
    """
    for name in [name for name in environment if name.startswith(_PREFIX)]:
        value = environment[name].strip()
        if not value:
            del environment[name]
        elif value != environment[name]:
            environment[name] = value


def endpoint_and_region() -> tuple[str | None, str]:
    """The address of a service other than Amazon's, if one is set, and the region; AwsVariableError names a wrong one.

    Of the credentials it checks that a request can carry them.
    """
    for name in _SECRETS:
        if not _PRINTABLE.fullmatch(os.environ.get(name, "-")):
            raise AwsVariableError(f"{name} has a space or another character that no credential has")
    endpoint_name = next((name for name in _ENDPOINTS if name in os.environ), None)
    region_name = next((name for name in _REGIONS if name in os.environ), None)
    if region_name and not _REGION.fullmatch(os.environ[region_name]):
        raise AwsVariableError(f"{region_name}={os.environ[region_name]!r} is not the name of a region")
    endpoint = os.environ[endpoint_name] if endpoint_name else None
    if endpoint is not None and (reason := _fault_of(endpoint)):
        raise AwsVariableError(f"{endpoint_name} {reason}: write http://HOST:PORT or https://HOST:PORT")
    return endpoint, os.environ[region_name] if region_name else "us-east-1"


def _fault_of(endpoint: str) -> str | None:
    """What is wrong with an address, which is repeated only if it cannot hold a password."""
    if "@" in endpoint:
        return "must not hold a user or a password"
    try:
        parts = urlsplit(endpoint)
        is_address = endpoint.startswith(("http://", "https://")) and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none, a bracket that is not closed
        is_address = False
    if not is_address or not _PRINTABLE.fullmatch(endpoint) or parts.query or parts.fragment:
        return f"is {endpoint!r}, which is not an address"
    return None
