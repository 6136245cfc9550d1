import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tiny_bundle import write_tiny_bundle

SERVING = """
from pathlib import Path
from mood_encoder.openvino_encoder import OpenVinoEncoder
OpenVinoEncoder(Path(sys.argv[1]))
"""
EXPORT = """
from pathlib import Path
from mood_encoder.torch_encoder import TorchEncoder
from pipeline.convert_encoder import write_served_encoder
write_served_encoder(Path(sys.argv[1]), full=TorchEncoder(Path(sys.argv[1])))
"""
WATCHED = """
import sys
def refuse(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto", "os.fork", "os.posix_spawn"}:
        print("used", event, arguments, flush=True)
        raise RuntimeError(event)
sys.addaudithook(refuse)
%s
print([name for name in sys.modules if name.startswith("openvino_telemetry.")])
"""


@pytest.mark.parametrize("program", [SERVING, EXPORT])
def test_neither_openvino_nor_nncf_reports_its_use(program: str, tmp_path: Path) -> None:
    encoder, home = write_tiny_bundle(tmp_path / "bundles") / "mood_encoder", tmp_path / "home"
    home.mkdir()
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "TF_BUILD", "JENKINS_URL"}}
    environment |= {"HOME": str(home)}  # with any of those three, the telemetry is silent anyway
    command = [sys.executable, "-c", WATCHED % program, encoder]
    found = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert (found.stdout.strip(), found.returncode) == ("[]", 0), found.stderr
    assert list(home.iterdir()) == []
