"""Requests whose end is ambiguous, through a raw socket: refused, or answered on a connection that closes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.test_http_connection import Name, answers, body_of, get, serving

HEAD = b"POST /a HTTP/1.1\r\nhost: x\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"
SMUGGLED = get(b"/smuggled")


@pytest.fixture(scope="module")
def name() -> "Name":
    with serving() as found:
        yield found


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(HEAD + b"content-length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n", id="length and chunks"),
        pytest.param(HEAD + CHUNKED + b"content-length: 5\r\n\r\n0\r\n\r\n", id="chunks and length"),
        pytest.param(HEAD + b"content-length: 0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", id="length of zero and chunks"),
        pytest.param(HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", id="two lengths"),
        pytest.param(HEAD + b"content-length: 1, 2\r\n\r\nab", id="two lengths in one"),
        *(
            pytest.param(HEAD + b"content-length: %b\r\n\r\na" % length, id=f"length {length!r}")
            for length in (b"+1", b"-1", b"1_0", b"0x1", b"1 1", b"", b"9" * 30)
        ),
        pytest.param(HEAD + b"content-length : 1\r\n\r\na", id="a space before the colon"),
        *(
            pytest.param(HEAD + b"transfer-encoding: %b\r\n\r\n0\r\n\r\n" % coding, id=f"coding {coding!r}")
            for coding in (b"identity", b"gzip, chunked", b"xchunked", b"\x0bchunked", b"chunked, chunked")
        ),
        pytest.param(HEAD + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n", id="chunked twice"),
        pytest.param(HEAD.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n0\r\n\r\n", id="chunks in HTTP/1.0"),
        pytest.param(HEAD + b"x: a\r\n b\r\n\r\n", id="a folded header"),
        pytest.param(HEAD + b"transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n", id="a folded coding"),
        pytest.param(HEAD + b"x: y\n\tz\n\n", id="a header folded by a tab"),
        pytest.param(HEAD + b"x: a\rb\r\n\r\n", id="a bare carriage return"),
        pytest.param(HEAD + b"x: a\r\rcontent-length: 5\r\n\r\n", id="a header after bare carriage returns"),
        pytest.param(HEAD + b"x: a\0b\r\n\r\n", id="NUL"),
        pytest.param(HEAD + b"host: y\r\n\r\n", id="two hosts"),
        pytest.param(HEAD + b": y\r\n\r\n", id="no name"),
        pytest.param(HEAD + b"a b: y\r\n\r\n", id="a space in a name"),
        pytest.param(HEAD.replace(b"1.1", b"2.0") + b"\r\n", id="HTTP/2.0"),
        pytest.param(b"CONNECT x:80 HTTP/1.1\r\nhost: x\r\n\r\n", id="CONNECT"),
        pytest.param(HEAD + CHUNKED + b"\r\n1\r\naXX0\r\n\r\n", id="a chunk without its end"),
        pytest.param(HEAD + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n", id="a chunk of 0x1 bytes"),
        pytest.param(HEAD + CHUNKED + b"\r\n1;a\nb\r\na\r\n0\r\n\r\n", id="a line feed in a chunk's extension"),
    ],
)
def test_an_ambiguous_request_is_refused_and_what_follows_it_is_not_read(name: "Name", sent: bytes) -> None:
    answer = answers(name, sent + SMUGGLED)  # until the gateway closes the connection
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert body_of(answer)["error"]["reason"] == "REQUEST_MALFORMED"


@pytest.mark.parametrize(
    "sent",
    [
        get(b"/a", closes=False),
        HEAD + b"content-length: 1\r\n\r\na",
        HEAD + b"content-length: 1\r\ncontent-length: 1\r\n\r\na",
        HEAD + CHUNKED + b"\r\n1;a=b\r\na\r\n0\r\nx: y\r\n\r\n",
        HEAD + b"x: a\r\n\r\n",
    ],
)
def test_a_request_with_one_end_keeps_the_connection(name: "Name", sent: bytes) -> None:
    answer = answers(name, sent + get(b"/second"))
    assert answer.count(b"HTTP/1.1 200 ") == 2
    assert b"/second" in answer


FRAMING = st.lists(
    st.sampled_from([b"content-length: 0", b"content-length: 3", b"content-length: 03", b"transfer-encoding: chunked",
                     b"Transfer-Encoding: CHUNKED", b"content-length: 3, 3", b"x: y", b" z", b"x: \r"]),
    max_size=4,
)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(FRAMING)
def test_no_framing_lets_a_body_pass_for_a_request(name: "Name", framing: list[bytes]) -> None:
    """A proxy that finds the end by any one of the headers finds the end that the gateway finds, or the last answer."""
    sent = HEAD + b"".join(line + b"\r\n" for line in framing) + b"\r\n0\r\n\r\n" + SMUGGLED
    answer = answers(name, sent)
    lengths = {line.lower().split(b":")[0] for line in framing if line.lower().startswith((b"content-l", b"transfer"))}
    if len(lengths) == 2:
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.startswith(b"HTTP/1.1 400 ")
