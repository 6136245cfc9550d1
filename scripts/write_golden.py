"""Write the golden files of tests/golden: one of each format that outlives a release.

    python scripts/write_golden.py formats     when the version of the bundle or of the page token moves
    python scripts/write_golden.py contract    at a release

tests/golden/test_golden.py holds the values that must be read from them. They are literals, so that a writer and a
reader with the same fault do not pass.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from bundle.served_posts import ServedPost
from gateway import page_token
from post_index_service.packed_posts import pack, with_score
from tests.tiny_bundle import write_tiny_bundle

ROOT = Path(__file__).parents[1]
GOLDEN = ROOT / "tests" / "golden"


def write_formats() -> None:
    """Replace the bundle, the page token and the packed post."""
    shutil.rmtree(GOLDEN / "bundles", ignore_errors=True)
    write_tiny_bundle(GOLDEN / "bundles")
    token = page_token.PageToken(
        bundle_id="0123456789abcdef" * 4,
        request_digest=page_token.digest("ana", 2, "calm 😌", (30,)),
        offset=20,
        left_out=frozenset({"mood"}),
    )
    (GOLDEN / "page_token.txt").write_text(page_token.write(token) + "\n")
    post = ServedPost(
        post_id=40,
        video_link="https://video.example/40",
        title="A lake in the rain ☔",
        thumbnail_url="https://video.example/40.jpg",
        category_id=2,
        owner_username="béla",
    )
    (GOLDEN / "packed_post.binpb").write_bytes(with_score(pack(post), 0.25))


def write_contract() -> None:
    """Replace the image of the contract, which `buf breaking` compares the protos with."""
    buf = Path(sys.executable).parent / "buf"
    image = GOLDEN / "contract.binpb"
    subprocess.run([buf, "build", "--exclude-source-info", "-o", image], cwd=ROOT / "protos", check=True)  # noqa: S603


if __name__ == "__main__":
    {"formats": write_formats, "contract": write_contract}[sys.argv[1]]()
