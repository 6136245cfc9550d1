"""`python -I -S rpc/lean_probe.py HOST:PORT`: the same health check as rpc.probe, without importing gRPC.

A container's health is asked for again and again, each time by a new Python. Importing gRPC costs it half a second of
processor time, and this file some twelve milliseconds: one request of `grpc.health.v1.Health/Check` in the frames of
HTTP/2 (RFC 9113), over TLS where an authority is given. Nothing is decoded but the one message of the answer, and
whatever else comes back is not SERVING.
"""

import _socket  # what `socket` wraps: that module and its imports would take half of the time
import sys
import time

TYPE_CHECKING = False  # the module `typing` would take longer than everything else here
if TYPE_CHECKING:
    from collections.abc import Callable
    from ssl import SSLSocket

USAGE = """usage: lean_probe.py HOST:PORT [--service=NAME] [--timeout=SECONDS]
    [--authority=PEM [--certificate=PEM --key=PEM]]"""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SERVING = b"\x00\x00\x00\x00\x02\x08\x01"  # uncompressed, 2 bytes, HealthCheckResponse(status=SERVING)
DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0x0, 0x1, 0x3, 0x4, 0x7
END_STREAM, END_HEADERS, PADDED = 0x1, 0x4, 0x8
STREAM = 1
LONGEST_ANSWER = 64 * 1024
OPTIONS = ("service", "timeout", "authority", "certificate", "key")


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """A frame of HTTP/2."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def text(value: str) -> bytes:
    """A string of HPACK (RFC 7541), without Huffman's code; ValueError if it is too long for one byte of length."""
    encoded = value.encode()
    if len(encoded) > 126:
        raise ValueError(f"{value!r} is too long")
    return bytes([len(encoded)]) + encoded


def request(authority: str, service: str, *, is_secure: bool, seconds: float) -> bytes:
    """All bytes to send: the preface, empty settings, and one complete call."""
    named = b"\x0a" + text(service) if service else b""
    headers = (
        bytes([0x83, 0x87 if is_secure else 0x86])  # :method POST, :scheme
        + (b"\x04" + text("/grpc.health.v1.Health/Check"))  # :path
        + (b"\x01" + text(authority))  # :authority
        + (b"\x00" + text("te") + text("trailers"))
        + (b"\x00" + text("content-type") + text("application/grpc"))
        + (b"\x00" + text("grpc-timeout") + text(f"{round(seconds * 1_000)}m"))
    )
    message = b"\x00" + len(named).to_bytes(4, "big") + named
    return (
        PREFACE
        + frame(SETTINGS, 0, 0)
        + frame(HEADERS, END_HEADERS, STREAM, headers)
        + frame(DATA, END_STREAM, STREAM, message)
    )


def message_of(receive: "Callable[[int], bytes]") -> bytes:
    """The data of the response, up to the end of its stream; ConnectionError if the peer closes early."""
    message = received = b""
    while len(received) < LONGEST_ANSWER:
        more = receive(4096)
        if not more:
            raise ConnectionError("the peer closed the connection")
        received += more
        while len(received) >= 9 and len(received) >= (end := 9 + int.from_bytes(received[:3], "big")):
            kind, flags, stream = received[3], received[4], int.from_bytes(received[5:9], "big")
            payload, received = received[9:end], received[end:]
            if kind == GOAWAY or (kind == RST_STREAM and stream == STREAM):
                raise ConnectionError("the peer refused the call")
            if kind == DATA and stream == STREAM:
                message += payload[1 : len(payload) - payload[0]] if flags & PADDED else payload
            if kind in {DATA, HEADERS} and stream == STREAM and flags & END_STREAM:
                return message
    raise ConnectionError("the response is too long")


def is_serving(
    address: str, *, service: str = "", timeout_seconds: float = 2.0, pem: "dict[str, str] | None" = None
) -> bool:
    """Whether the health service at ``host:port`` answers SERVING; False after any error.

    ``pem`` names the files of TLS: ``authority``, and ``certificate`` and ``key`` if the server wants them.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    wire = _socket.socket(_socket.AF_INET6 if ":" in host else _socket.AF_INET, _socket.SOCK_STREAM)
    try:
        end = time.monotonic() + timeout_seconds
        wire.settimeout(timeout_seconds)
        wire.connect((host, int(port)))
        sent = request(address, service, is_secure=bool(pem), seconds=timeout_seconds)
        if not pem:
            wire.sendall(sent)
            return message_of(_until(end, wire)) == SERVING
        with _secured(wire, host, pem) as secured:
            secured.sendall(sent)
            return message_of(_until(end, secured)) == SERVING
    except (OSError, OverflowError, TypeError, ValueError, IndexError):  # the network, TLS, the address, or no gRPC
        return False
    finally:
        wire.close()


def _until(end: float, wire: "_socket.socket | SSLSocket") -> "Callable[[int], bytes]":
    """Receives until a time, however little comes at once; TimeoutError then."""

    def receive(most: int) -> bytes:
        seconds = end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        wire.settimeout(seconds)
        return wire.recv(most)

    return receive


def _secured(wire: "_socket.socket", host: str, pem: "dict[str, str]") -> "SSLSocket":
    """TLS over an open connection, which it takes over; OSError if the peer's certificate is not valid."""
    import socket  # noqa: PLC0415 - with ssl twenty milliseconds, only where they are needed
    import ssl  # noqa: PLC0415

    context = ssl.create_default_context(cafile=pem["authority"])
    context.set_alpn_protocols(["h2"])
    if "certificate" in pem:
        context.load_cert_chain(pem["certificate"], pem["key"])
    timeout = wire.gettimeout()
    owned = socket.socket(fileno=wire.detach())
    try:
        owned.settimeout(timeout)
        return context.wrap_socket(owned, server_hostname=host)
    except OSError:
        owned.close()
        raise


def _seconds(value: str) -> "float | None":
    """A time to wait, up to a day; None if the text is none."""
    try:
        seconds = float(value)
    except ValueError:
        return None
    return seconds if 0 < seconds <= 86_400 else None


def main(arguments: "list[str]") -> int:
    """Probe, and print the result in one word; 2 if the arguments are wrong."""
    address, *rest = arguments or [""]
    options = {name.removeprefix("--"): value for name, _, value in (item.partition("=") for item in rest)}
    pem: dict[str, str] = {name: options[name] for name in ("authority", "certificate", "key") if name in options}
    seconds = _seconds(options.get("timeout", "2"))
    if (
        not address.rpartition(":")[2].isdecimal()
        or seconds is None
        or not set(options) <= set(OPTIONS)
        or ("certificate" in pem) != ("key" in pem)
        or ("certificate" in pem and "authority" not in pem)
    ):
        print(USAGE, file=sys.stderr)
        return 2
    healthy = is_serving(address, service=options.get("service", ""), timeout_seconds=seconds, pem=pem)
    print("SERVING" if healthy else "NOT_SERVING")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
