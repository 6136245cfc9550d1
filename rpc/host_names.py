"""The addresses behind the names of hosts, remembered while a name server fails."""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping, Sequence

import structlog

from rpc.addresses import HostAndPort, UnixSocket, read_peer_address

_log = structlog.get_logger("rpc.host_names")
_UNIX_HOST = "localhost"  # what the certificate of a peer on a unix socket must name


class HostNames:
    """Resolves the addresses of one service; for one event loop.

    A name that cannot be resolved keeps the addresses that it had. It is logged when that begins, when the reason
    changes, and when it ends.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        self._known: dict[str, frozenset[str]] = {}  # host -> IP addresses
        self._failures: dict[str, str] = {}  # host -> reason

    async def targets_of(self, addresses: Sequence[str]) -> Mapping[str, str]:
        """The gRPC targets of all ``addresses``, each with the host that the certificate of its process must name."""
        targets = await asyncio.gather(*(self._targets_of_one(address) for address in addresses))
        return {target: host for found in targets for target, host in found.items()}

    async def _targets_of_one(self, text: str) -> Mapping[str, str]:
        address = read_peer_address(text)
        if isinstance(address, UnixSocket):
            return {address.target: _UNIX_HOST}
        host = address.host
        return {HostAndPort(ip, address.port).target: host for ip in await self._ips_of(host)}

    async def _ips_of(self, host: str) -> frozenset[str]:
        if _is_ip(host):
            return frozenset({host})
        try:
            found = await _look_up(host)
        except (OSError, UnicodeError) as error:  # a name that no encoding of host names takes is a UnicodeError
            reason = str(getattr(error, "strerror", None) or error)
            if self._failures.get(host) != reason:
                self._failures[host] = reason
                kept = sorted(self._known.get(host, ()))
                _log.warning("host not resolved", service=self._service, host=host, reason=reason, kept=kept)
        else:
            self._known[host] = found
            if self._failures.pop(host, None):
                _log.info("host resolved again", service=self._service, host=host)
        return self._known.get(host, frozenset())


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


async def _look_up(host: str) -> frozenset[str]:
    """The IPv4 addresses of a name, or the IPv6 ones if there are no others; OSError, UnicodeError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    ipv4 = {str(address[0]) for family, *_, address in found if family == socket.AF_INET}
    return frozenset(ipv4 or {str(address[0]) for family, *_, address in found if family == socket.AF_INET6})
