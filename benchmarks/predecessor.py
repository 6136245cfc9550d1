"""The predecessor's way, rewritten for comparison: one FastAPI process that reads a CSV and scores every post.

    python -m benchmarks.predecessor DIRECTORY --port PORT

DIRECTORY holds ``posts.csv`` and ``users.csv`` as ``write_tables`` makes them. Each request scores all posts, sorts
them, and keeps those of the category; a mood runs BERT eagerly inside the handler. To be fair, each library has one
thread.
"""

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bundle.index_posts import IndexPosts


def write_tables(index: IndexPosts, usernames: list[str], users: np.ndarray, directory: Path) -> None:
    """Write the two tables; ``users`` is float32 [users, tower dimension]."""
    directory.mkdir(parents=True, exist_ok=True)
    posts = pd.DataFrame(
        {
            "post_id": index.post_ids,
            "category_id": index.category_ids,
            "title": [post.title for post in index.posts],
            "video_link": [post.video_link for post in index.posts],
        }
    )
    for name, vectors in (("tower", index.tower_embeddings), ("text", index.text_embeddings)):
        columns = pd.DataFrame(vectors, columns=[f"{name}_{column}" for column in range(vectors.shape[1])])
        posts = pd.concat([posts, columns], axis=1)
    posts.to_csv(directory / "posts.csv", index=False, float_format="%.6f")
    frame = pd.DataFrame(users, columns=[f"tower_{column}" for column in range(users.shape[1])])
    frame.insert(0, "username", usernames)
    frame.to_csv(directory / "users.csv", index=False, float_format="%.6f")


def build_app(directory: Path) -> Any:
    """Read the tables and the BERT; returns the FastAPI app."""
    import torch
    from fastapi import FastAPI, HTTPException
    from transformers import AutoModel, AutoTokenizer

    from mood_encoder.encoder_files import default_encoder_directory

    torch.set_num_threads(1)
    posts = pd.read_csv(directory / "posts.csv")
    users = pd.read_csv(directory / "users.csv")
    tower = posts.filter(like="tower_").to_numpy(dtype=np.float32)
    text = posts.filter(like="text_").to_numpy(dtype=np.float32)
    vectors = users.filter(like="tower_").to_numpy(dtype=np.float32)
    row_of = {username: row for row, username in enumerate(users["username"])}
    tokenizer = AutoTokenizer.from_pretrained(default_encoder_directory())
    bert = AutoModel.from_pretrained(default_encoder_directory()).eval()
    app = FastAPI()

    def embed(mood: str) -> np.ndarray:
        with torch.no_grad():
            tokens = tokenizer(mood, return_tensors="pt")
            states = bert(**tokens).last_hidden_state
            mask = tokens["attention_mask"].unsqueeze(-1)
            return torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)[0].numpy()

    @app.get("/feed")
    def feed(username: str, category_id: int | None = None, mood: str | None = None) -> dict[str, Any]:
        if username not in row_of:
            raise HTTPException(404, "User is not in database so give input of mood and category_id")
        frame = posts[["post_id", "category_id", "title", "video_link"]].copy()
        frame["score"] = tower @ vectors[row_of[username]]
        if mood:
            frame["score"] += text @ embed(mood)
        frame = frame.sort_values("score", ascending=False)
        if category_id is not None:
            frame = frame[frame["category_id"] == category_id]
        return {"posts": frame.head(10).to_dict(orient="records")}

    return app


def main() -> None:
    """Serve on loopback until SIGTERM."""
    parser = argparse.ArgumentParser(description="Serve the predecessor's way.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    import uvicorn

    uvicorn.run(build_app(arguments.directory), host="127.0.0.1", port=arguments.port, log_level="warning")


if __name__ == "__main__":
    main()
