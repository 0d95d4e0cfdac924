"""
What came from a peer is printed, compared, hashed and copied by bounded means only: a lint over the source.

No tool knows which value a peer made. So every place is looked at that prints, compares, hashes or copies a value, and it
passes if the value is of a kind that is ours: a literal, a number, a name annotated as text or number, the name of a class,
what the functions of ``likewise.bounded`` give. Any other place is named in :data:`REASONS`, with the reason why it may be.
"""

from __future__ import annotations

import ast
import fnmatch
from dataclasses import dataclass, field

import pytest

from .test_layers import package_directory

PACKAGE = package_directory()
MODULES = sorted(PACKAGE.rglob("*.py"))

# Functions whose result is short, or a number, whatever they get.
SHORT = frozenset(
    [
        "bool",
        "chr",
        "clip",
        "float",
        "hex",
        "int",
        "is_plain",
        "is_small",
        "len",
        "max",
        "min",
        "network",
        "outline",
        "peer_name",
        "round",
        "shown",
        "sum",
        "text_of",
        "type",
        "weight",
        "dialect_called",
        "error_names",
        "explain",
        "file_name",
        "fullyQualifiedName",
        "id",
        "name_of",
        "ord",
        "path_in",
        "qual",
        "wire_name",
        "indented",
        "one_line",
        "is_private",
    ]
)
SHORT_METHODS = frozenset(["bit_length", "hex", "hexdigest", "monotonic", "time", "seconds", "total_seconds", "getpid"])
OF_CLASSES = frozenset(["__name__", "__qualname__", "__module__"])
OWN_TYPES = frozenset(
    ["str", "int", "float", "bool", "bytes", "None", "Path", "Dialect", "Luid", "Side", "State", "Address", "Limits"]
)
PRINTING = frozenset(["str", "repr", "ascii", "format", "hash", "sorted"])
COPYING = frozenset(["copy", "deepcopy", "copy.copy", "copy.deepcopy", "pickle.dumps", "marshal.dumps"])


@dataclass
class Scope:
    """What is known of the names in one function, method or module."""

    where: str
    own: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Place:
    module: str
    where: str
    text: str
    line: int

    @property
    def key(self) -> str:
        return f"{self.module}:{self.where}: {self.text}"


def is_own_type(annotation: ast.expr | None) -> bool:
    """Whether an annotation allows nothing but short things of ours, as ``str | None`` and ``int`` do."""
    if annotation is None:
        return False
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return is_own_type(annotation.left) and is_own_type(annotation.right)
    if isinstance(annotation, ast.Subscript):
        name = ast.unparse(annotation.value)
        return name in ("type", "Final", "ClassVar", "Literal") and (name != "Final" or is_own_type(annotation.slice))
    return ast.unparse(annotation) in OWN_TYPES


class Lint(ast.NodeVisitor):
    """Finds the places of one module."""

    def __init__(self, module: str, tree: ast.Module) -> None:
        self.module = module
        self.places: list[Place] = []
        self.attributes = self._attributes(tree)
        self.scopes = [Scope("", set())]
        self.names: list[str] = []
        self.visit(tree)

    def _attributes(self, tree: ast.Module) -> set[str]:
        """The attributes that this module annotates as ours: fields, slots, ``self.x: int``, properties."""
        own = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.AnnAssign) and is_own_type(node.annotation):
                own.add(node.target.attr if isinstance(node.target, ast.Attribute) else ast.unparse(node.target))
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and is_own_type(node.returns):
                own.add(node.name)
        return own

    # --- what is ours

    def is_own(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant() | ast.JoinedStr() | ast.Compare():  # the parts of the last two are looked at by themselves
                return True
            case ast.Name(id=name):
                return name.isupper() or name in LOCALS or any(name in scope.own for scope in self.scopes)
            case ast.Attribute(attr=name, value=value):
                if name in OF_CLASSES or name.isupper() or name in self.attributes or name in EVERYWHERE:
                    return True
                return ast.unparse(value).rpartition(".")[2] in ("limits", "_limits", "incoming")  # numbers, all of them
            case ast.Call(func=ast.Name(id=name)):
                return name in SHORT or name in self.attributes
            case ast.Call(func=ast.Attribute(attr=name, value=value)):
                if name in ("decode", "encode", "strip"):
                    return self.is_own(value)
                return name in SHORT_METHODS or name in SHORT or (name == "join" and all(map(self.is_own, node.args)))
            case ast.BinOp(left=left, right=right):
                return self.is_own(left) and self.is_own(right)
            case ast.UnaryOp(operand=operand):
                return self.is_own(operand)
            case ast.BoolOp(values=values):
                return all(map(self.is_own, values))
            case ast.IfExp(body=body, orelse=orelse):
                return self.is_own(body) and self.is_own(orelse)
            case ast.Subscript(value=value):
                return self.is_own(value)
            case ast.Tuple(elts=elements) | ast.List(elts=elements) | ast.Set(elts=elements):
                return all(map(self.is_own, elements))
            case ast.GeneratorExp(elt=element) | ast.ListComp(elt=element):
                return self.is_own(element)
        return False

    # --- scopes

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.names.append(node.name)
        scope = Scope(".".join(self.names))
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        scope.own |= {each.arg for each in arguments if is_own_type(each.annotation)}
        self.scopes.append(scope)
        self.generic_visit(node)
        self.scopes.pop()
        self.names.pop()

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.names.append(node.name)
        self.generic_visit(node)
        self.names.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            if isinstance(target, ast.Name) and self.is_own(node.value):
                self.scopes[-1].own.add(target.id)
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for each, value in zip(target.elts, node.value.elts, strict=False):
                    if isinstance(each, ast.Name) and self.is_own(value):
                        self.scopes[-1].own.add(each.id)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name) and is_own_type(node.annotation):
            self.scopes[-1].own.add(node.target.id)

    # --- places

    def _place(self, node: ast.AST, what: ast.expr) -> None:
        where = ".".join(self.names) or "(module)"
        self.places.append(Place(self.module, where, ast.unparse(what), getattr(node, "lineno", 0)))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> None:
        if not self.is_own(node.value):
            self._place(node, node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        name = ast.unparse(node.func)
        if name in COPYING or (name in PRINTING and node.args and not self.is_own(node.args[0])):
            self._place(node, node)
        elif name.endswith(".format") and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Constant):
            if not all(map(self.is_own, node.args)):
                self._place(node, node)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        is_text = isinstance(node.left, ast.Constant) and isinstance(node.left.value, str | bytes)
        if isinstance(node.op, ast.Mod) and is_text and not self.is_own(node.right):
            self._place(node, node)
        self.generic_visit(node)

    def visit_Compare(self, node: ast.Compare) -> None:
        sides = [node.left, *node.comparators]
        for place, operator in enumerate(node.ops):
            if isinstance(operator, ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                pair = sides[place : place + 2]
                if any(map(self._may_be_anything, pair)) and not any(isinstance(side, ast.Constant) for side in pair):
                    self._place(node, node)
        self.generic_visit(node)

    def _may_be_anything(self, side: ast.expr) -> bool:
        name = side.attr if isinstance(side, ast.Attribute) else side.id if isinstance(side, ast.Name) else ""
        return name in ANYTHING and not self.is_own(side)


# Attributes that are short wherever they occur, whatever module defines them.
EVERYWHERE = frozenset(
    [
        "errno",
        "luid",
        "name",
        "peer",
        "dialect",
        "size",
        "strerror",
        "_address",
        "_count",
        "_equal_limit",
        "_hash_limit",
        "_name_limit",
        "_timeout",
        "expected",
        "most_bytes",
        "reason",
        "refcount",
        "returncode",
        "timeout",
        "verify_message",
    ]
)
# How the package calls what may be a value of a peer's: only these are looked at where values are compared.
ANYTHING = frozenset(
    [
        "answer",
        "answers",
        "arg",
        "args",
        "element",
        "error",
        "event",
        "expression",
        "found",
        "item",
        "items",
        "key",
        "kw",
        "kwargs",
        "made",
        "obj",
        "object",
        "page",
        "part",
        "parts",
        "received",
        "result",
        "sent",
        "state",
        "thing",
        "value",
        "values",
        "what",
    ]
)
# Locals that hold a number, a token, or a class, wherever they occur.
LOCALS = frozenset(["at", "cls", "code", "count", "kind", "length", "number", "place", "port", "reason", "seconds", "word"])

# Where else something is printed, compared, hashed or copied: a pattern of the place, and why it may be there.
REASONS: dict[str, str] = {
    "bounded.py:*": "the bounded means themselves",
    "cli/demo.py:*": "prints what the example programs of this package say, each a process of its own",
    "cli/capture.py:show: text": "what jelly.expressions.text_of gives is bounded",
    "cli/commands.py:answer_text: repr(answer)": "is_small was asked before",
    "cli/commands.py:*": "what was typed, and our own errors about that",
    "asyncio/addresses.py:*": "addresses, typed or from the system",
    "asyncio/connecting.py:*": "errors of this system: of its sockets and its resolver",
    "cli/identity.py:*": "what was typed at this command's own prompt",
    "serving/liveness.py:Lines.error: *": "a limit of ours",
    "spread/factory_account.py:FactoryAccount.look: *": "an error that this end has made",
    "asyncio/login_root.py:LoginRoot._admit: *": "the names of the ways to log in",
    "asyncio/login_root.py:LoginRoot._begin_attempt: str(error)": "a LimitExceeded made two lines above",
    "asyncio/passwords.py:*": "a record made here",
    "asyncio/tls.py:*": "names of files, and the words of OpenSSL",
    "broker/login.py:Verifier.__str__: *": "a record made here",
    "broker/link.py:Link._move: *": "members of our own enums",
    "broker/ceilings.py:*": "numbers, and words of ours",
    "broker/tables.py:Tables._known_luid: entry.key == key": "ids of objects of ours",
    "broker/tables.py:*: key in self.mirrors": "keyed(): where it lies is not the peer's to choose",
    "jelly/leaves.py:*: key not in self._references": "the same",
    "jelly/encoder.py:*: self._depth_limit": "a ceiling of ours",
    "jelly/graph.py:*: self._items_limit": "the same",
    "jelly/graph.py:*: self._probes_limit": "the same",
    "jelly/graph.py:*: self._rebuilt_limit": "the same",
    "jelly/cures.py:*": "texts of ours",
    "jelly/constructed.py:*: fault_text(error)": "fault_text() is bounded",
    "jelly/constructed.py:*sorted(missing)*": "names of fields of a class of ours",
    "jelly/constructed.py:_*": "a class of ours, while it is registered",
    "jelly/foreign.py:require_adoptable: *": "words of ours",
    "jelly/foreign.py:check_of_state: *": "the annotations of a function of ours",
    "jelly/foreign.py:fault_text: *": "of MOST_FAULTS faults at most, without what they were found in",
    "jelly/foreign.py:_fault: *": "the same: what pydantic, or a validator of ours, says",
    "adapters/numpy.py:*": "arrays of ours, and dtypes that were looked at",
    "jelly/graph.py:*: hash(key)": "the work of hashing it was charged before",
    "serving/networks.py:*": "addresses",
    "serving/flow.py:*: str(call.request)": "the number of a call, of 448 bits at most",
    "asyncio/tasks.py:*: str(call.request)": "the same",
    "errors.py:*": "texts that were bounded when the error was made, and numbers",
    "jelly/basics.py:_write_decimal: str(value)": "a Decimal of ours that is no number",
    "jelly/basics.py:read_basic: error": "of int() and the like, about at most LONGEST_TIME bytes",
    "jelly/checks.py:Literal.holds: each == value": "both of the same type, which is that of a literal of ours",
    "jelly/checks.py:*offender: *": "paths, each step of which is bounded",
    "jelly/members.py:*": "names of classes and of members of ours",
    "jelly/named.py:*": "names of classes and of fields of ours",
    "jelly/values.py:_write_view: view.itemsize": "a number",
    "jelly/checks.py:*": "annotations, and the names of arguments and fields",
    "jelly/annotations.py:*": "annotations, which are ours",
    "jelly/checked.py:*": "names of methods and parameters of ours",
    "jelly/encoder.py:Encoder._dataclass: *": "the name of a field of ours",
    "jelly/encoder.py:_step_to: name": "the name of a field of ours",
    "jelly/plans.py:refuse_async: *": "names of ours",
    "jelly/decoder.py:not_registered: name": "clipped above",
    "jelly/encoder.py:_place: *": "a number",
    "jelly/expressions.py:_leaf: c": "one byte",
    "jelly/graph.py:Graph._check_key: hash(key)": "counted before, part by part, against hash_work",
    "jelly/plans.py:Incoming.fill: *": "names of fields of ours",
    "jelly/registry.py:*": "what is registered here",
    "limits.py:*": "numbers of ours",
    "logs.py:accepting: each": "listening sockets",
    "objects/border.py:*: *.shown": "the name of an interface and a method of ours",
    "objects/interfaces.py:*": "interfaces of ours",
    "objects/serves.py:*": "classes and interfaces of ours",
    "objects/signatures.py:*": "the same",
    "objects/typed.py:*: *": "interfaces of ours, and a reference, which prints shortly and is compared by identity",
    "objects/by_reference.py:find_method: full_name*": "bounded as it stands",
    "objects/by_reference.py:RemoteMethod.*": "a reference, which is compared by identity, and a name",
    "objects/kept.py:file_name: *": "is_plain was asked before",
    "objects/failures.py:*: ITSELF not in parts": "names of ours",
    "objects/rebuilt.py:* in parts": "names of ours",
    "objects/rebuilt.py:_with_fields: name in state": "names of fields of ours",
    "objects/rebuilt.py:_with_fields: *missing*": "names of fields of ours",
    "objects/rebuilt.py:check_error: *": "is_small was asked before",
    "objects/error_state.py:names_and_text: str(error)": "the message of a group, which is a str, and a number",
    "objects/published.py:FollowingPublished._admitted: name": "one of our own names",
    "spread/banana.py:Banana.callExpressionReceived: *": "byte strings of ours: to be compared with them costs nothing",
    "spread/cred.py:_PortalWrapper._begin: str(error)": "a LimitExceeded made two lines above",
    "spread/failures.py:full_text: str(value)": "can_be_printed was asked before",
    "spread/failures.py:CopiedFailure.*": "cut, and made one line",
    "spread/faults.py:*": "words and numbers of our own errors",
    "spread/flavors.py:name_of: *": "the name of a method of ours",
    "spread/reading.py:SpreadDecoder.*": "names of at most LONGEST_NAME bytes",
    "spread/jelly.py:__getattr__: *": "the name of a module",
    "spread/registry.py:*": "what is registered here",
    "wire/writer.py:write_expression: *": "a byte string, whose type was asked before",
    "wire/sink.py:*": "prefixes of our own tokens",
}


def places() -> list[Place]:
    found = []
    for path in MODULES:
        module = path.relative_to(PACKAGE).as_posix()
        found += Lint(module, ast.parse(path.read_text(encoding="utf-8"))).places
    return found


FOUND = places()


def test_what_came_from_a_peer_meets_bounded_means_only() -> None:
    unexplained = [
        f"{place.module}:{place.line}: {place.text}"
        for place in FOUND
        if not any(fnmatch.fnmatchcase(place.key, pattern) for pattern in REASONS)
    ]
    assert not unexplained, (
        "use clip(), shown() or text_of() of likewise.bounded, or annotate what is short as str or int, "
        "or give the reason in REASONS:\n" + "\n".join(unexplained)
    )


@pytest.mark.parametrize("pattern", REASONS)
def test_each_reason_is_needed(pattern: str) -> None:
    assert any(fnmatch.fnmatchcase(place.key, pattern) for place in FOUND)


BAD = """
def f(value, args, name: str, count, error, items):
    a = f"{value} {value!r} {name} {count}"
    b = str(args), repr(args), "%s" % args, "{}".format(value), hash(value), sorted(items)
    c = value == args, value in items, value == 5
    d = copy.deepcopy(value)
    e = f"{clip(value)} {type(value).__name__} {len(args)}", ", ".join(map(str, args))
"""


def test_the_lint_finds_what_it_is_for() -> None:
    found = [place.text for place in Lint("bad.py", ast.parse(BAD)).places]
    expected = ["value", "value", "str(args)", "repr(args)", "'%s' % args", "'{}'.format(value)", "hash(value)"]
    expected += ["sorted(items)", "value == args", "value in items", "copy.deepcopy(value)"]
    assert found == expected
