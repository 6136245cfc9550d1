"""Stand-ins for the images of PostgreSQL and nginx, of the same tag, where no registry can be reached.

Both are made of one small Debian with the packages of the versions that docker-compose.replicas.yml names. Like the
official images they have the users `postgres` and `nginx` and a directory of sockets that anybody may write to, and
PostgreSQL makes its database at the first start as POSTGRES_USER, POSTGRES_DB and POSTGRES_PASSWORD_FILE say.
"""

import re
import subprocess
from pathlib import Path

from tests.compose.containers import ROOT, docker

SUITE = "forky"
PACKAGES = ("ca-certificates", "curl", "nginx", "postgresql-18")
DEBIAN = "local/forky-nginx-postgresql"
_SETUP = """#!/bin/sh
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 \
    --auth-local=trust --auth-host=scram-sha-256 >/dev/null
  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
  pg_ctl --pgdata="$PGDATA" --options="-c listen_addresses=''" --wait start >/dev/null
  createdb --username="$POSTGRES_USER" "$POSTGRES_DB"
  pg_ctl --pgdata="$PGDATA" --mode=fast --wait stop >/dev/null
fi
exec "$@"
"""
_DOCKERFILES = {
    "postgres": """FROM {debian}
ENV PATH=/usr/lib/postgresql/18/bin:$PATH PGDATA=/var/lib/postgresql/18/docker LANG=C.UTF-8
RUN rm -rf /var/lib/postgresql && mkdir -p /var/lib/postgresql && chown postgres:postgres /var/lib/postgresql \\
    && chmod 3777 /var/run/postgresql
COPY setup /usr/local/bin/setup
ENTRYPOINT ["sh", "/usr/local/bin/setup"]
CMD ["postgres", "-c", "listen_addresses=*"]
""",
    "nginx": """FROM {debian}
RUN useradd --system --no-create-home nginx
CMD ["nginx", "-g", "daemon off;"]
""",
}


def named_images() -> dict[str, str]:
    """Name -> image with its tag, of the images that docker-compose.replicas.yml does not build."""
    text = (ROOT / "docker-compose.replicas.yml").read_text(encoding="utf-8")
    return {image.partition(":")[0]: image for image in re.findall(r"^ +image: (\S+)$", text, re.MULTILINE)}


def make_missing_images(scratch: Path) -> None:
    """Have every image of the replicas' stack on the engine: pulled where a registry answers, else made here."""
    for name, image in named_images().items():
        if docker("image", "inspect", "--format", "here", image, check=False).strip() == "here":
            continue
        if "Downloaded" in docker("pull", image, check=False):
            continue
        _make(name, image, scratch)


def _make(name: str, image: str, scratch: Path) -> None:
    if docker("image", "inspect", "--format", "here", DEBIAN, check=False).strip() != "here":
        _make_debian(scratch)
    context = scratch / name
    context.mkdir()
    (context / "setup").write_text(_SETUP, encoding="utf-8")
    (context / "Dockerfile").write_text(_DOCKERFILES[name].format(debian=DEBIAN), encoding="utf-8")
    docker("build", "--quiet", "--tag", image, str(context), seconds=600)
    version = docker("run", "--rm", "--entrypoint", name, image, "-V" if name == "postgres" else "-v", check=False)
    assert image.partition(":")[2] in version, f"the Debian of today has {version.strip()}, not {image}"


def _make_debian(scratch: Path) -> None:
    """A Debian from the mirror that this machine's apt uses; needs debootstrap, which the engine's set-up installs."""
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI)"]
    mirror = subprocess.run(asked, capture_output=True, text=True, check=True, timeout=60).stdout.split()[0]
    root, script = scratch / "root", "/usr/share/debootstrap/scripts/sid"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root), mirror, script],
        check=True,
        capture_output=True,
        timeout=900,
    )
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as packed:
        subprocess.run(["docker", "import", "-", DEBIAN], stdin=packed.stdout, check=True, capture_output=True)
