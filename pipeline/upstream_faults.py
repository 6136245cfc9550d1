"""Why the upstream API cannot be reached: the wrong setting, and the environment variable that holds it."""

import os
import socket
import ssl
from collections.abc import Iterator
from urllib.request import getproxies, proxy_bypass

import httpx

URL_VARIABLE = "MOODFEED_UPSTREAM_URL"
TOKEN_VARIABLE = "MOODFEED_FLIC_TOKEN"  # noqa: S105 - the name of a variable
CERTIFICATES_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
_NO_SUCH_HOST = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})


def wrong_setting(error: httpx.RequestError, url: httpx.URL, *, has_answered: bool, uses_proxy: bool = True) -> str:
    """The setting that made a request fail, and why; empty if a retry may succeed.

    If the address has answered before (``has_answered``), it is right, and the failure is taken to be temporary.
    """
    proxy = proxy_variable(url) if uses_proxy else ""
    if isinstance(error, httpx.ProxyError):
        return f"the proxy refuses the connection ({error}): set {proxy or 'HTTPS_PROXY'} or NO_PROXY"
    if isinstance(error, httpx.LocalProtocolError):
        return f"the Flic-Token cannot be sent ({error}): set {TOKEN_VARIABLE}"
    if isinstance(error, httpx.UnsupportedProtocol):
        return f"{error}: set {URL_VARIABLE} to an http(s) URL"
    return _fault_of_connection(error, url, proxy=proxy, has_answered=has_answered)


def cause_of(error: BaseException) -> str:
    """The message of the innermost cause that has one; the name of the class if none has."""
    words = [str(cause) for cause in _causes(error) if str(cause).strip()]
    return words[-1] if words else type(error).__name__


def proxy_variable(url: httpx.URL) -> str:
    """The name of the variable that sends requests for ``url`` through a proxy; empty if there is none."""
    if proxy_bypass(url.host):
        return ""
    proxies = getproxies()
    for kind in (url.scheme, "all"):
        if proxies.get(kind):
            names = (f"{kind}_proxy", f"{kind}_proxy".upper())
            return next((name for name in names if os.environ.get(name)), names[1])
    return ""


def certificates() -> ssl.SSLContext:
    """The authorities to trust: those of SSL_CERT_FILE or SSL_CERT_DIR, else certifi's; OSError names the variable."""
    try:
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one
        variable = next((name for name in CERTIFICATES_VARIABLES if os.environ.get(name)), CERTIFICATES_VARIABLES[0])
        raise OSError(f"{variable}={os.environ.get(variable, '')!r} cannot be read ({cause_of(error)})") from error


def _fault_of_connection(error: httpx.RequestError, url: httpx.URL, *, proxy: str, has_answered: bool) -> str:
    causes = tuple(_causes(error))
    way = f" through the proxy of {proxy}" if proxy else ""
    advice = f"check {URL_VARIABLE}" if not proxy else f"check {proxy} and {URL_VARIABLE}"
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"the certificate of {url.host} is not trusted ({cause.verify_message}): "
                f"set {CERTIFICATES_VARIABLES[0]} to the certificate of its authority, or correct {URL_VARIABLE}"
            )
        if isinstance(cause, ssl.SSLError) and not has_answered:
            reason = cause.reason or cause
            return f"{url.host} does not speak TLS ({reason}): check {URL_VARIABLE}, it may need http instead of https"
        if isinstance(cause, socket.gaierror) and (cause.errno in _NO_SUCH_HOST or proxy):
            return f"the host is not found{way} ({cause.strerror}): {advice}"
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and not has_answered:
        return f"nothing answers at {url.netloc.decode()}{way} ({cause_of(error)}): {advice}"
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
