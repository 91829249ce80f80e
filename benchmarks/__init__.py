"""How fast and how accurate dlrsd is: rooms for speed, accuracy, the GPU and the evidence."""

import dlrsd.runtime  # noqa: F401 - it turns ONNX Runtime's telemetry off before that is loaded
