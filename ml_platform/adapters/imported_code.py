"""Versions of code: the hash of the modules that some modules import, and of the versions of their libraries.

What a module imports is read from its lines, inside functions as well, so that nothing is imported for it (and in a
tenth of the time that a parser takes). Imports for types alone decide nothing and are left out; a text like
``"package.module:function"``, which is how modules are named that are loaded on demand, counts as an import.
"""

import hashlib
import re
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib import metadata, util
from pathlib import Path

_FOR_TYPES = re.compile(r"^if (?:typing\.)?TYPE_CHECKING:\n(?:[ \t]+.*\n|\n)*", re.MULTILINE)
_IMPORT = re.compile(r"^[ \t]*import[ \t]+([\w., \t]+)", re.MULTILINE)
_FROM = re.compile(
    r"^[ \t]*from[ \t]+(\.*)([\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[\w, \t]+)", re.MULTILINE
)
_COMMENT = re.compile(r"#.*")
_ON_DEMAND = re.compile(r"[\"']((?:\w+\.)+\w+):\w+[\"']")
_DISTRIBUTIONS = {
    "markdown_it": "markdown-it-py",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
"""The distributions of ours that are called otherwise than their module; others are searched for, which opens
a file of each that is installed: 13 s where none of them is in memory."""
_PYTHON = f"python {sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True)
class ImportedCode:
    """Everything that some modules import, directly or by way of others."""

    modules: frozenset[str]
    """Modules of the same packages, themselves among them."""
    libraries: frozenset[str]
    """The top-level modules of other packages; those of Python itself are left out."""

    @property
    def version(self) -> str:
        """Sixteen hexadecimal digits of the modules' texts and the libraries' versions."""
        digest = hashlib.sha256(_PYTHON.encode())
        for library in sorted(self.libraries):
            digest.update(f"\n{library} {library_version(library)}".encode())
        for module in sorted(self.modules):
            digest.update(f"\n{module} {_text(module).sha256}".encode())
        return digest.hexdigest()[:16]


def imported_code(modules: Iterable[str], without: Collection[str] = ()) -> ImportedCode:
    """The code behind ``modules``.

    Args:
        modules: Their full names.
        without: Modules and packages that are not entered unless they, or their package, are among ``modules``:
            those that carry values about and decide nothing.
    """
    named = list(modules)
    own = frozenset(name.partition(".")[0] for name in named)
    seen, libraries, waiting = set[str](), set[str](), list(named)
    while waiting:
        name = waiting.pop()
        top = name.partition(".")[0]
        if top not in own:
            if top not in sys.stdlib_module_names:
                libraries.add(top)
            continue
        if name in seen or (_is_within(name, without) and not _is_within(name, named)):
            continue
        seen.add(name)
        waiting += _text(name).imports
    return ImportedCode(frozenset(seen), frozenset(libraries))


@cache
def library_version(module: str) -> str:
    """The version of the distribution that a top-level module comes from; empty if none is installed."""
    for name in (module, _DISTRIBUTIONS.get(module)):
        if name is not None:
            with suppress(metadata.PackageNotFoundError):
                return metadata.version(name)
    return ", ".join(metadata.version(name) for name in _distributions().get(module, ()))


@cache
def _distributions() -> dict[str, list[str]]:
    return {top: sorted(set(names)) for top, names in metadata.packages_distributions().items()}


def _is_within(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class _Text:
    """The text of a module: its hash and what it imports."""

    sha256: str
    imports: tuple[str, ...]


@cache
def _text(module: str) -> _Text:
    """The text of a module as it was when it was first looked at, which is when its code was loaded."""
    path = _path(module)
    if path is None:  # a package without a file, or an extension in C
        return _Text("", ())
    content = path.read_bytes()
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    imports = tuple(dict.fromkeys(_imports(content.decode(errors="replace"), package)))
    return _Text(hashlib.sha256(content).hexdigest(), imports)


def _imports(text: str, package: str) -> Iterator[str]:
    """The modules that a text imports; ``package`` is what relative imports start from."""
    text = _FOR_TYPES.sub("", text)
    for names in _IMPORT.findall(text):
        yield from (name.split()[0] for name in names.split(","))
    for dots, module, listed in _FROM.findall(text):
        parents = package.split(".")[: package.count(".") + 2 - len(dots)] if dots else []
        base = ".".join([*parents, *filter(None, (module,))])
        for name in filter(str.strip, _COMMENT.sub("", listed).strip("()").split(",")):
            inner = f"{base}.{name.split()[0]}"
            yield inner if _path(inner) is not None else base
    yield from (name for name in _ON_DEMAND.findall(text) if _path(name) is not None)


@cache
def _path(module: str) -> Path | None:
    """The file of a module, found without importing it; ``None`` if there is none in Python."""
    top, *parts = module.split(".")
    for root in _roots(top):
        place = root.joinpath(*parts)
        for path in (place / "__init__.py", place.with_suffix(".py")):
            if path.is_file():
                return path
    return None


@cache
def _roots(top: str) -> tuple[Path, ...]:
    """The folders of a top-level package; of a single file, the file without its ending."""
    try:
        spec = util.find_spec(top)
    except (ImportError, ValueError):
        return ()
    if spec is None:
        return ()
    if spec.submodule_search_locations is not None:
        return tuple(map(Path, spec.submodule_search_locations))
    return (Path(spec.origin).with_suffix(""),) if spec.origin else ()
