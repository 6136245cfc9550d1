"""OpenVINO without its telemetry: import ``openvino`` from here.

``import openvino`` alone reports the import to Google Analytics, from a forked child, and writes a client id into the
home directory. It falls back to a stub where ``openvino_telemetry`` cannot be imported; NNCF does the same.
"""

import sys

sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]  # an import of it now raises ImportError

import openvino  # noqa: E402

__all__ = ["openvino"]
