"""What names stand for in Python text: a scope for each function, and no value that is stale."""

from __future__ import annotations

import pytest

from harness.syntax.python import parse, read
from harness.syntax.tree import Call, Name, Value, calls


def kernel(text: str) -> tuple[Value, tuple[str, ...]]:
    """What ``k`` stands for in the one call ``f(k)``, and what of that are defaults."""
    found = {
        id(call): call
        for statement in parse(text)
        for call in calls(statement.value)
        if call.function == Name("f", call.column)
    }
    (call,) = found.values()
    return call.arguments[0].value, call.assumed


KNOWN = {
    "a constant": ("k = 3\nf(k)", 3),
    "given anew": ("k = 3\nk = 5\nf(k)", 5),
    "two names at once": ("k = s = 3\nf(k)", 3),
    "the second of two": ("s = k = 3\nf(k)", 3),
    "unpacked": ("s, (k, n) = 1, (3, 2)\nf(k)", 3),
    "annotated": ("k: int = 3\nf(k)", 3),
    "computed": ("n = 2\nk = n * 2 - 1\nf(k)", 3),
    "outside of a function": ("k = 3\ndef g():\n  return f(k)", 3),
    "outside of two functions": ("k = 3\ndef g():\n  def h():\n    f(k)", 3),
    "outside of a method": ("k = 3\nclass A:\n  def g(self):\n    f(k)", 3),
    "inside of a function": ("def g():\n  k = 3\n  return f(k)", 3),
    "of two functions, its own": ("def g():\n  k = 5\ndef h():\n  k = 3\n  f(k)", 3),
    "in a class": ("class A:\n  k = 3\n  up = f(k)", 3),
    "with": ("with scope() as s:\n  k = 3\n  f(k)", 3),
    "in a branch": ("if a:\n  k = 3\n  f(k)\nelse:\n  k = 5", 3),
    "the same in both branches": ("if a:\n  k = 3\nelse:\n  k = 3\nf(k)", 3),
    "a branch that goes away": ("k = 3\nif a:\n  k = 5\n  raise b\nf(k)", 3),
    "a branch about something else": ("k = 3\nif a:\n  n = 5\nf(k)", 3),
    "a loop about something else": ("k = 3\nfor n in x:\n  f(k)", 3),
    "a comprehension about something else": ("k = 3\ny = [f(k) for n in x]", 3),
    "in try, as in except": ("try:\n  k = 3\nexcept E:\n  k = 3\nf(k)", 3),
    "an element": ("s = [1, 3]\nf(s[1])", 3),
    "an element from the end": ("s = [3, 5]\ns[-1] = 3\nf(s[1])", 3),
    "an element that is set": ("s = [1, 2]\ns[1] = 3\nf(s[1])", 3),
    "a list that is only asked": ("s = [1, 3]\nn = s.index(3)\nf(s[1])", 3),
    "an attribute in the same method": (
        "class A:\n  def __init__(self):\n    self.k = 3\n    f(self.k)",
        3,
    ),
    "an attribute in another method": (
        "class A:\n  def __init__(self):\n    self.k = 3\n  def g(self):\n    f(self.k)",
        3,
    ),
    "an attribute of what is given to a function": ("cfg.k = 3\ndef g():\n  f(cfg.k)", 3),
}


@pytest.mark.parametrize(("text", "value"), KNOWN.values(), ids=KNOWN)
def test_a_name_stands_for(text: str, value: Value) -> None:
    assert kernel(text) == (value, ())


UNKNOWN = {
    "never given": "f(k)",
    "given later": "f(k)\nk = 3",
    "a parameter": "k = 3\ndef g(k):\n  f(k)",
    "a parameter of a lambda": "k = 3\ng = lambda k: f(k)",
    "a parameter of starred arguments": "k = 3\ndef g(*k):\n  f(k)",
    "of another function": "def g():\n  k = 3\ndef h():\n  f(k)",
    "of an inner function": "def g():\n  def h():\n    k = 3\n  f(k)",
    "of a class": "class A:\n  k = 3\nf(k)",
    "of a class, in its method": "class A:\n  k = 3\n  def g(self):\n    f(k)",
    "of its function, later": "k = 3\ndef g():\n  f(k)\n  k = 5",
    "outside, given twice": "k = 3\ndef g():\n  f(k)\nk = 5",
    "outside, given in a loop": "for _ in x:\n  k = 3\ndef g():\n  f(k)",
    "global": "k = 3\ndef g():\n  global k\n  k = 5\ng()\nf(k)",
    "global, in another function": "k = 3\ndef g():\n  global k\n  k = 5\ndef h():\n  f(k)",
    "nonlocal": "def a():\n  k = 3\n  def g():\n    nonlocal k\n    k = 5\n  g()\n  f(k)",
    "the variable of a comprehension": "k = 3\ny = [f(k) for k in x]",
    "the variable of a generator": "k = 3\ny = sum(f(k) for n in x for k in n)",
    "the variable of a dictionary": "k = 3\ny = {k: f(k) for k in x}",
    "the variable of a loop": "k = 3\nfor k in x:\n  f(k)",
    "the variable of a loop, behind it": "k = 3\nfor k in x:\n  pass\nf(k)",
    "changed in a loop": "k = 3\nwhile a:\n  f(k)\n  k += 2",
    "changed in a loop, behind it": "k = 3\nwhile a:\n  k = 5\nf(k)",
    "in one branch": "k = 3\nif a:\n  k = 5\nf(k)",
    "in one of two branches": "if a:\n  k = 3\nelse:\n  n = 3\nf(k)",
    "of another type in one branch": "k = 1\nif a:\n  k = True\nf(k)",
    "another in each branch": "if a:\n  k = 3\nelif b:\n  k = 5\nelse:\n  k = 3\nf(k)",
    "in try": "k = 3\ntry:\n  k = 5\nexcept E:\n  pass\nf(k)",
    "in try, seen by except": "k = 3\ntry:\n  k = 5\nexcept E:\n  f(k)",
    "in except": "k = 3\ntry:\n  g()\nexcept E:\n  k = 5\nf(k)",
    "the name of an exception": "k = 3\ntry:\n  g()\nexcept E as k:\n  f(k)",
    "in a case": "k = 3\nmatch a:\n  case 1:\n    k = 5\nf(k)",
    "what a case takes": "k = 3\nmatch a:\n  case (k, *_):\n    f(k)",
    "what is opened": "k = 3\nwith open(p) as k:\n  f(k)",
    "imported": "k = 3\nfrom sizes import k\nf(k)",
    "imported under the name": "k = 3\nimport sizes as k\nf(k)",
    "deleted": "k = 3\ndel k\nf(k)",
    "a function": "k = 3\ndef k():\n  pass\nf(k)",
    "a class of that name": "k = 3\nclass k:\n  pass\nf(k)",
    "assigned inside": "k = 3\nif (k := g()) > 2:\n  pass\nf(k)",
    "assigned in the same statement": "k = 3\ny = (k := g()), f(k)",
    "unpacked from a call": "k = 3\nk, = g()\nf(k)",
    "unpacked with a star": "k = 3\n*k, n = 1, 2, 3\nf(k)",
    "unpacked with a star beside it": "k = 3\nk, *n = 1, 2, 3\nf(k)",
    "one of two from a call": "k = 3\nn, k = g()\nf(k)",
    "given to two, from a call": "k = 3\nn = k = g()\nf(k)",
    "a list that grows": "s = [3]\ns.append(5)\nf(s[-1])",
    "a list that shrinks": "s = [3, 5]\nn = s.pop()\nf(s[-1])",
    "a list that grows in a loop": "s = [3]\nfor n in x:\n  f(s[-1])\n  s.append(n)",
    "a list that grows in the call": "s = [3]\nf(s[-1], s.append(5))",
    "an element that is not known": "s = [3, 5]\ns[n] = 7\nf(s[0])",
    "an element of what is not known": "s[0] = 3\nf(s[0])",
    "None, where anything is done": "def g(k=None):\n  if k is None:\n    n = 3\n  f(k)",
    "None, where it is given": "def g(k=None):\n  if k is None:\n    n = 3\n  else:\n    f(k)",
    "None, asked of what has another default": "def g(k=3):\n  if k is None:\n    k = 5\n  f(k)",
    "a slice": "s = [3, 5]\ns[:] = g()\nf(s[0])",
    "an attribute of another object": "self.k = 3\nself = g()\nf(self.k)",
    "an attribute that two methods give": (
        "class A:\n  def __init__(self):\n    self.k = 3\n  def g(self):\n    self.k = 5\n"
        "  def h(self):\n    f(self.k)"
    ),
    "an attribute of another class": (
        "class A:\n  def __init__(self):\n    self.k = 3\nclass B:\n  def g(self):\n    f(self.k)"
    ),
    "an attribute that a function gives": "cfg.k = 3\ndef g():\n  cfg.k = 5\nf(cfg.k)",
    "a dictionary that is updated": "s = dict(k=3)\ns.update(k=5)\nf(s)",
}


@pytest.mark.parametrize("text", UNKNOWN.values(), ids=UNKNOWN)
def test_a_name_has_no_value(text: str) -> None:
    value, _ = kernel(text)
    assert isinstance(value, Name)


ASSUMED = {
    "a default": ("def g(k=3):\n  f(k)", 3, ("k=3",)),
    "a default by keyword": ("def g(*, k=3):\n  f(k)", 3, ("k=3",)),
    "computed from a default": ("def g(n=2):\n  k = n + 1\n  f(k)", 3, ("n=2",)),
    "computed anew": ("def g(k=1):\n  k = k * 3\n  f(k)", 3, ("k=1",)),
    "of two": ("def g(a=1, b=2):\n  s = [a, b]\n  f(s[0] + s[1])", 3, ("a=1", "b=2")),
    "in an attribute": (
        "class A:\n  def __init__(self, k=3):\n    self.k = k\n  def g(self):\n    f(self.k)",
        3,
        ("k=3",),
    ),
    "through branches": ("def g(k=3, n=1):\n  if a:\n    n = 2\n  f(k)", 3, ("k=3",)),
    "by the function": ("def g(k=None):\n  if k is None:\n    k = 3\n  f(k)", 3, ("k=None",)),
    "given anew": ("def g(k=1):\n  k = 3\n  f(k)", 3, ()),
}


@pytest.mark.parametrize(("text", "value", "defaults"), ASSUMED.values(), ids=ASSUMED)
def test_a_value_that_a_caller_may_give_is_said_to_be_assumed(
    text: str, value: Value, defaults: tuple[str, ...]
) -> None:
    assert kernel(text) == (value, defaults)


def test_a_statement_knows_what_was_given_before_it() -> None:
    text = "w = load()\nk = 3\nw = cut(w)\nn, c = w.shape\nf(w)\nk = 5"
    found = parse(text)[-2]
    assert isinstance(found.value, Call)
    assert list(found.assigned) == ["k", "w", "n", "c"]
    assert found.assigned["k"] == 3
    assert found.assigned["c"] == Name("(w.shape)[1]", found.assigned["c"].column)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("f(1)\nf(2)", [(), ()]),
        ("with a:\n  f(1)\nf(2)", [(), (), ()]),
        ("if a:\n  f(1)\nelse:\n  f(2)\nf(3)", [(1,), (2,), ()]),
        ("def g():\n  f(1)\n  for n in x:\n    f(2)", [(1,), (1, 2)]),
    ],
)
def test_a_statement_knows_where_it_stands(text: str, blocks: list[tuple[int, ...]]) -> None:
    assert [statement.block for statement in parse(text)] == blocks


def test_what_is_left_out_is_a_line() -> None:
    text = "a = 1\n  print a\nb = 2".replace("  ", "")
    (unread,) = read(text).unread
    assert text[unread.start : unread.end] == "print a"
    assert unread.error.column == unread.start


def test_names_and_branches_without_end_take_little_time() -> None:
    """Copies of all names for each of many functions, branches and comprehensions."""
    lines = [f"n{i}=1\nif a:b{i}=[c for c in d]" for i in range(310)]
    assert len(parse("\n".join(lines))) == 620
