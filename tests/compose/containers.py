"""The project's containers, through the docker command."""

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "moodfeed-test"
ONE_OF_EACH = ("-f", "docker-compose.yml")
TWO_REPLICAS = (*ONE_OF_EACH, "-f", "docker-compose.replicas.yml")
EVERY_CONTEXT_IS_ASKED = (*TWO_REPLICAS, "-f", "tests/compose/every_context_is_asked.yml")
GATEWAY_GRPC, GATEWAY_HTTP = "127.0.0.1:50050", "127.0.0.1:8000"


def docker(*arguments: str, check: bool = True, seconds: float = 120) -> str:
    """What the command prints; AssertionError with its last words if it fails, unless ``check`` is False."""
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert not check or done.returncode == 0, done.stderr[-3000:]
    return done.stdout if check else done.stdout + done.stderr


def compose(*arguments: str, files: tuple[str, ...] = ONE_OF_EACH) -> str:
    """The same of ``docker compose``."""
    return docker("compose", "-p", PROJECT, *files, *arguments, seconds=1700)


def remove_images(project: str) -> None:
    """Remove what earlier runs built for a project, of which a later build has taken the name."""
    docker("image", "prune", "--force", "--filter", f"label=com.docker.compose.project={project}")


def containers(service: str) -> list[str]:
    """Ids of a service's containers, in a fixed order, whether they run or not."""
    return sorted(compose("ps", "-aq", service, files=TWO_REPLICAS).split())


def addresses(service: str, port: int) -> list[str]:
    """Where this machine reaches a port of each running container of a service, past nginx."""
    found = []
    for container in containers(service):
        networks = inspect(container)["NetworkSettings"]["Networks"]  # type: ignore[index]
        if address := networks[f"{PROJECT}_default"]["IPAddress"]:
            found.append(f"{address}:{port}")
    return found


def inspect(container: str) -> dict[str, object]:
    """What the engine knows of a container."""
    return json.loads(docker("inspect", container))[0]


def python(container: str, program: str, *, check: bool = True) -> str:
    """Run a program inside a container that runs."""
    return docker("exec", container, "python", "-c", program, check=check)
