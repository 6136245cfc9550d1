"""Run the cases of clients/conformance/cases.json through the installed Python client, and write what they gave.

    python run.py sync|async WORLD CASES OUTPUT

WORLD holds the gateways and the names that the cases use; the results are judged by tests/clients/test_conformance.py.
"""

import asyncio
import inspect
import json
import sys
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import cast

import moodfeed_client
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from moodfeed_client import AsyncMoodfeedClient, AsyncPages, MoodfeedClient, MoodfeedError, Pages, Retries, Tls
from moodfeed_client.contract import catalog_pb2, feed_pb2, feedback_pb2, rules_pb2

Json = dict[str, object]
Client = MoodfeedClient | AsyncMoodfeedClient

LONGEST_WAIT_SECONDS = 20.0  # for what a step waits for
REQUESTS: dict[str, type[Message]] = {
    "feed": feed_pb2.GetFeedRequest,
    "feed_pages": feed_pb2.GetFeedRequest,
    "feeds": feed_pb2.GetFeedsRequest,
    "similar": feed_pb2.GetSimilarPostsRequest,
    "similar_pages": feed_pb2.GetSimilarPostsRequest,
    "trending": feed_pb2.ListTrendingRequest,
    "trending_pages": feed_pb2.ListTrendingRequest,
    "categories": feed_pb2.ListCategoriesRequest,
    "record": feedback_pb2.Interaction,
    "record_interactions": feedback_pb2.RecordInteractionsRequest,
    "export_person": feedback_pb2.ExportPersonRequest,
    "delete_person": feedback_pb2.DeletePersonRequest,
    "merge_people": feedback_pb2.MergePeopleRequest,
    "upsert_posts": catalog_pb2.UpsertPostsRequest,
    "delete_posts": catalog_pb2.DeletePostsRequest,
    "posts": catalog_pb2.GetPostsRequest,
    "set_rule": rules_pb2.SetRuleRequest,
    "delete_rule": rules_pb2.DeleteRuleRequest,
    "rules": rules_pb2.ListRulesRequest,
}


def resolve(value: object, known: Json) -> object:
    """The value with each text ``$name.path`` replaced by what is known under it."""
    if isinstance(value, dict):
        return {key: resolve(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, known) for item in value]
    if isinstance(value, str) and value.startswith("$"):
        found: object = known
        for part in value[1:].split("."):
            found = found[int(part)] if isinstance(found, list) else cast("Json", found)[part]
        return found
    return value


def is_so(until: object, result: Json) -> bool:
    """Whether a result has the value that a step waits for: ``until`` is its path and the value."""
    if until is None:
        return True
    path, wanted = cast("list[str]", until)
    try:
        return resolve(f"${path}", result) == wanted
    except (KeyError, IndexError, TypeError):
        return False


def plain(answer: object) -> object:
    """An answer as JSON."""
    if isinstance(answer, Message):
        return MessageToDict(answer, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    if isinstance(answer, list):
        return [plain(item) for item in answer]
    return {"position": str(answer)}


def arguments_of(call: str, message: Message) -> tuple[list[object], Json]:
    """What the method is called with."""
    fields: Json = {field.name: value for field, value in message.ListFields()}
    if call == "set_rule":
        return [fields["rule"]], {}
    if call in {"feeds", "record_interactions", "upsert_posts"}:
        rows = {"feeds": "feeds", "record_interactions": "interactions", "upsert_posts": "posts"}[call]
        return [fields.pop(rows, [])], fields
    if call == "merge_people":
        return [fields.get("merged_username", ""), fields.get("into_username", "")], {}
    if call == "delete_rule":
        return [fields.get("name", "")], {}
    if call == "record":
        fields.setdefault("verb", 0)
    if "username" in message.DESCRIPTOR.fields_by_name and not call.startswith("similar"):
        fields.setdefault("username", "")
    return [], fields


def open_client(kind: str, gateway: Json, options: Json) -> Client:
    """A client of a gateway of the world."""
    tls = cast("dict[str, str] | None", gateway.get("tls"))
    make = MoodfeedClient if kind == "sync" else AsyncMoodfeedClient
    return make(
        str(gateway["grpc"]),
        token=cast("str | None", options.get("token", gateway.get("token"))),
        tls=Tls(**tls) if tls else None,
        timeout_seconds=cast("float", options.get("timeout_ms", 20_000)) / 1_000,
        retries=Retries(attempts=cast("int", options.get("attempts", 5))),
    )


class Runner:
    """Makes the calls of one case after the other."""

    def __init__(self, kind: str, world: Json) -> None:
        self._kind = kind
        self._world = world

    async def run(self, case: Json) -> list[Json]:
        """What each step gave."""
        known: Json = {**cast("Json", self._world["names"])}
        results = []
        for step in cast("list[Json]", case["steps"]):
            asked = cast("Json", resolve(step, known))
            gateway = cast("Json", cast("Json", self._world["gateways"])[str(asked.get("gateway", "open"))])
            started = time.monotonic()
            result = await self._step(asked, gateway)
            while not is_so(asked.get("until"), result) and time.monotonic() < started + LONGEST_WAIT_SECONDS:
                await asyncio.sleep(0.2)
                result = await self._step(asked, gateway)
            result["ms"] = round(1_000 * (time.monotonic() - started))
            results.append(result)
            if "save" in step:
                known[str(step["save"])] = result.get("ok")
        return results

    async def _step(self, step: Json, gateway: Json) -> Json:
        call = str(step["call"])
        client = open_client(self._kind, gateway, cast("Json", step.get("client", {})))
        try:
            message = ParseDict(cast("Json", step.get("with", {})), REQUESTS[call]())
            positional, named = arguments_of(call, message)
            if "restart" in step:
                named["restart"] = step["restart"]
            answer = getattr(client, call)(*positional, **named)
            if isinstance(answer, Pages | AsyncPages):
                return {"ok": await pages_of(answer, cast("float", step.get("pause_ms", 0)) / 1_000)}
            if inspect.isawaitable(answer):
                answer = await cast("Awaitable[object]", answer)
            return {"ok": plain(answer)}
        except MoodfeedError as error:
            return {"error": error_of(error)}
        finally:
            closed = client.close()
            if closed is not None:
                await closed


async def pages_of(pages: Pages[feed_pb2.GetFeedResponse] | AsyncPages[feed_pb2.GetFeedResponse], pause: float) -> Json:
    """All pages; ``pause`` seconds are waited after the first one."""
    found: list[list[str]] = []

    async def take(page: feed_pb2.GetFeedResponse) -> None:
        found.append([str(post.post_id) for post in page.posts])
        if len(found) == 1:
            await asyncio.sleep(pause)

    if isinstance(pages, Pages):
        for page in pages:
            await take(page)
    else:
        async for page in pages:
            await take(page)
    return {
        "page_sizes": [len(page) for page in found],
        "post_ids": [post_id for page in found for post_id in page],
        "restarts": pages.restarts,
        "next_page_token": pages.next_page_token,
    }


def error_of(error: MoodfeedError) -> Json:
    """An error as JSON, with the classes that it has, the nearest first."""
    classes = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, MoodfeedError)]
    if not set(classes) <= set(moodfeed_client.__all__):
        raise TypeError(f"a class of {classes} is not exported")
    return {
        "status": error.status,
        "reason": error.reason,
        "message": error.message,
        "classes": classes,
        "says_when": error.retry_after_seconds is not None,
    }


def main(kind: str, world: Path, cases: Path, output: Path) -> None:
    """Run all cases; the sync client runs outside of any event loop of its own."""
    runner = Runner(kind, json.loads(world.read_text(encoding="utf-8")))
    chosen: Iterable[Json] = json.loads(cases.read_text(encoding="utf-8"))

    async def run_all() -> Json:
        return {str(case["name"]): await runner.run(case) for case in chosen}

    output.write_text(json.dumps(asyncio.run(run_all())), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], *map(Path, sys.argv[2:5]))
