"""The table of routes in docs/api.md is what the service serves, with the scope that each route asks for."""

import re
from pathlib import Path

from ml_platform_tests.api.routes.test_who_may import ROUTES

DOCS = Path(__file__).parents[3] / "docs" / "api.md"
_ROW = re.compile(r"^\| `(GET|POST) (\S+)` \| (\w*) ?\| .+ \|$", re.MULTILINE)


def test_the_table_names_every_route_with_its_scope() -> None:
    """`test_who_may` holds `ROUTES` to the OpenAPI of the service."""
    rows = {(method, path): scope for method, path, scope in _ROW.findall(DOCS.read_text())}
    assert rows == {route: str(who.scope or "") for route, who in ROUTES.items()}
