"""Write the dashboards of Grafana, deploy/observability/dashboards/*.json, from the tables below.

    python -m scripts.write_dashboards

A test holds the files equal to the tables, and asks a real Prometheus every query.
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
    """One graph; ``unit`` is a unit of Grafana, ``what`` is shown at its corner."""

    title: str
    unit: str
    what: str
    queries: Sequence[Query]


@dataclass(frozen=True, slots=True)
class Choice:
    """A variable of a dashboard: the first value is the one that it begins with."""

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
    """Three of them."""
    return [(quantile(share, histogram, where), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)]


def share(verb: str, by: str) -> str:
    """Of the posts shown, the share that something was done with, by place or bundle."""
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
                "Requests that the gateways answered, by method.",
                [(rate('moodfeed_rpc_requests_total{job="gateway"}', "method"), "{{method}}")],
            ),
            Panel(
                "HTTP requests",
                "reqps",
                "Requests that the gateways answered, by path.",
                [(rate("moodfeed_http_requests_total", "path"), "{{path}}")],
            ),
            Panel(
                "Errors",
                "reqps",
                "Answers that are errors. INVALID_ARGUMENT, NOT_FOUND and 4xx are faults of callers.",
                [
                    (rate('moodfeed_rpc_requests_total{job="gateway",code!="OK"}', "code"), "gRPC {{code}}"),
                    (rate('moodfeed_http_requests_total{code=~"[45].."}', "code"), "HTTP {{code}}"),
                ],
            ),
            Panel(
                "In flight",
                "short",
                "Requests that are being answered, or wait for a thread.",
                [("sum by (job) (moodfeed_requests_in_flight)", "{{job}}")],
            ),
            Panel(
                "Refused",
                "reqps",
                "Requests refused at once because too many were there, and calls by what became of their token.",
                [
                    (f"{rate('moodfeed_requests_refused_total')} or vector(0)", "refused"),
                    (f"{rate('moodfeed_api_calls_total', 'outcome')} or vector(0)", "calls with a token {{outcome}}"),
                ],
            ),
            Panel("Processes up", "short", "Processes that Prometheus reaches.", [("sum by (job) (up)", "{{job}}")]),
        ],
        "Latency by stage": [
            Panel(
                "GetFeed",
                "s",
                "Time in the gateway, from the request to the answer.",
                quantiles("moodfeed_rpc_duration_seconds", '{job="gateway",method="GetFeed"}'),
            ),
            Panel(
                "HTTP, 99th percentile",
                "s",
                "Time to answer an HTTP request.",
                [(quantile(0.99, "moodfeed_http_duration_seconds", by="path"), "{{path}}")],
            ),
            Panel(
                "Stages, 99th percentile",
                "s",
                "Time in the services behind the gateway: the embedding, the search, the store.",
                [(quantile(0.99, "moodfeed_rpc_duration_seconds", _STAGES, "method"), "{{method}}")],
            ),
            Panel(
                "Stages, mean",
                "s",
                "The same, on average.",
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
                "Contexts in memory",
                "percentunit",
                "The share of feeds whose user and mood the gateway had in memory, so that it asked no tower.",
                [
                    (
                        rate('moodfeed_context_cache_lookups_total{found="yes"}')
                        + f" / {rate('moodfeed_context_cache_lookups_total')}",
                        "in memory",
                    )
                ],
            ),
        ],
        "Degradations": [
            Panel(
                "Degraded feeds",
                "reqps",
                "Feeds that left out the user or the mood, because what would know was away.",
                [(rate("moodfeed_feed_degradations_total", "reason"), "{{reason}}")],
            ),
            Panel(
                "Replicas well",
                "short",
                "Replicas of each service that a gateway may ask; the least of all gateways.",
                [("min by (service) (moodfeed_downstream_replicas_well)", "{{service}}")],
            ),
            Panel(
                "Retries",
                "reqps",
                "Attempts made again on another replica, and those not made because the budget is spent.",
                [
                    (f"{rate('moodfeed_downstream_retries_total', 'cause')} or vector(0)", "{{cause}}"),
                    (f"{rate('moodfeed_downstream_retries_refused_total')} or vector(0)", "refused"),
                ],
            ),
        ],
        "Processes": [
            Panel(
                "Memory",
                "bytes",
                "Resident memory of the largest replica.",
                [("max by (job) (process_resident_memory_bytes)", "{{job}}")],
            ),
            Panel("Processor", "short", "Cores in use.", [(rate("process_cpu_seconds_total", "job"), "{{job}}")]),
            Panel(
                "Time since the start",
                "s",
                "Of the youngest replica: it falls where one has started again.",
                [("min by (job) (time() - process_start_time_seconds)", "{{job}}")],
            ),
            Panel(
                "Spans of traces",
                "cps",
                "Spans that the receiver took, or that are lost; 0 where no receiver is named.",
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
                "Event to feed",
                "s",
                "At most so long after it was written, what a person did counts in embeddings and in trends.",
                [
                    (quantile(share, "moodfeed_log_entry_visible_seconds", '{kind="interaction"}', "job"), name)
                    for share, name in ((0.5, "{{job}} p50"), (0.99, "{{job}} p99"))
                ],
            ),
            Panel(
                "Post to feed",
                "s",
                "At most so long after it was written, searches find a new post.",
                quantiles("moodfeed_post_visible_seconds"),
            ),
            Panel(
                "Log entries, 99th percentile",
                "s",
                "The same for every kind of entry.",
                [(quantile(0.99, "moodfeed_log_entry_visible_seconds", by="kind"), "{{kind}}")],
            ),
            Panel(
                "Encoding of posts",
                "s",
                "From reading a post until its embeddings are in the store.",
                quantiles("moodfeed_live_post_encoding_seconds"),
            ),
            Panel(
                "Posts that wait",
                "short",
                "Posts without embeddings, which no search finds yet.",
                [
                    ("max(moodfeed_index_pending_posts)", "of the current bundle"),
                    ("max(moodfeed_live_posts_pending)", "of all held bundles"),
                ],
            ),
            Panel(
                "Posts encoded",
                "cps",
                "Posts that the towers have encoded, and attempts that failed.",
                [
                    (rate("moodfeed_live_posts_encoded_total"), "encoded"),
                    (rate("moodfeed_live_post_encoding_failures_total"), "failed"),
                ],
            ),
        ],
        "The log": [
            Panel(
                "Position",
                "short",
                "Up to where each service has read the log; lines apart mean that one is behind.",
                [("min by (job) (moodfeed_log_position)", "{{job}}")],
            ),
            Panel(
                "Reads that failed",
                "cps",
                "The store did not answer. Feeds continue from what was read before.",
                [(rate("moodfeed_log_read_failures_total", "job"), "{{job}}")],
            ),
            Panel(
                "Own changes missed",
                "cps",
                "Searches that did not wait for the newest change of posts or rules through their gateway.",
                [(rate("moodfeed_searches_behind_total"), "searches")],
            ),
            Panel(
                "People in memory",
                "short",
                "People who did something since the bundle.",
                [("max(moodfeed_live_people)", "people")],
            ),
        ],
        "Bundles": [
            Panel(
                "Age of the current bundle",
                "s",
                "Since it was made.",
                [("max by (job) (time() - (moodfeed_bundle_made_timestamp_seconds > 0))", "{{job}}")],
            ),
            Panel(
                "Swaps and refusals",
                "short",
                "Since the start of each process: bundles that became current, and those that could not be trusted.",
                [
                    ("sum by (job) (moodfeed_bundle_swaps_total)", "{{job}} current"),
                    ("sum by (job) (moodfeed_bundle_refusals_total)", "{{job}} refused"),
                ],
            ),
            Panel(
                "Loading",
                "s",
                "Time to read, verify and warm a bundle, on average since the start.",
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
                "How many replicas hold each bundle.",
                [("count by (job, role, bundle_id) (moodfeed_bundle_held)", "{{job}} {{role}} {{bundle_id}}")],
            ),
            Panel(
                "Recall",
                "percentunit",
                "Of the ten best posts, the share that the current bundle's searches find.",
                [("min(moodfeed_index_recall)", "recall@10")],
            ),
            Panel(
                "Posts that can be shown",
                "short",
                "Of the current bundle, and live ones.",
                [("max(moodfeed_index_servable_posts)", "posts")],
            ),
        ],
    },
)

QUALITY = Dashboard(
    "moodfeed-quality",
    "Moodfeed: online quality",
    {
        "What people do with what they are shown": [
            Panel(
                "Shares of shown posts",
                "percentunit",
                "Of all posts shown, the share that people said something about, by what they said.",
                [
                    (
                        f"{rate(_NAMED, 'verb', '$window')} / ignoring(verb) group_left () {_SHOWN}",
                        "{{verb}}",
                    )
                ],
            ),
            Panel(
                "By place", "percentunit", "The share with the chosen verb.", [(share("$verb", "place"), "{{place}}")]
            ),
            Panel("By bundle", "percentunit", "The same.", [(share("$verb", "bundle"), "{{bundle}}")]),
            Panel(
                "By category",
                "percentunit",
                "The same, estimated from a sample of the pages; places that are not told count as well.",
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
                "Interactions that can be judged",
                "percentunit",
                "Of all interactions, the share that names its feed, and the share that names its place as well.",
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
        "What is shown": [
            Panel(
                "Posts by bundle", "cps", "Posts shown.", [(rate("moodfeed_shown_posts_total", "bundle"), "{{bundle}}")]
            ),
            Panel(
                "Posts by place", "cps", "Posts shown.", [(rate("moodfeed_shown_posts_total", "place"), "{{place}}")]
            ),
            Panel(
                "Posts by category",
                "cps",
                "Posts shown, estimated from a sample of the pages.",
                [(rate("moodfeed_shown_posts_by_category_total", "category"), "category {{category}}")],
            ),
            Panel(
                "Coverage",
                "percentunit",
                "Of the posts that can be shown, the share that one gateway showed in the last 12 to 24 hours.",
                [("max(moodfeed_shown_different_posts) / max(moodfeed_index_servable_posts)", "of the posts")],
            ),
            Panel(
                "Novelty",
                "percentunit",
                "The share of shown posts that the gateway had not shown for 12 to 24 hours.",
                [
                    (
                        rate(f'{_BEFORE}_bucket{{le="0.0"}}', window="$window")
                        + f" / {rate(f'{_BEFORE}_count', window='$window')}",
                        "new",
                    )
                ],
            ),
            Panel(
                "Shows before",
                "short",
                "How often a shown post had been shown in the 12 to 24 hours before.",
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
                "New posts that few people have been shown, on pages that explore.",
                [(rate("moodfeed_explored_posts_total"), "posts")],
            ),
        ],
    },
    choices=[
        Choice("window", "Over", ["1h", "5m", "6h", "1d", "7d"]),
        Choice("verb", "Verb", ["LIKE", "INSPIRE", "RATING", "SKIP", "NOT_INTERESTED", "VIEW", "LIKE|INSPIRE|RATING"]),
    ],
)

DASHBOARDS = (SERVING, FRESHNESS, QUALITY)
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def document(dashboard: Dashboard) -> dict[str, object]:
    """The dashboard as Grafana reads it."""
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
    """Write all of them."""
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        (DIRECTORY / f"{dashboard.uid}.json").write_text(written(dashboard), encoding="utf-8")


if __name__ == "__main__":
    main()
