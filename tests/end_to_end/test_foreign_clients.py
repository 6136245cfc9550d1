"""Clients that we did not write: they know the services by reflection alone."""

import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from tests.end_to_end.conftest import Running

BIN = Path(sys.executable).parent


def grpcurl(*arguments: str) -> str:
    done = subprocess.run(
        [BIN / "grpcurl", "-plaintext", *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("process", "service"),
    [
        ("gateway_grpc", "moodfeed.feed.v1.FeedService"),
        ("user_tower", "moodfeed.user_tower.v1.UserTowerService"),
        ("post_index", "moodfeed.post_index.v1.PostIndexService"),
    ],
)
def test_grpcurl_lists_each_service_and_finds_it_serving(three_processes: Running, process: str, service: str) -> None:
    assert_listed_and_serving(getattr(three_processes.addresses, process), service)


def test_grpcurl_lists_the_services_of_one_process_and_finds_them_serving(one_process: Running) -> None:
    for service in ("moodfeed.feed.v1.FeedService", "moodfeed.bundle.v1.BundleService"):
        assert_listed_and_serving(one_process.addresses.gateway_grpc, service)


def assert_listed_and_serving(address: str, service: str) -> None:
    assert {service, "grpc.health.v1.Health"} <= set(grpcurl(address, "list").split())
    for name in ("", service):
        health = grpcurl("-d", json.dumps({"service": name}), address, "grpc.health.v1.Health/Check")
        assert json.loads(health) == {"status": "SERVING"}


def test_grpcurl_fetches_a_feed(running: Running) -> None:
    request = json.dumps({"username": running.busiest_username(), "mood": "😂"})
    feed = json.loads(grpcurl("-d", request, running.addresses.gateway_grpc, "moodfeed.feed.v1.FeedService/GetFeed"))
    assert len(feed["posts"]) == 10
    assert feed["bundle_id"] == running.bundle.bundle_id


def test_the_output_of_encode_context_is_the_input_of_search_posts(three_processes: Running) -> None:
    request = json.dumps({"username": three_processes.busiest_username(), "mood": "calm"})
    context = json.loads(
        grpcurl(
            "-d", request, three_processes.addresses.user_tower, "moodfeed.user_tower.v1.UserTowerService/EncodeContext"
        )
    )
    search = {"user_embedding": context["user_embedding"], "mood_embedding": context["mood_embedding"], "limit": 3}
    found = json.loads(
        grpcurl(
            "-d",
            json.dumps(search),
            three_processes.addresses.post_index,
            "moodfeed.post_index.v1.PostIndexService/SearchPosts",
        )
    )
    assert len(found["posts"]) == 3
    assert found["ranking"] == "SEARCH_RANKING_MOOD_THEN_USER"


def test_buf_curl_fetches_the_categories(running: Running) -> None:
    done = subprocess.run(
        [
            *(BIN / "buf", "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", "{}"),
            f"http://{running.addresses.gateway_grpc}/moodfeed.feed.v1.FeedService/ListCategories",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    listed = {item["categoryId"]: item["postCount"] for item in json.loads(done.stdout)["categories"]}
    ids, counts = running.posts.category_ids, {}
    for category_id in ids[ids > 0].tolist():
        counts[category_id] = counts.get(category_id, 0) + 1
    assert listed == counts


def test_http_lists_the_same_categories(running: Running) -> None:
    listed = httpx.get(f"{running.http}/categories").json()["categories"]
    assert sum(item["post_count"] for item in listed) == int((running.posts.category_ids > 0).sum())
    assert {"category_id", "name", "post_count"} == set(listed[0])


def test_the_openapi_document_is_valid_and_names_every_path(running: Running) -> None:
    document = httpx.get(f"{running.http}/openapi.json").json()
    validate(document)
    people = {"/people/{username}", "/people/merge"}
    feeds = {"/feed", "/trending", "/categories", "/interactions"}
    posts = {"/posts/{post_id}", "/posts/{post_id}/similar", "/feeds", "/rules", "/rules/{name}"}
    assert set(document["paths"]) == feeds | people | posts | {"/healthz", "/readyz", "/metrics"}


def test_metrics_count_requests(running: Running) -> None:
    httpx.get(f"{running.http}/feed", params={"username": running.busiest_username()})
    metrics = httpx.get(f"{running.http}/metrics").text
    assert 'moodfeed_http_requests_total{code="200",path="/feed"}' in metrics


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("username=a&username=b", "username is given twice"),
        ("username=a&category_id=two", "category_id"),
        ("username=a&category_id=1.5", "category_id"),
        ("username=a&category_id=99999999999", "category_id"),
        ("username=a&page_size=many", "page_size"),
        ("username=a&exclude=1,99999999999999999999", "exclude"),
        ("username=a&colour=red", "colour"),
    ],
)
def test_a_query_that_makes_no_sense_is_400_and_names_the_parameter(running: Running, query: str, named: str) -> None:
    reply = httpx.get(f"{running.http}/feed?{query}")
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert (error["status"], error["reason"]) == ("INVALID_ARGUMENT", "PARAMETER_INVALID")
    assert named in error["message"]


def test_an_empty_category_id_counts_as_missing(running: Running) -> None:
    name = running.busiest_username()
    with_empty = httpx.get(f"{running.http}/feed", params={"username": name, "category_id": "", "mood": ""}).json()
    without = httpx.get(f"{running.http}/feed", params={"username": name}).json()
    assert with_empty.keys() == without.keys()
    of_each_answer_alone = {"feed_id", "next_page_token"}
    assert all(with_empty[field] == without[field] for field in without.keys() - of_each_answer_alone)


def test_an_unknown_path_and_a_wrong_method_answer_in_the_error_form(running: Running) -> None:
    assert httpx.get(f"{running.http}/nowhere").json()["error"]["code"] == 404
    assert httpx.post(f"{running.http}/feed").json()["error"]["code"] == 405


def test_readiness_and_liveness_are_200(running: Running) -> None:
    assert httpx.get(f"{running.http}/readyz").json() == {"status": "ready", "missing": [], "degraded": []}
    assert httpx.get(f"{running.http}/healthz").status_code == 200
