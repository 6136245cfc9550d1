"""Write the Grafana dashboards, deploy/observability/dashboards/*.json, from the tables below.

    python -m scripts.write_dashboards

A test compares the files with the tables, and another runs every query on a real Prometheus.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "deploy" / "observability" / "dashboards"
_COLUMNS, _WIDTH, _HEIGHT = 24, 8, 8

Query = tuple[str, str]
"""PromQL, and the legend of its series."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One graph; ``unit`` is a Grafana unit, ``what`` is its description."""

    title: str
    unit: str
    what: str
    queries: Sequence[Query]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable of a dashboard; the first value is the default."""

    name: str
    label: str
    values: Sequence[str]


@dataclass(frozen=True, slots=True)
class Dashboard:
    """Panels by the title of their row."""

    uid: str
    title: str
    rows: Mapping[str, Sequence[Panel]]
    choices: Sequence[Choice] = ()


def rate(metric: str, by: str = "", window: str = "$__rate_interval") -> str:
    """The rate of a counter, summed."""
    return f"sum{f' by ({by})' if by else ''} (rate({metric}[{window}]))"


def quantile(share: float, histogram: str, where: str = "", by: str = "") -> str:
    """A quantile of a histogram over all series, or of each value of a label."""
    return f"histogram_quantile({share:g}, {rate(f'{histogram}_bucket{where}', f'le, {by}' if by else 'le')})"


def quantiles(histogram: str, where: str = "") -> list[Query]:
    """The 50th, 95th and 99th percentile."""
    return [(quantile(share, histogram, where), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)]


def share(verb: str, by: str) -> str:
    """Interactions of some verbs per shown post, by place or bundle."""
    told = rate(f'moodfeed_recorded_interactions_total{{verb=~"{verb}",bundle!="none",place!="none"}}', by, "$window")
    return f"{told} / {rate('moodfeed_shown_posts_total', by, '$window')}"


_STAGES = '{job!="gateway",method=~"EncodeContexts?|SearchPosts|RememberServed|RecordInteractions"}'
_SHOWN = rate("moodfeed_shown_posts_total", window="$window")
_NAMED = 'moodfeed_recorded_interactions_total{bundle!="none"}'
_BEFORE = "moodfeed_shown_post_shows_before"

SERVING = Dashboard(
    "moodfeed-serving",
    "Moodfeed: serving",
    {
        "Traffic": [
            Panel(
                "gRPC requests",
                "reqps",
                "gRPC requests to the gateways, by method.",
                [(rate('moodfeed_rpc_requests_total{job="gateway"}', "method"), "{{method}}")],
            ),
            Panel(
                "HTTP requests",
                "reqps",
                "HTTP requests to the gateways, by path.",
                [(rate("moodfeed_http_requests_total", "path"), "{{path}}")],
            ),
            Panel(
                "Errors",
                "reqps",
                "Error responses of the gateways. INVALID_ARGUMENT, NOT_FOUND and 4xx are client errors.",
                [
                    (rate('moodfeed_rpc_requests_total{job="gateway",code!="OK"}', "code"), "gRPC {{code}}"),
                    (rate('moodfeed_http_requests_total{code=~"[45].."}', "code"), "HTTP {{code}}"),
                ],
            ),
            Panel(
                "In flight",
                "short",
                "Requests in progress, including those that wait for a thread.",
                [("sum by (job) (moodfeed_requests_in_flight)", "{{job}}")],
            ),
            Panel(
                "Refused",
                "reqps",
                "Requests refused because of overload, and API calls by the outcome of their token check.",
                [
                    (f"{rate('moodfeed_requests_refused_total')} or vector(0)", "refused"),
                    (f"{rate('moodfeed_api_calls_total', 'outcome')} or vector(0)", "token {{outcome}}"),
                ],
            ),
            Panel("Processes up", "short", "Processes that Prometheus can scrape.", [("sum by (job) (up)", "{{job}}")]),
        ],
        "Latency by stage": [
            Panel(
                "GetFeed",
                "s",
                "Latency of GetFeed in the gateway.",
                quantiles("moodfeed_rpc_duration_seconds", '{job="gateway",method="GetFeed"}'),
            ),
            Panel(
                "HTTP, 99th percentile",
                "s",
                "Latency of HTTP requests in the gateway, by path.",
                [(quantile(0.99, "moodfeed_http_duration_seconds", by="path"), "{{path}}")],
            ),
            Panel(
                "Stages, 99th percentile",
                "s",
                "Latency in the services behind the gateway: embedding, search, store.",
                [(quantile(0.99, "moodfeed_rpc_duration_seconds", _STAGES, "method"), "{{method}}")],
            ),
            Panel(
                "Stages, mean",
                "s",
                "Mean latency in the services behind the gateway.",
                [
                    (
                        (
                            f"{rate(f'moodfeed_rpc_duration_seconds_sum{_STAGES}', 'method')} / "
                            f"{rate(f'moodfeed_rpc_duration_seconds_count{_STAGES}', 'method')}"
                        ),
                        "{{method}}",
                    )
                ],
            ),
            Panel(
                "Context cache hits",
                "percentunit",
                "Share of requests whose user and mood embeddings the gateway had cached.",
                [
                    (
                        rate('moodfeed_context_cache_lookups_total{found="yes"}')
                        + f" / {rate('moodfeed_context_cache_lookups_total')}",
                        "hits",
                    )
                ],
            ),
        ],
        "Degradations": [
            Panel(
                "Degraded feeds",
                "reqps",
                "Feeds that left something out because a service was unavailable, by reason.",
                [(rate("moodfeed_feed_degradations_total", "reason"), "{{reason}}")],
            ),
            Panel(
                "Healthy replicas",
                "short",
                "Healthy replicas of each service; the minimum over all gateways.",
                [("min by (service) (moodfeed_downstream_replicas_well)", "{{service}}")],
            ),
            Panel(
                "Retries",
                "reqps",
                "Retries by cause, and retries refused because the retry budget was exhausted.",
                [
                    (f"{rate('moodfeed_downstream_retries_total', 'cause')} or vector(0)", "{{cause}}"),
                    (f"{rate('moodfeed_downstream_retries_refused_total')} or vector(0)", "refused"),
                ],
            ),
            Panel(
                "Failed Milvus searches",
                "reqps",
                "Searches that Milvus did not answer; 0 with the engine `faiss`.",
                [(f"{rate('moodfeed_index_milvus_failures_total')} or vector(0)", "failed")],
            ),
        ],
        "Processes": [
            Panel(
                "Memory",
                "bytes",
                "Resident memory of the replica that uses most.",
                [("max by (job) (process_resident_memory_bytes)", "{{job}}")],
            ),
            Panel("CPU", "short", "CPU cores in use.", [(rate("process_cpu_seconds_total", "job"), "{{job}}")]),
            Panel(
                "Uptime",
                "s",
                "Uptime of the replica that started last; it drops when a replica restarts.",
                [("min by (job) (time() - process_start_time_seconds)", "{{job}}")],
            ),
            Panel(
                "Trace spans",
                "cps",
                "Trace spans sent and lost; 0 if tracing is off.",
                [(f"{rate('moodfeed_trace_spans_total', 'outcome')} or vector(0)", "{{outcome}}")],
            ),
        ],
    },
)

FRESHNESS = Dashboard(
    "moodfeed-freshness",
    "Moodfeed: freshness and bundles",
    {
        "Freshness": [
            Panel(
                "Interaction freshness",
                "s",
                "Upper bound of the time from writing an interaction until embeddings and trends include it.",
                [
                    (quantile(share, "moodfeed_log_entry_visible_seconds", '{kind="interaction"}', "job"), name)
                    for share, name in ((0.5, "{{job}} p50"), (0.99, "{{job}} p99"))
                ],
            ),
            Panel(
                "New post freshness",
                "s",
                "Upper bound of the time from writing a post until searches find it.",
                quantiles("moodfeed_post_visible_seconds"),
            ),
            Panel(
                "Log entries, 99th percentile",
                "s",
                "Upper bound of the time from writing a log entry until it takes effect, by kind of entry.",
                [(quantile(0.99, "moodfeed_log_entry_visible_seconds", by="kind"), "{{kind}}")],
            ),
            Panel(
                "Post encoding time",
                "s",
                "Time from reading a post until its embeddings are in the store.",
                quantiles("moodfeed_live_post_encoding_seconds"),
            ),
            Panel(
                "Posts pending",
                "short",
                "Posts without embeddings, which are not searchable yet.",
                [
                    ("max(moodfeed_index_pending_posts)", "current bundle"),
                    ("max(moodfeed_live_posts_pending)", "all held bundles"),
                ],
            ),
            Panel(
                "Posts encoded",
                "cps",
                "Posts encoded, and failed attempts.",
                [
                    (rate("moodfeed_live_posts_encoded_total"), "encoded"),
                    (rate("moodfeed_live_post_encoding_failures_total"), "failed"),
                ],
            ),
        ],
        "The log": [
            Panel(
                "Log position",
                "short",
                "Log position of the slowest replica of each service; diverging lines mean that a service is behind.",
                [("min by (job) (moodfeed_log_position)", "{{job}}")],
            ),
            Panel(
                "Failed log reads",
                "cps",
                "Failed reads of the store's log. Feeds continue with the entries that were read before.",
                [(rate("moodfeed_log_read_failures_total", "job"), "{{job}}")],
            ),
            Panel(
                "Searches behind own writes",
                "cps",
                "Searches that did not include the newest change of posts or rules made through their gateway.",
                [(rate("moodfeed_searches_behind_total"), "searches")],
            ),
            Panel(
                "Live users",
                "short",
                "Users with interactions since the bundle was made.",
                [("max(moodfeed_live_people)", "users")],
            ),
        ],
        "Bundles": [
            Panel(
                "Age of the current bundle",
                "s",
                "Time since the current bundle was made.",
                [("max by (job) (time() - (moodfeed_bundle_made_timestamp_seconds > 0))", "{{job}}")],
            ),
            Panel(
                "Swaps and refusals",
                "short",
                "Bundles that became current and bundles refused, since each process started.",
                [
                    ("sum by (job) (moodfeed_bundle_swaps_total)", "{{job}} current"),
                    ("sum by (job) (moodfeed_bundle_refusals_total)", "{{job}} refused"),
                ],
            ),
            Panel(
                "Bundle load time",
                "s",
                "Mean time to read, verify and warm up a bundle, since each process started.",
                [
                    (
                        (
                            "sum by (job) (moodfeed_bundle_load_seconds_sum) "
                            "/ sum by (job) (moodfeed_bundle_load_seconds_count)"
                        ),
                        "{{job}}",
                    )
                ],
            ),
            Panel(
                "Bundles held",
                "short",
                "Number of replicas that hold each bundle.",
                [("count by (job, role, bundle_id) (moodfeed_bundle_held)", "{{job}} {{role}} {{bundle_id}}")],
            ),
            Panel(
                "Recall",
                "percentunit",
                "Recall@10 of searches over all categories of the current bundle; the minimum over all replicas.",
                [("min(moodfeed_index_recall)", "recall@10")],
            ),
            Panel(
                "Servable posts",
                "short",
                "Posts of the current bundle and live posts that feeds may show.",
                [("max(moodfeed_index_servable_posts)", "posts")],
            ),
        ],
    },
)

QUALITY = Dashboard(
    "moodfeed-quality",
    "Moodfeed: online quality",
    {
        "Interactions with shown posts": [
            Panel(
                "Interactions per shown post",
                "percentunit",
                "Interactions that name a feed, divided by shown posts, by verb.",
                [
                    (
                        f"{rate(_NAMED, 'verb', '$window')} / ignoring(verb) group_left () {_SHOWN}",
                        "{{verb}}",
                    )
                ],
            ),
            Panel(
                "By place",
                "percentunit",
                "The same for the chosen verb, by place.",
                [(share("$verb", "place"), "{{place}}")],
            ),
            Panel(
                "By bundle",
                "percentunit",
                "The same for the chosen verb, by bundle.",
                [(share("$verb", "bundle"), "{{bundle}}")],
            ),
            Panel(
                "By category",
                "percentunit",
                "The same by category, estimated from sampled pages; it includes interactions without a place.",
                [
                    (
                        rate('moodfeed_recorded_interactions_by_category_total{verb=~"$verb"}', "category", "$window")
                        + " / "
                        + rate("moodfeed_shown_posts_by_category_total", "category", "$window"),
                        "category {{category}}",
                    )
                ],
            ),
            Panel(
                "Attributed interactions",
                "percentunit",
                "Share of interactions that name a feed, and share that also name a place.",
                [
                    (
                        (
                            f"{rate(_NAMED, window='$window')} / "
                            f"{rate('moodfeed_recorded_interactions_total', window='$window')}"
                        ),
                        "feed",
                    ),
                    (
                        rate('moodfeed_recorded_interactions_total{bundle!="none",place!="none"}', window="$window")
                        + f" / {rate('moodfeed_recorded_interactions_total', window='$window')}",
                        "feed and place",
                    ),
                ],
            ),
        ],
        "Shown posts": [
            Panel(
                "Posts by bundle",
                "cps",
                "Shown posts, by bundle.",
                [(rate("moodfeed_shown_posts_total", "bundle"), "{{bundle}}")],
            ),
            Panel(
                "Posts by place",
                "cps",
                "Shown posts, by place.",
                [(rate("moodfeed_shown_posts_total", "place"), "{{place}}")],
            ),
            Panel(
                "Posts by category",
                "cps",
                "Shown posts by category, estimated from sampled pages.",
                [(rate("moodfeed_shown_posts_by_category_total", "category"), "category {{category}}")],
            ),
            Panel(
                "Coverage",
                "percentunit",
                "Share of servable posts that one gateway showed in the last 12 to 24 hours.",
                [("max(moodfeed_shown_different_posts) / max(moodfeed_index_servable_posts)", "coverage")],
            ),
            Panel(
                "Novelty",
                "percentunit",
                "Share of shown posts that the gateway had not shown in the 12 to 24 hours before.",
                [
                    (
                        rate(f'{_BEFORE}_bucket{{le="0.0"}}', window="$window")
                        + f" / {rate(f'{_BEFORE}_count', window='$window')}",
                        "new",
                    )
                ],
            ),
            Panel(
                "Previous shows",
                "short",
                "How often the gateway had shown a post in the 12 to 24 hours before.",
                [
                    (
                        f"histogram_quantile({share:g}, {rate(f'{_BEFORE}_bucket', 'le', '$window')})",
                        f"p{share * 100:g}",
                    )
                    for share in (0.5, 0.9)
                ],
            ),
            Panel(
                "Explored posts",
                "cps",
                "New posts shown by exploration.",
                [(rate("moodfeed_explored_posts_total"), "posts")],
            ),
        ],
    },
    choices=[
        Choice("window", "Window", ["1h", "5m", "6h", "1d", "7d"]),
        Choice("verb", "Verb", ["LIKE", "INSPIRE", "RATING", "SKIP", "NOT_INTERESTED", "VIEW", "LIKE|INSPIRE|RATING"]),
    ],
)

DASHBOARDS = (SERVING, FRESHNESS, QUALITY)
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def document(dashboard: Dashboard) -> dict[str, object]:
    """The dashboard in Grafana's JSON model."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "tags": ["moodfeed"],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                *map(_choice, dashboard.choices),
            ]
        },
        "panels": list(_panels(dashboard)),
    }


def _choice(choice: Choice) -> dict[str, object]:
    options = [{"text": value, "value": value, "selected": value == choice.values[0]} for value in choice.values]
    return {
        "name": choice.name,
        "label": choice.label,
        "type": "custom",
        "query": ",".join(choice.values),
        "current": options[0],
        "options": options,
    }


def _panels(dashboard: Dashboard) -> Iterator[dict[str, object]]:
    number, top = 0, 0
    for title, panels in dashboard.rows.items():
        number += 1
        place = {"x": 0, "y": top, "w": _COLUMNS, "h": 1}
        yield {"id": number, "type": "row", "title": title, "collapsed": False, "gridPos": place, "panels": []}
        top += 1
        for index, panel in enumerate(panels):
            number += 1
            row, column = divmod(index, _COLUMNS // _WIDTH)
            yield _panel(number, panel, {"x": column * _WIDTH, "y": top + row * _HEIGHT, "w": _WIDTH, "h": _HEIGHT})
        top += -(-len(panels) // (_COLUMNS // _WIDTH)) * _HEIGHT


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, object]:
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.what,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi"}},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for index, (expression, legend) in enumerate(panel.queries)
        ],
    }


def written(dashboard: Dashboard) -> str:
    """The content of a dashboard's file."""
    return json.dumps(document(dashboard), indent=2) + "\n"


def main() -> None:
    """Write all dashboards."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        (DIRECTORY / f"{dashboard.uid}.json").write_text(written(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
