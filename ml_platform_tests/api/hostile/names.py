"""Hostile names: strings that leave a folder, end a line, or mean something to a shell or a database."""

from urllib.parse import quote_from_bytes

CANARY_FILE = "canary.txt"
"""A file beside the home."""


def hostile_names(canary: str) -> tuple[bytes, ...]:
    """The strings, as bytes.

    Args:
        canary: Path of a file that no answer may show.
    """
    upwards = (b"../", b"..\\", b"....//", b"..;/", b"%2e%2e/", b"%2e%2e%2f", b"..%2f", b"..%5c")
    encoded = (b"%252e%252e%252f", b"..%252f", b"%c0%ae%c0%ae%c0%af", b"..%c0%af", b"..%c1%9c")
    wide = (
        *("\u2024\u2024/", "\u2025/", "\uff0e\uff0e\uff0f", "..\u2215", "..\u2044"),
        *("..\uff3c", "..\uffe5"),
    )
    steps = [*upwards, *encoded, *(text.encode() for text in wide)]
    climbing = tuple(step * depth + CANARY_FILE.encode() for step in steps for depth in (2, 4))
    path = canary.encode()
    absolute = (
        *(path, b"/" + path, b"file://" + path, b"file:" + path, b"\\\\?\\" + path),
        *(b"/etc/passwd", b"//etc/passwd", b"/proc/self/environ", b"/dev/zero", b"/dev/stdin"),
        *(
            b"~root/.ssh/id_rsa",
            b"C:\\boot.ini",
            b"C:",
            b"\\\\host\\share",
            b"CON",
            b"NUL",
            b"aux.json",
        ),
        *(b"LPT1", b"example::$DATA", b"example.json:stream"),
    )
    return (*climbing, *absolute, *_CONTROLS, *_MEANINGS, *_LONG)


_CONTROLS = (
    *(b"\0", b"example\0", b"example%00", b"example%00.json", b"%00", b"\x01\x02\x1b[2J", b"\x7f"),
    *(
        b"example\r\nset-cookie: a=b",
        b"example%0d%0aset-cookie:%20a=b",
        b"example\n",
        b"%0a",
        b"\t",
    ),
    *(
        "\u202egpj.elpmaxe".encode(),
        "\u2028".encode(),
        "exa\u200bmple".encode(),
        "\ufeffexample".encode(),
    ),
    *(b"\xff\xfe", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"%ff%fe", b"%ed%a0%80"),
    *("\u0435\u0301xample".encode(), "\uff45\uff58ample".encode(), "💥".encode()),
)
_MEANINGS = (
    *(
        b".",
        b"..",
        b"...",
        b"",
        b" ",
        b"#",
        b"example#x",
        b"example?x=1",
        b"?",
        b"%",
        b"%zz",
        b"%2",
        b"*",
    ),
    *(
        b"%2523",
        b"%u002e%u002e",
        b"%uff0e",
        b"example/",
        b"example%2f",
        b"/",
        b"//",
        b"\\",
        b";",
        b"&",
        b"|id",
    ),
    *(
        b"$(id)",
        b"`id`",
        b"${HOME}",
        b"-rf",
        b"--help",
        b"@/etc/passwd",
        b"=1+1",
        b"=cmd|' /C calc'!A0",
    ),
    *(
        b"${jndi:ldap://127.0.0.1/x}",
        b"{{7*7}}",
        b"{% raw %}",
        b"<%= 7*7 %>",
        b"#{7*7}",
        b"%s%s%n",
        b"{0}",
    ),
    *(b"'; DROP TABLE answers;--", b"' OR '1'='1", b"1 UNION SELECT * FROM api_keys", b'" OR ""="'),
    *(b"<script>alert(1)</script>", b'"><img src=x onerror=alert(1)>', b"javascript:alert(1)"),
    *(
        b"__proto__",
        b"__class__",
        b"constructor",
        b"null",
        b"None",
        b"true",
        b"-1",
        b"0",
        b"NaN",
        b"1e999",
    ),
    *(
        b"9" * 40,
        b"00000000-0000-0000-0000-000000000000",
        b"{00000000-0000-0000-0000-000000000000}",
    ),
    *(b"ffffffff-ffff-7fff-bfff-ffffffffffff", b"urn:uuid:019aaef0-8c6e-7cc1-b1f5-4a0e0c9a5a11"),
)
_LONG = (
    b"a" * 201,
    b"a" * 4_000,
    b"../" * 2_000,
    b"%2e" * 2_000,
    "界".encode() * 1_000,
    b"a" * 40_000,
)


def in_a_path(name: bytes) -> tuple[bytes, ...]:
    """A name as it may stand in the target of a request: as it is, and encoded once more than a server decodes."""
    encoded = quote_from_bytes(name, safe="").encode()
    return (name,) if encoded == name else (name, encoded)
