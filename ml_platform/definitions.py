"""What ``workspace.yaml`` loads: the assets, jobs, schedules and sensors of the platform."""

from ml_platform.defs.jobs import home_definitions

defs = home_definitions()
