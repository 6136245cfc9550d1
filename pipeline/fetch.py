"""Fetch all six endpoints into the raw store."""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.forgotten import Forgotten
from pipeline.raw_store import RawStore
from pipeline.upstream import ENDPOINTS, EndlessPagesError, Endpoint, UpstreamClient


@dataclass(frozen=True, slots=True)
class EndpointReport:
    """The pages and rows of one endpoint in this fetch, and the number of its rows in the store."""

    name: str
    pages: int
    rows: int
    without_id: int
    stored: int


@dataclass(frozen=True, slots=True)
class FetchReport:
    """One line for each endpoint, and what may be missing."""

    endpoints: tuple[EndpointReport, ...]
    warnings: tuple[str, ...] = ()

    def rows(self) -> list[tuple[str, ...]]:
        """The report as a table to print, headings first."""
        return [
            ("endpoint", "pages", "rows", "without id", "stored"),
            *(
                (item.name, str(item.pages), str(item.rows), str(item.without_id), str(item.stored))
                for item in self.endpoints
            ),
        ]


def fetch(
    client: UpstreamClient,
    store: RawStore,
    *,
    source: str | None = None,
    forgotten: Forgotten | None = None,
    progress: Callable[[int, str], None] | None = None,
) -> FetchReport:
    """Read every endpoint to its end, resuming an interrupted fetch; raises UpstreamError.

    RawStoreError if the store holds rows of another upstream. ``source`` names the upstream where its address does not,
    as that of the sample API, which listens on another port each time. Nothing of ``forgotten`` people and posts is
    stored.
    After EndlessPagesError the next fetch starts at page 1, because the page numbers cannot be trusted. ``progress`` is
    called with the number of rows so far and the endpoint's name. A row that upstream no longer lists stays in the
    store, which knows that it is gone: events that disappear did happen, but posts and users were deleted.
    """
    store.claim(source or client.source)
    reports = []
    warnings: list[str] = []
    total = 0
    for endpoint in ENDPOINTS:
        pages = rows_read = without_id = 0

        def warn_of_ignored_page(count: int, endpoint: Endpoint = endpoint) -> None:
            warnings.append(
                f"{client.url}{endpoint.path}: page 2 has the same {count} rows as page 1: the upstream may ignore "
                "`page`, and then all rows after these are missing"
            )

        try:
            for page, rows in client.pages(
                endpoint, first_page=store.next_page(endpoint.name), on_ignored_page=warn_of_ignored_page
            ):
                kept = forgotten.without_forgotten(endpoint.name, rows) if forgotten else rows
                without_id += store.keep_page(endpoint.name, page, kept, upstream_time=client.upstream_time)
                pages += 1
                rows_read += len(rows)
                total += len(rows)
                if progress:
                    progress(total, endpoint.name)
        except EndlessPagesError:
            store.start_over(endpoint.name)
            raise
        store.finish(endpoint.name)
        reports.append(EndpointReport(endpoint.name, pages, rows_read, without_id, store.count(endpoint.name)))
    return FetchReport(tuple(reports), tuple(warnings))
