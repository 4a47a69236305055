"""One service for all files of hostile requests."""

from collections.abc import Iterator

import pytest

from ml_platform.adapters.database_urls import DatabaseUrls
from ml_platform_tests.api.hostile.service import HostileService, hostile_service
from ml_platform_tests.conftest import fresh_database


@pytest.fixture(scope="package")
def service(
    tmp_path_factory: pytest.TempPathFactory, postgres: DatabaseUrls
) -> Iterator[HostileService]:
    """The service, which every test asks."""
    folder = tmp_path_factory.mktemp("hostile")
    with fresh_database(postgres) as url, hostile_service(folder, url) as found:
        yield found
