"""The one-process mode answers odd requests in the documented form, and goes on serving."""

import itertools
from pathlib import Path
from urllib.parse import quote

import grpc
import httpx
import pytest

from tests.embedded.test_one_process import bundles, feed_of, running

ACCEPTED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.FAILED_PRECONDITION,
    grpc.StatusCode.RESOURCE_EXHAUSTED,  # a message above 64 KiB
}
TEXTS = ("", " ", "\x00", "a\x00b", "\n", "\u202e", "\U0001f602" * 3_000, "x" * 100_000, "user1")
NUMBERS = (-(2**31), -1, 0, 1, 10**6, 2**31 - 1)
__all__ = ["bundles"]


def requests() -> "list[dict[str, object]]":
    odd: list[dict[str, object]] = [
        {name: text} for name in ("username", "mood", "page_token", "required_bundle_id") for text in TEXTS
    ]
    odd += [{"username": "user1", name: number} for name in ("category_id", "page_size") for number in NUMBERS]
    odd += [{"username": "user1", "mood": text, "page_token": text} for text in TEXTS]
    odd += [{"username": "user1", "exclude_post_ids": ids} for ids in ([-1], [2**63 - 1, -(2**63)], [1] * 200_000)]
    odd += [{"username": "user1", "exclude_external_ids": [text] * 3} for text in TEXTS]
    return odd


def _code(channel: grpc.Channel, fields: "dict[str, object]") -> grpc.StatusCode:
    try:
        feed_of(channel, **fields)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_odd_requests_are_answered_and_nothing_breaks(bundles: Path, tmp_path: Path) -> None:
    with running(bundles, tmp_path) as (addresses, _):
        with grpc.insecure_channel(addresses.gateway_grpc) as channel:
            for fields in requests():
                assert _code(channel, fields) in ACCEPTED, str(fields)[:200]
            call = channel.unary_unary("/moodfeed.feed.v1.FeedService/GetFeed")
            for lone in (b"\xed\xa0\x80", b"\xff", b"\xed\xb0\x80"):
                with pytest.raises(grpc.RpcError) as raised:
                    call(b"\x0a" + bytes([len(lone)]) + lone, timeout=20)
                assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT, raised.value.details()
            assert feed_of(channel, username="user1").posts
        with httpx.Client(base_url=f"http://{addresses.gateway_http}", trust_env=False, timeout=20) as client:
            values = [*(quote(text[:2_000]) for text in TEXTS), "%ED%A0%80", "%FF", "-1", str(10**30), "1e9", "%00"]
            names = ("username", "mood", "category_id", "page_size", "page_token", "exclude", "ids", "nonsense")
            for name, value in itertools.product(names, values):
                answer = client.get(f"/feed?username=user1&{name}={value}")
                assert answer.status_code < 500, (name, value[:50], answer.text[:200])
                assert answer.status_code == 200 or answer.json()["error"]["reason"], (name, value[:50])
            assert client.get("/feed?username=user1").json()["posts"]
    log = "".join(path.read_text(encoding="utf-8") for path in tmp_path.glob("*.log"))
    assert "Traceback" not in log
