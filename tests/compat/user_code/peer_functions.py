# SPDX-License-Identifier: Apache-2.0
"""Functions, values and exceptions that the cases of tests/compat/peer send to a server."""
import asyncio
import collections
import dataclasses
import enum
import functools
import logging
import os
import subprocess
import sys
import threading
import warnings


def echo(value):
    return value


def described(value):
    """How the value looks where it arrives."""
    return f"{type(value).__name__}: {value!r}"


def apply(function, *args, **kwargs):
    return function(*args, **kwargs)


def kinds_of_arguments(a, b=2, *rest, c, d="d", **others):
    return [a, b, list(rest), c, d, dict(sorted(others.items()))]


def positional_only(a, /, b, *, c=3):
    return [a, b, c]


def defaults(a=1, b=(2, 3), c=None):
    return [a, b, c]


def no_arguments():
    return "nothing given"


def doubled(x):
    return 2 * x


def nothing():
    pass


def wrapping(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return ["wrapped", function(*args, **kwargs)]
    return inner


@wrapping
def decorated(a, b=1):
    return a + b


partial_add = functools.partial(kinds_of_arguments, 1, c="partial")
a_lambda = lambda x: x * 10  # noqa: E731

calls_so_far = 0


def count_up():
    global calls_so_far
    calls_so_far += 1
    return calls_so_far


def where_it_runs():
    return [os.getcwd() == os.path.realpath(os.path.expanduser("~")), os.getpid() == os.getppid(),
            threading.current_thread() is threading.main_thread()]


def thread_local_survives():
    first = getattr(_local, "seen", False)
    _local.seen = True
    return first


_local = threading.local()


def env(name):
    return os.environ.get(name)


def set_env(name, value):
    os.environ[name] = value


async def later(x):
    await asyncio.sleep(0.01)
    return 2 * x


# ---------------------------------------------------------------- values


class Colour(enum.Enum):
    RED = "red"
    BLUE = 2


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0
    tags: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    a: int
    b: str = "b"


Pair = collections.namedtuple("Pair", "left right")


class Plain:
    def __init__(self, a):
        self.a = a

    def __eq__(self, other):
        return type(other).__name__ == "Plain" and other.a == self.a

    def __repr__(self):
        return f"Plain({self.a!r})"


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a, b):
        self.a, self.b = a, b

    def __repr__(self):
        return f"Slotted({self.a!r}, {self.b!r})"


class Reduced:
    """Pickles by a recipe of its own."""

    def __init__(self, n):
        self.n = n

    def __reduce__(self):
        return Reduced, (self.n + 1,)

    def __repr__(self):
        return f"Reduced({self.n})"


class Stateful:
    def __init__(self):
        self.kept, self.lock = 1, threading.Lock()

    def __getstate__(self):
        return {"kept": self.kept}

    def __repr__(self):
        return f"Stateful({sorted(self.__dict__)})"


class ListOfOwn(list):
    def total(self):
        return sum(self)


class TextOfOwn(str):
    pass


class IntOfOwn(int):
    pass


def made(kind):
    return MAKERS[kind]()


def _recursive_list():
    made = [1]
    made.append(made)
    return made


def _recursive_dict():
    made = {}
    made["self"] = made
    return made


def _recursive_object():
    made = Plain(1)
    made.a = [made]
    made.__class__ = Ring
    return made


class Ring:
    def __repr__(self):
        return f"Ring(closed={self.a[0] is self})"


def _closure():
    outer = 40
    return lambda x: x + outer


def _local_class():
    class Local:
        kind = "local"

        def __init__(self):
            self.n = 7
    return Local


def _local_dataclass():
    @dataclasses.dataclass
    class Shape:
        sides: int = 4
    return Shape(5)


def _deep():
    made = []
    for _ in range(300):
        made = [made]
    return made


MAKERS = {
    "lambda": lambda: (lambda x: x + 1),
    "closure": _closure,
    "local class": _local_class,
    "local instance": lambda: _local_class()(),
    "local dataclass": _local_dataclass,
    "class by reference": lambda: Plain,
    "function by reference": lambda: doubled,
    "builtin": lambda: len,
    "type": lambda: dict,
    "module": lambda: collections,
    "lock": threading.Lock,
    "file": lambda: open(os.devnull),
    "generator in a list": lambda: [(i for i in range(3))],
    "thread": lambda: threading.Thread(target=nothing),
    "iterator": lambda: iter([1, 2, 3]),
    "map": lambda: map(doubled, [1, 2]),
    "zip": lambda: zip([1], "a"),
    "enumerate": lambda: enumerate("ab"),
    "range": lambda: range(2, 9, 3),
    "dict keys": lambda: {"a": 1}.keys(),
    "dict items": lambda: list({"a": 1}.items()),
    "plain": lambda: Plain([1, Plain(2)]),
    "slotted": lambda: Slotted(1, "b"),
    "reduced": lambda: Reduced(1),
    "stateful": Stateful,
    "colour": lambda: Colour.RED,
    "rights": lambda: Rights.READ | Rights.WRITE,
    "point": lambda: Point(1, 2.5, ["t"]),
    "frozen": lambda: Frozen(1),
    "pair": lambda: Pair(1, [2]),
    "list of own": lambda: ListOfOwn([1, 2]),
    "text of own": lambda: TextOfOwn("t"),
    "int of own": lambda: IntOfOwn(5),
    "recursive list": _recursive_list,
    "recursive dict": _recursive_dict,
    "recursive object": _recursive_object,
    "deep": _deep,
    "exception object": lambda: ValueError("as a value", 1),
    "exception class": lambda: KeyError,
    "traceback object": lambda: sys._getframe(),
    "bytes": lambda: bytes(range(256)) * 20_000,
    "text": lambda: "é\u2028\U0001f3e0" * 100_000,
    "false": lambda: False,
    "zero": lambda: 0,
    "empty": lambda: "",
    "not implemented": lambda: NotImplemented,
    "ellipsis": lambda: ...,
    "partial": lambda: functools.partial(doubled, 21),
    "bound method": lambda: Plain(3).__repr__,
    "logger": lambda: logging.getLogger("peer.logger"),
    "memoryview": lambda: memoryview(b"abc"),
    "coroutine function": lambda: later,
    "property": lambda: property(doubled),
    "environ": lambda: type(os.environ).__name__,
    "many objects": lambda: [Plain(i) for i in range(2000)],
    "object": object,
    "set of frozen": lambda: {Frozen(1), Frozen(2)},
    "tuple of everything": lambda: (None, True, 1, 1.5, 1j, "s", b"b", [1], {1}, {"k": (1,)}),
}


def values_equal(name, expected_module):
    """Whether a module-level object is the very one here."""
    return getattr(sys.modules[expected_module], name) is getattr(sys.modules[__name__], name)


def is_here(value):
    """Whether a class or function travelled by reference to this module's own object."""
    return value is globals().get(value.__name__)


def numpy_value(kind):
    import numpy
    return {
        "ints": lambda: numpy.arange(12).reshape(3, 4),
        "floats": lambda: numpy.linspace(0, 1, 5),
        "nan": lambda: numpy.array([float("nan"), float("inf")]),
        "strings": lambda: numpy.array(["a", "bc"]),
        "objects": lambda: numpy.array([1, "a", None], dtype=object),
        "structured": lambda: numpy.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        "scalar": lambda: numpy.float32(1.5),
        "zero dimensions": lambda: numpy.array(5),
        "empty": lambda: numpy.zeros((0, 3)),
        "bool": lambda: numpy.array([True, False]),
        "complex": lambda: numpy.array([1 + 2j]),
        "fortran": lambda: numpy.asfortranarray(numpy.arange(6).reshape(2, 3)),
        "datetime": lambda: numpy.array(["2020-01-02"], dtype="datetime64[D]"),
        "large": lambda: numpy.arange(1_000_000, dtype="i8"),
        "masked": lambda: numpy.ma.array([1, 2], mask=[0, 1]),
    }[kind]()


def numpy_sum(array):
    return [type(array).__name__, str(array.dtype), list(array.shape), array.sum().item()]


def pandas_value(kind):
    import pandas
    return {
        "frame": lambda: pandas.DataFrame({"a": [1, 2], "b": ["x", None]}),
        "series": lambda: pandas.Series([1.5, 2.5], name="s", index=["p", "q"]),
        "dates": lambda: pandas.DataFrame({"d": pandas.to_datetime(["2020-01-02"])}),
        "category": lambda: pandas.Series(["a", "b", "a"], dtype="category"),
        "timestamp": lambda: pandas.Timestamp("2020-01-02 03:04"),
        "multi": lambda: pandas.DataFrame([[1]], index=pandas.MultiIndex.from_tuples([("a", 1)])),
    }[kind]()


# ---------------------------------------------------------------- exceptions


class Simple(Exception):
    pass


class WithCode(Exception):
    def __init__(self, text, code=0):
        super().__init__(text)
        self.code = code


class TwoNeeded(Exception):
    """Cannot be unpickled: its args are not what its constructor wants."""

    def __init__(self, what, why):
        super().__init__(f"{what}: {why}")
        self.what, self.why = what, why


class KeywordNeeded(Exception):
    def __init__(self, *, reason):
        super().__init__(reason)
        self.reason = reason


class WithReduce(Exception):
    def __init__(self, a, b):
        super().__init__(f"{a}-{b}")
        self.a, self.b = a, b

    def __reduce__(self):
        return WithReduce, (self.a, self.b)


class Unpicklable(Exception):
    def __init__(self, text):
        super().__init__(text)
        self.lock = threading.Lock()


class BadText(Exception):
    def __str__(self):
        raise RuntimeError("no text for you")


class OwnKeyError(KeyError):
    pass


class Mixed(ValueError, LookupError):
    pass


class OfTheBase(BaseException):
    pass


class OwnWarning(UserWarning):
    pass


class NoArgs(Exception):
    def __init__(self):
        super().__init__("always the same")


class ReprOnly(Exception):
    def __str__(self):
        return f"code is {self.args[0]}"


def _chained():
    try:
        {}["inner"]
    except KeyError as error:
        raise ValueError("outer") from error


def _context():
    try:
        {}["inner"]
    except KeyError:
        raise ValueError("during")


def _noted():
    error = ValueError("noted")
    error.add_note("first note")
    error.add_note("second note")
    raise error


def _with_attributes():
    error = ValueError("attributed")
    error.extra = {"a": [1]}
    raise error


def _recursion(n=0):
    return _recursion(n + 1)


def _local():
    class Hidden(Exception):
        pass
    raise Hidden("of a local class")


def _circular():
    error = ValueError("circular")
    error.args = ("circular", error)
    raise error


def _raiser(error):
    def raise_it():
        raise error
    return raise_it


def _group():
    raise ExceptionGroup("many", [ValueError("one"), ExceptionGroup("in", [KeyError("two")])])


def _json():
    import json
    json.loads("{broken")


def _called_process():
    subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=True, cwd="/")


def _warning_as_error():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.warn("raised as an error", OwnWarning)


FAILURES = {
    "value error": _raiser(ValueError("text", 2, ["three"])),
    "no text": _raiser(ValueError()),
    "class": _raiser(ValueError),
    "key error": lambda: {}["missing"],
    "index error": lambda: [][3],
    "attribute error": lambda: (1).nothing,
    "name error": lambda: undefined_name,  # noqa: F821
    "type error": lambda: 1 + "a",
    "zero division": lambda: 1 / 0,
    "overflow": lambda: 2.0 ** 10000,
    "assertion": _raiser(AssertionError("asserted")),
    "not implemented": _raiser(NotImplementedError("later")),
    "lookup": _raiser(LookupError("looked")),
    "file not found": lambda: open("/nowhere/at/all"),
    "os error": _raiser(OSError(5, "io", "file")),
    "disk full": _raiser(OSError(28, "No space left on device")),
    "timeout": _raiser(TimeoutError("too late")),
    "connection reset": _raiser(ConnectionResetError(104, "reset")),
    "connection": _raiser(ConnectionError("gone")),
    "broken pipe": _raiser(BrokenPipeError(32, "pipe")),
    "is a directory": lambda: open("/"),
    "permission": _raiser(PermissionError(13, "not yours")),
    "permission text": _raiser(PermissionError("not yours")),
    "unicode": lambda: b"\xff".decode(),
    "unicode encode": lambda: "\ud800".encode(),
    "import": lambda: __import__("no_such_module_here"),
    "import name": lambda: exec("from os import no_such_name"),
    "syntax": lambda: compile("a b", "<text>", "exec"),
    "memory": _raiser(MemoryError("all of it")),
    "real memory": lambda: bytearray(1 << 62),
    "recursion": _recursion,
    "buffer": _raiser(BufferError("b")),
    "eof": _raiser(EOFError("e")),
    "runtime": _raiser(RuntimeError("r")),
    "system error": _raiser(SystemError("s")),
    "arithmetic": _raiser(ArithmeticError("a")),
    "warning": _raiser(UserWarning("w")),
    "own warning": _warning_as_error,
    "simple": _raiser(Simple("own", 1)),
    "with code": _raiser(WithCode("coded", code=7)),
    "two needed": _raiser(TwoNeeded("what", "why")),
    "keyword needed": _raiser(KeywordNeeded(reason="because")),
    "with reduce": _raiser(WithReduce("a", "b")),
    "unpicklable": _raiser(Unpicklable("holds a lock")),
    "bad text": _raiser(BadText("hidden")),
    "own key error": _raiser(OwnKeyError("k")),
    "mixed": _raiser(Mixed("m")),
    "of the base": _raiser(OfTheBase("b")),
    "no args": _raiser(NoArgs()),
    "repr only": _raiser(ReprOnly(9)),
    "chained": _chained,
    "context": _context,
    "noted": _noted,
    "attributed": _with_attributes,
    "local": _local,
    "circular": _circular,
    "group": _group,
    "json": _json,
    "called process": _called_process,
    "long": _raiser(ValueError("x" * 200_000)),
    "unicode text": _raiser(ValueError("é\u2028\U0001f3e0\x00\x1b[31m")),
    "surrogate": _raiser(ValueError("\ud800")),
    "object argument": _raiser(ValueError(Plain(3))),
    "lambda argument": _raiser(ValueError("lambda", lambda: 1)),
    "cancelled": _raiser(asyncio.CancelledError("c")),
    "system exit": lambda: sys.exit(3),
    "system exit text": lambda: sys.exit("bye"),
    "keyboard interrupt": _raiser(KeyboardInterrupt()),
    "stop iteration": _raiser(StopIteration(5)),
    "stop async iteration": _raiser(StopAsyncIteration("s")),
    "generator exit": _raiser(GeneratorExit("g")),
}


def fail(kind):
    return FAILURES[kind]()


async def fail_later(kind):
    await asyncio.sleep(0)
    return FAILURES[kind]()


def fails_in_thread():
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(fail, "key error").result()


def warns(text):
    warnings.warn(text)
    return "warned"
