"""The manifest: the facts of a bundle and the hashes of its files; its own hash is the bundle id."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from bundle.blend import Blend
from bundle.file_names import MANIFEST_NAME, SIDECAR_NAME

FORMAT_VERSION = 8
METRIC = "inner_product"
LARGEST_DIMENSION = 65_536
FEWEST_TOKENS = 3  # start, one token of text, end

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class BundleError(Exception):
    """A bundle cannot be used; names the file and the reason."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class FileEntry:
    """The hash and the size in bytes that a file must have."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Canary:
    """A request with its expected result, which a process must reproduce before it serves.

    ``post_ids`` and ``scores`` are the first posts of the ranking, regardless of the user's history. The expected
    embeddings are in ``canaries.safetensors``, in the same order.
    """

    username: str
    mood: str
    category_id: int | None
    post_ids: tuple[int, ...]
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """The facts of one bundle. None of them depends on when or where the bundle was made.

    The mood encoder cuts every text after ``max_tokens`` tokens, the start and end tokens included: serving must cut
    moods where the pipeline cut posts. With a mood and a user, posts are ranked by closeness to the mood plus
    ``user_weight`` times the user's score. Without a mood they are ranked as ``blend`` says.

    ``log_position`` is the position of the store's log up to which the bundle knows what people did. It is written only
    if it is above 0, so that a bundle made without a store keeps its id.
    """

    tower_dimension: int
    text_dimension: int
    max_tokens: int
    user_weight: float
    tower: Mapping[str, bool | int | float | str]
    counts: Mapping[str, int]
    offline_metrics: Mapping[str, Mapping[str, float]]
    library_versions: Mapping[str, str]
    canaries: tuple[Canary, ...]
    files: Mapping[str, FileEntry] = field(default_factory=dict)
    metric: str = METRIC
    format_version: int = FORMAT_VERSION
    log_position: int = 0
    blend: Blend = field(default_factory=Blend)


def read_manifest(directory: Path) -> Manifest:
    """Read and check the manifest alone; BundleError, also if its hash is not the directory's name."""
    try:
        directory = directory.resolve()
    except RuntimeError:  # a cycle of links
        raise BundleError(directory, "is a symbolic link that leads back to itself") from None
    manifest_path = directory / MANIFEST_NAME
    try:
        document = json.loads(manifest_path.read_bytes())
        bundle_id = document.pop("bundle_id", None) if isinstance(document, dict) else None
        digest = digest_of(document) if isinstance(document, dict) else None
    except FileNotFoundError:
        raise BundleError(manifest_path, "is missing: this is not a bundle, or an incomplete copy of one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BundleError(manifest_path, f"cannot be read as JSON: {error}") from error
    if digest is None:
        raise BundleError(manifest_path, "is not a JSON object")
    if not isinstance(bundle_id, str) or digest != bundle_id:
        raise BundleError(manifest_path, f"was altered: its content does not hash to its bundle_id {bundle_id}")
    if directory.name != bundle_id:
        raise BundleError(directory, f"holds the bundle {bundle_id}: the directory's name must be the bundle id")
    if document.get("format_version") != FORMAT_VERSION:
        raise BundleError(
            manifest_path,
            f"has format version {document.get('format_version')}, this program reads {FORMAT_VERSION}: export again",
        )
    manifest = _parse_manifest(manifest_path, document)
    _check_facts(manifest_path, manifest)
    return manifest


def digest_of(document: Mapping[str, Json]) -> str:
    """The bundle id of a manifest without the field bundle_id: sha256 of its canonical JSON, 64 hexadecimal digits."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _parse_manifest(path: Path, document: Mapping[str, Json]) -> Manifest:
    try:
        return TypeAdapter(Manifest).validate_python(document)
    except ValidationError as error:
        first = error.errors()[0]
        field_name = ".".join(str(part) for part in first["loc"])
        raise BundleError(path, f"field {field_name}: {first['msg']}") from error


def _check_facts(path: Path, manifest: Manifest) -> None:
    """Check what the types do not; BundleError names the field."""
    for name in ("tower_dimension", "text_dimension"):
        dimension = getattr(manifest, name)
        if not 1 <= dimension <= LARGEST_DIMENSION:
            raise BundleError(path, f"field {name}: {dimension} is not in 1..{LARGEST_DIMENSION}")
    if manifest.max_tokens < FEWEST_TOKENS:
        raise BundleError(path, f"field max_tokens: {manifest.max_tokens} is below {FEWEST_TOKENS}")
    if manifest.log_position < 0:
        raise BundleError(path, f"field log_position: {manifest.log_position} is below 0")
    if manifest.metric != METRIC:
        raise BundleError(path, f"field metric: {manifest.metric!r}, this program supports {METRIC!r}")
    if not (math.isfinite(manifest.user_weight) and manifest.user_weight >= 0):
        raise BundleError(path, f"field user_weight: {manifest.user_weight} is not a finite number of at least 0")
    if complaint := manifest.blend.complaint():
        raise BundleError(path, f"field blend: {complaint}")
    for number, canary in enumerate(manifest.canaries):
        if len(canary.post_ids) != len(canary.scores) or not all(map(math.isfinite, canary.scores)):
            raise BundleError(path, f"field canaries.{number}: there is not one finite score for each post")
    for name, entry in manifest.files.items():
        if not _is_inside(name) or entry.size < 0:
            raise BundleError(path, f"field files: {name!r} is not the name of a file in the bundle")


def _is_inside(name: str) -> bool:
    """Whether a file name of the manifest stays in the bundle's directory, however the two are joined."""
    parts = name.split("/")
    return (
        not {"", ".", ".."} & set(parts)
        and not any(character in name for character in ("\0", "\\"))
        and name not in {MANIFEST_NAME, SIDECAR_NAME}
    )
