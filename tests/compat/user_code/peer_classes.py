# SPDX-License-Identifier: Apache-2.0
"""Classes that the cases of tests/compat/peer send to a server."""
import abc
import asyncio
import dataclasses
import functools
import threading

import runhouse as rh

log = []


def lines_of_log():
    return list(log)


class Account:
    bank = "gatehouse"
    opened = 0

    def __init__(self, owner, balance=0, *notes, limit=None, **more):
        print(f"opening for {owner}")
        self.owner = owner
        self.balance = balance
        self.notes = list(notes)
        self.limit = limit
        self.more = more
        self._secret = "private"
        self.__hidden = "mangled"
        self.nested = Nested(balance)
        self.callback = lambda x: x + 1
        type(self).opened += 1

    def deposit(self, amount):
        self.balance += amount
        return self.balance

    def deposit_loudly(self, amount):
        print(f"{self.owner} deposits {amount}")
        return self.deposit(amount)

    def reveal(self):
        return self.__hidden

    def _private(self, x=1):
        return ["private", x]

    def __dunder__(self):
        return "dunder"

    def __len__(self):
        return 3

    def __getitem__(self, key):
        return ["item", key]

    def __contains__(self, key):
        return key == "inside"

    @property
    def summary(self):
        return f"{self.owner}: {self.balance}"

    @property
    def rate(self):
        return getattr(self, "_rate", 1)

    @rate.setter
    def rate(self, value):
        if value < 0:
            raise ValueError("a rate is not negative")
        self._rate = value * 2

    @property
    def broken(self):
        raise LookupError("broken property")

    @property
    def missing_inside(self):
        return self.no_such_attribute

    @functools.cached_property
    def costly(self):
        log.append("costly computed")
        return self.balance * 100

    @staticmethod
    def currency(prefix=""):
        return prefix + "EUR"

    @classmethod
    def describe(cls, suffix=""):
        return cls.bank + suffix

    @classmethod
    def opened_so_far(cls):
        return cls.opened

    @classmethod
    def make(cls, owner):
        return cls(owner, 10)

    def itself(self):
        return self

    def another(self):
        return Nested(5)

    def state(self):
        return {"owner": self.owner, "balance": self.balance, "notes": self.notes,
                "limit": self.limit, "more": self.more}

    def forecast(self, n):
        for i in range(n):
            yield self.balance + i

    async def deposit_later(self, amount):
        await asyncio.sleep(0.01)
        return self.deposit(amount)

    async def forecast_later(self, n):
        for i in range(n):
            await asyncio.sleep(0)
            yield self.balance + i

    def deposit_coroutine(self, amount):
        return self.deposit_later(amount)

    def overdraw(self):
        raise Overdrawn("no money", self.balance)

    def with_self_keyword(self, key, method_name="m", name="n", process="p"):
        return [key, method_name, name, process]

    def compare(self, other):
        return self.balance == other

    def call_other(self, *args):
        return ["other", *args]


class Overdrawn(Exception):
    def __init__(self, text, balance=0):
        super().__init__(text)
        self.balance = balance


class Nested:
    def __init__(self, n):
        self.n = n
        self.inner = {"deep": [n]}

    def double(self):
        return self.n * 2

    def __repr__(self):
        return f"Nested({self.n})"


class Base(abc.ABC):
    level = "base"

    def __init__(self, a):
        self.a = a
        self.order = ["base"]

    def shared(self):
        return f"base shared {self.a}"

    def overridden(self):
        return "base"

    @abc.abstractmethod
    def needed(self):
        """To be written by a subclass."""

    @classmethod
    def which(cls):
        return cls.level

    @property
    def prop(self):
        return "base prop"


class Mixin:
    def mixed(self):
        return "mixed in"


class Derived(Mixin, Base):
    level = "derived"

    def __init__(self, a, b):
        super().__init__(a)
        self.b = b
        self.order.append("derived")

    def overridden(self):
        return ["derived", super().overridden()]

    def needed(self):
        return "written"

    @property
    def prop(self):
        return ["derived prop", super().prop]

    def is_instance(self):
        return [isinstance(self, Base), isinstance(self, Mixin), isinstance(self, Derived)]


class Callable:
    def __init__(self, factor=2):
        self.factor = factor

    def __call__(self, x, plus=0):
        return x * self.factor + plus


class CallableGenerator:
    def __call__(self, n):
        yield from range(n)


class Slots:
    __slots__ = ("a", "b")

    def __init__(self, a):
        self.a = a

    def get(self):
        return self.a

    def put(self, value):
        self.b = value
        return self.b


class Dynamic:
    """Answers for every attribute."""

    def __init__(self):
        self.known = 1

    def __getattr__(self, name):
        if name.startswith("dyn_"):
            return f"made up {name}"
        if name.startswith("call_"):
            return lambda *args: [name, *args]
        raise AttributeError(f"no dynamic {name}")


class Guarded:
    """Refuses some attributes to be set."""

    def __init__(self):
        self.allowed = 0

    forbidden = "as it was"

    def __setattr__(self, name, value):
        if name == "forbidden":
            raise TypeError("forbidden indeed")
        object.__setattr__(self, name, value)

    def read(self, name):
        return getattr(self, name)


@dataclasses.dataclass
class Record:
    a: int
    b: str = "b"
    c: list = dataclasses.field(default_factory=list)

    def both(self):
        return [self.a, self.b, self.c]


class Meta(type):
    def __new__(mcs, name, bases, namespace):
        made = super().__new__(mcs, name, bases, namespace)
        made.added_by_meta = "meta"
        return made


class WithMeta(metaclass=Meta):
    def read(self):
        return self.added_by_meta


class Refusing:
    def __init__(self, why):
        print("about to refuse")
        raise ValueError(f"refused: {why}")

    def method(self):
        return "never"


class NoInit:
    value = 1

    def bump(self):
        self.value += 1
        return self.value


class Defaults:
    def __init__(self, a=1, b="two"):
        self.a, self.b = a, b

    def read(self):
        return [self.a, self.b]


class Locked:
    """Holds what cannot be pickled."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = 0
        self.function = lambda: 1

    def add(self):
        with self.lock:
            self.count += 1
            return self.count


class Singleton:
    _one = None

    @classmethod
    def get(cls):
        if cls._one is None:
            cls._one = cls()
            cls._one.n = 0
        cls._one.n += 1
        return cls._one.n


class Chain:
    def __init__(self):
        self.items = []

    def add(self, item):
        self.items.append(item)
        return self

    def all(self):
        return self.items


class ContextManager:
    def __init__(self):
        self.steps = []

    def __enter__(self):
        self.steps.append("enter")
        return "entered"

    def __exit__(self, *error):
        self.steps.append("exit")

    def seen(self):
        return self.steps


class Comparable:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other

    def __lt__(self, other):
        return self.n < other

    def __add__(self, other):
        return self.n + other

    def __hash__(self):
        return self.n

    def __bool__(self):
        return False

    def __str__(self):
        return f"comparable {self.n}"

    def __repr__(self):
        return f"<Comparable {self.n}>"

    def __int__(self):
        return self.n

    def __iter__(self):
        yield self.n


class Outer:
    class Inner:
        def hello(self):
            return "from the inner class"

    def make(self):
        return type(self.Inner()).__name__


class OwnModule(rh.Module):
    """A subclass of the client's own base class."""

    def __init__(self, size, name=None):
        super().__init__(name=name)
        self.size = size
        self.history = []

    def grow(self, by=1):
        self.size += by
        self.history.append(by)
        return self.size

    def generate(self, n):
        for i in range(n):
            yield self.size + i

    @property
    def area(self):
        return self.size ** 2

    @staticmethod
    def unit():
        return "m"

    async def grow_later(self, by):
        await asyncio.sleep(0)
        return self.grow(by)


class Registry:
    """Its methods get and put have names of the client's cluster methods."""

    def __init__(self):
        self.things = {}

    def put(self, key, value):
        self.things[key] = value

    def get(self, key, default=None):
        return self.things.get(key, default)

    def keys(self):
        return sorted(self.things)

    def delete(self, key):
        return self.things.pop(key)

    def call(self, x):
        return ["called", x]

    def map(self, values):
        return [v + 1 for v in values]

    def run(self, x):
        return ["run", x]
