"""After the login a browser goes to a path of the service, whatever a link has asked for."""

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml_platform.serving.local_paths import local_path

HERE = "https://service.test"
ELSEWHERE = [
    "",
    "//evil.test",
    "//evil.test/models/x",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "/\\/evil.test",
    "https://evil.test",
    "https:evil.test",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.test",
    "@evil.test",
    ".evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    "\t//evil.test",
    " //evil.test",
    "\x00//evil.test",
    "/models/x\r\nSet-Cookie: a=b",
    "/models/x\n",
    "/models/../../evil",
    "/..//evil.test",
    "/./models/x",
    "/%2F%2Fevil.test",
    "/%5cevil.test",
    "/models//x",
    "/models/x/",
    "/models/x?next=//evil.test",
    "/models/x#//evil.test",
    "/models/\u2028x",
    "/models/\uff58",
    "/" + "a" * 300,
]


@pytest.mark.parametrize("path", ["/", "/models/x", "/models/lstm_2.0~b-c/report", "/_", "/a:b"])
def test_a_path_of_the_service_stays(path):
    assert local_path(path) == path


@pytest.mark.parametrize("text", ELSEWHERE)
def test_anything_else_becomes_the_first_page(text):
    assert local_path(text) == "/"


@given(st.text(st.sampled_from("/\\.:@?#%ab \t\r\n\x00-_~"), max_size=12) | st.text(max_size=20))
def test_no_text_leads_to_another_host(text):
    path = local_path(text)
    resolved = urlsplit(urljoin(HERE, path))
    assert (resolved.scheme, resolved.netloc, resolved.path) == ("https", "service.test", path)
    assert path.isascii()
    assert path.isprintable()
    assert not path.startswith(("//", "/\\"))
