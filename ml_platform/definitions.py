"""What ``workspace.yaml`` loads: the assets, jobs, schedules and sensors of the platform."""

from ml_platform.defs.build import build_definitions

defs = build_definitions()
