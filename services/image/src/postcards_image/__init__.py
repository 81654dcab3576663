"""The Postcards image service."""

import os

# Nothing leaves the machine: official builds of ONNX Runtime report what they run to their makers unless this is set
# before they start, and the model hub's client tells its version and that of others.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
