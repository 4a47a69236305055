"""The small changes of a module that a test should notice, one at a time: each is a mutant.

What is left out decides nothing: docstrings, annotations, imports, texts of messages (f-strings, what is raised,
explanations and remedies), the texts of
enumerations (the tests of stored forms hold them), the decorators of classes, and how an array is held in memory.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], ast.cmpop] = {
    ast.Lt: ast.LtE(),
    ast.LtE: ast.Lt(),
    ast.Gt: ast.GtE(),
    ast.GtE: ast.Gt(),
    ast.Eq: ast.NotEq(),
    ast.NotEq: ast.Eq(),
    ast.Is: ast.IsNot(),
    ast.IsNot: ast.Is(),
    ast.In: ast.NotIn(),
    ast.NotIn: ast.In(),
}
_OPERATORS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
    ast.FloorDiv: ast.Mult(),
    ast.Mod: ast.Mult(),
    ast.Pow: ast.Mult(),
    ast.BitAnd: ast.BitOr(),
    ast.BitOr: ast.BitAnd(),
}
_OPPOSITES = [
    ("min", "max"),
    ("any", "all"),
    ("minimum", "maximum"),
    ("less", "less_equal"),
    ("greater", "greater_equal"),
    ("or_", "and_"),
    ("argmin", "argmax"),
]
_OTHER_NAME = {a: b for pair in _OPPOSITES for a, b in (pair, pair[::-1])}
_MESSAGE_KEYWORDS = {"explanation", "remedy", "help", "doc"}
_MESSAGE_NAMES = {"explanation", "remedy", "why", "reasons", "faults", "words", "parts", "message"}

_CONTEXT = 16
_STATEMENTS = {"pass", "break", "continue"}
_FORM_METHODS = {"to_numpy", "combine_chunks", "unify_dictionaries", "release_unused", "copy"}
_FORM_KEYWORDS = {"dtype", "zero_copy_only", "read_dictionary", "strict"}
"""How an array is held in memory: a change of it alone changes no value."""
_CONVERSIONS = {"abs", "sorted", "dict", "round", "set"}
_MODULES = {"np", "pd", "pa", "pc", "pl", "ast", "json", "math", "hashlib", "re", "super"}


@dataclass(frozen=True)
class Mutant:
    """One change of one module: the text from ``start`` to ``end`` becomes ``replacement``."""

    path: Path
    """The module, relative to the root of the repository."""
    function: int | None
    """The first line of the innermost function around the change, as its code object says; ``None``: none."""
    line: int
    start: int
    """Where the changed text begins, in bytes."""
    end: int
    replacement: str
    before: str
    """The changed text, on one line, as Python writes it."""
    text: str
    """The whole line on which the change begins, stripped."""

    @property
    def change(self) -> str:
        """The change in one line: of a long text the part that differs, with what stands around it."""
        before, after = self.before, self.replacement
        head = _alike(before, after)
        tail = _alike(before[head:][::-1], after[head:][::-1])
        start = max(head - _CONTEXT, 0)
        parts = (text[start : len(text) - max(tail - _CONTEXT, 0)] for text in (before, after))
        return " -> ".join(parts)

    def source(self, root: Path) -> bytes:
        """The module with the change made."""
        text = (root / self.path).read_bytes()
        new = self.replacement if self.replacement in _STATEMENTS else f"({self.replacement})"
        return text[: self.start] + new.encode() + text[self.end :]


def _alike(one: str, other: str) -> int:
    """The number of characters with which both begin."""
    for place, (left, right) in enumerate(zip(one, other, strict=False)):
        if left != right:
            return place
    return min(len(one), len(other))


def mutants(root: Path, path: Path) -> list[Mutant]:
    """Every mutant of one module, in the order of the text; each compiles and differs from the module."""
    source = (root / path).read_bytes()
    lines = source.decode().splitlines()
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    tree = ast.parse(source)
    mutant_by_place: dict[tuple[int, int, str], Mutant] = {}
    for node, replacement, function in _changes(tree):
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
        before = ast.unparse(node)
        mutant = Mutant(
            path,
            function,
            node.lineno,
            start,
            end,
            replacement,
            before,
            lines[node.lineno - 1].strip(),
        )
        try:
            same = ast.dump(ast.parse(mutant.source(root))) == ast.dump(tree)
        except SyntaxError:
            continue
        if not same:
            mutant_by_place[start, end, replacement] = mutant
    return [mutant_by_place[key] for key in sorted(mutant_by_place)]


def _changes(tree: ast.Module) -> Iterator[tuple[ast.expr | ast.stmt, str, int | None]]:
    """Each node to be replaced, its replacement, and the function around it."""
    pending: list[tuple[ast.AST, int | None]] = [(tree, None)]
    while pending:
        node, function = pending.pop()
        if isinstance(node, ast.expr):
            for replacement in _of_expression(node):
                yield node, ast.unparse(replacement), function
        elif isinstance(node, ast.stmt):
            if isinstance(node, ast.If) and _name(node.test) != "TYPE_CHECKING":
                yield node.test, "False", function
            for statement in _of_statement(node):
                yield node, statement, function
        if isinstance(node, ast.FunctionDef):
            function = min([node.lineno, *(item.lineno for item in node.decorator_list)])
        pending.extend((child, function) for child in _children(node))


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """What lies in a node and decides something."""
    if isinstance(node, ast.FunctionDef):
        yield from (
            *node.args.defaults,
            *(item for item in node.args.kw_defaults if item),
            *node.body,
        )
    elif isinstance(node, ast.ClassDef):
        yield from (item for item in node.body if not _names_a_text(item))
    elif isinstance(node, ast.AnnAssign):
        if node.value and "TypeVar" not in ast.dump(node.annotation):
            yield node.value
    elif isinstance(node, ast.Call):
        yield node.func
        if _name(node.func) not in {"TypeVar", "cast", "Literal", "NewType"}:
            yield from node.args
            apart = _MESSAGE_KEYWORDS | _FORM_KEYWORDS
            yield from (keyword.value for keyword in node.keywords if keyword.arg not in apart)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    elif isinstance(node, ast.If) and _name(node.test) == "TYPE_CHECKING":
        yield from node.orelse
    elif _is_message(node) or isinstance(node, ast.Import | ast.ImportFrom):
        return
    else:
        yield from ast.iter_child_nodes(node)


def _is_message(node: ast.AST) -> bool:
    """Whether a node is an f-string, an error that is raised, the text of a message, or the name of a type."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript):
        return any(name != name.upper() and name[:1].isupper() for name in map(_name, node.targets))
    if isinstance(node, ast.Assign):
        return bool(_MESSAGE_NAMES & {_name(item) for item in node.targets})
    return isinstance(node, ast.JoinedStr | ast.Raise)


def _names_a_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and _is_text(node.value)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _of_expression(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            ops = [*node.ops[:place], _COMPARISONS[type(operator)], *node.ops[place + 1 :]]
            yield ast.Compare(node.left, ops, node.comparators)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
        for place in range(len(node.values)):
            rest = [*node.values[:place], *node.values[place + 1 :]]
            yield rest[0] if len(rest) == 1 else ast.BoolOp(node.op, rest)
    elif isinstance(node, ast.UnaryOp):
        if not isinstance(node.operand, ast.Constant):
            yield node.operand
    elif isinstance(node, ast.BinOp):
        if not (_is_text(node.left) or _is_text(node.right)):
            if type(node.op) in _OPERATORS:
                yield ast.BinOp(node.left, _OPERATORS[type(node.op)], node.right)
            yield node.left
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant):
        yield from _of_constant(node.value)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Tuple | ast.List | ast.Set) and isinstance(
        getattr(node, "ctx", ast.Load()), ast.Load
    ):
        if len(node.elts) > 1:
            for place in range(len(node.elts)):
                rest = [*node.elts[:place], *node.elts[place + 1 :]]
                yield ast.Set(rest) if isinstance(node, ast.Set) else type(node)(rest, ast.Load())
    elif isinstance(node, ast.Dict) and len(node.keys) > 1:
        for place in range(len(node.keys)):
            yield ast.Dict(
                [*node.keys[:place], *node.keys[place + 1 :]],
                [*node.values[:place], *node.values[place + 1 :]],
            )


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _of_constant(value: object) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        if value:
            yield ast.Constant(0)
    elif isinstance(value, float):
        yield ast.Constant(value * 2 if value else 1.0)
    elif isinstance(value, str) and value.isidentifier():
        yield ast.Constant(value + "_")


def _of_call(node: ast.Call) -> Iterator[ast.expr]:
    other = _OTHER_NAME.get(_name(node.func))
    if other and isinstance(node.func, ast.Name):
        yield ast.Call(ast.Name(other), node.args, node.keywords)
    elif other and isinstance(node.func, ast.Attribute):
        yield ast.Call(ast.Attribute(node.func.value, other), node.args, node.keywords)
    if _name(node.func) in {"min", "max", "minimum", "maximum"}:
        yield from node.args if len(node.args) == 2 else ()
    for place, keyword in enumerate(node.keywords):
        if keyword.arg not in _MESSAGE_KEYWORDS | _FORM_KEYWORDS:
            yield ast.Call(
                node.func, node.args, [*node.keywords[:place], *node.keywords[place + 1 :]]
            )
    if len(node.args) == 1 and not node.keywords and _name(node.func) in _CONVERSIONS:
        yield node.args[0]
    if isinstance(node.func, ast.Attribute) and not (_is_module(node.func.value) or _of_form(node)):
        yield node.func.value


def _of_form(node: ast.Call) -> bool:
    """Whether a call of a method changes how an array is held, and none of its values (``astype(np.int64)``)."""
    if _name(node.func) == "astype" and node.args:
        return isinstance(node.args[0], ast.Attribute)
    return _name(node.func) in _FORM_METHODS


def _is_module(node: ast.expr) -> bool:
    return (isinstance(node, ast.Name) and node.id in _MODULES) or (
        isinstance(node, ast.Attribute) and _is_module(node.value)
    )


def _of_statement(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.AugAssign | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield "pass"
    elif isinstance(node, ast.Break):
        yield "continue"
    elif isinstance(node, ast.Continue):
        yield "break"
