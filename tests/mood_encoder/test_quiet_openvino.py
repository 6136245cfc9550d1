import os
import subprocess
import sys
from pathlib import Path

REPORT = """
import sys
import two_tower.openvino_encoder
print([name for name in sys.modules if name.startswith("openvino_telemetry.")])
"""


def test_openvino_is_imported_without_its_telemetry(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"CI", "TF_BUILD", "JENKINS_URL"}}
    environment |= {"HOME": str(tmp_path)}  # without it, the telemetry stays silent
    found = subprocess.run([sys.executable, "-c", REPORT], env=environment, check=True, capture_output=True, text=True)
    assert found.stdout.strip() == "[]"
    assert list(tmp_path.iterdir()) == []
