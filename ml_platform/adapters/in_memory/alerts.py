"""A receiver of alerts that keeps them."""

from ml_platform.monitoring.alerts import Alert


class InMemoryAlerts:
    """Keeps what was sent, for tests."""

    def __init__(self) -> None:
        self.sent: list[Alert] = []

    def send(self, alert: Alert) -> None:
        """Keep the alert."""
        self.sent.append(alert)
