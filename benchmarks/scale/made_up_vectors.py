"""Vectors of the texts of a workspace, made up: a BERT would take hours for half a million posts.

python -m benchmarks.scale.made_up_vectors DATA
"""

import sys
from pathlib import Path

import numpy as np

from pipeline.tables import read_posts
from pipeline.workspace import Workspace
from scripts.made_up_workspace import write_made_up_text_embeddings


def main() -> None:
    """Write text_embeddings.safetensors for the clean posts."""
    workspace = Workspace(Path(sys.argv[1]))
    post_ids = np.sort(read_posts(workspace.clean)["post_id"].to_numpy(np.int64))
    write_made_up_text_embeddings(workspace.text_embeddings, post_ids, np.random.default_rng(0))


if __name__ == "__main__":
    main()
