"""What the HTTP edge logs of an error that nobody expects."""

import json
import subprocess
import sys

PROGRAM = """
from httpx import ASGITransport, AsyncClient
import asyncio
from gateway.api_access import ApiAccess
from gateway.http_api import build_app
from gateway.settings import Settings
from rpc.admin_access import AdminAccess
from rpc.admission import InFlight
from rpc.structured_log import configure_logging

configure_logging("gateway", level="info")

class Failing:
    def __getattr__(self, name):
        async def fail(*arguments, **named):
            told = (arguments, named)
            raise RuntimeError(f"cannot answer {told}")
        return fail

class Ready:
    missing = degraded = ()

app = build_app(
    encoder=Failing(),
    index=Failing(),
    recorder=Failing(),
    people=Failing(),
    posts=Failing(),
    rules=Failing(),
    readiness=Ready(),
    access=ApiAccess.of(Settings()),
    guard=Settings().browser_guard(),
    admin=AdminAccess(None),
    admin_guard=Settings().admin_guard(),
    in_flight=InFlight(1),
    recordings=InFlight(1),
    deadline_seconds=5,
)

async def main():
    async with AsyncClient(transport=ASGITransport(app), base_url="http://gateway") as client:
        reply = await client.get("/feed", params={"username": "secret ana", "mood": "secretly sad"})
        print(reply.status_code)
        reply = await client.delete("/people/secret%20ana")
        print(reply.status_code)

asyncio.run(main())
"""


def test_an_unexpected_error_over_http_logs_neither_username_nor_mood() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, encoding="utf-8", timeout=120, check=False
    )
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.stdout.split() == ["500", "500"]
    assert [line["event"] for line in lines] == ["unexpected error", "unexpected error"]
    for line in lines:
        assert any(place.endswith(" fail") for place in line["exception"][0]["places"])
    assert "secret" not in done.stderr
