"""Pickles that would run code, and files that claim more than they hold: refused, named, in little memory."""

from __future__ import annotations

import collections
import io
import os
import pickle
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import harkit
from harkit.errors import DecodeError, UnsupportedError

MAGIC = 0x1950A86A20F9469CFC6C


class Call:
    """Pickles as a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = function, arguments

    def __reduce__(self) -> Any:
        return self.reduced


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/data/0", bytes(16))
    return buffer.getvalue()


def legacy(content: bytes) -> bytes:
    parts = [pickle.dumps(part, 2) for part in (MAGIC, 1001, {"little_endian": True})]
    keys = ["0"] if b"FloatStorage" in content else []
    return b"".join([*parts, content, pickle.dumps(keys, 2), (4).to_bytes(8, "little"), bytes(16)])


CONTAINERS = {"zip": zipped, "legacy": legacy}


def storage(elements: int = 4, key: str = "0") -> bytes:
    """The opcodes of a float32 storage."""
    number = b"\x8a\x08" + elements.to_bytes(8, "little", signed=True)
    return (
        b"(X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\0"
        + key.encode()
        + b"X\x03\0\0\0cpu"
        + number
        + b"tQ"
    )


def long(number: int) -> bytes:
    return b"\x8a\x08" + number.to_bytes(8, "little", signed=True)


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], offset: int = 0, elements: int = 4) -> bytes:
    """The opcodes of a tensor on that storage."""
    sizes = b"".join(b"(" + b"".join(map(long, numbers)) + b"t" for numbers in (shape, strides))
    function = b"ctorch._utils\n_rebuild_tensor_v2\n"
    return function + b"(" + storage(elements) + long(offset) + sizes + b"\x89}tR"


def state(*values: bytes) -> bytes:
    """The pickle of a dictionary of values."""
    entries = b"".join(b"X\x01\0\0\0" + bytes([97 + i]) + value for i, value in enumerate(values))
    return b"\x80\x02}(" + entries + b"u."


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize(
    ("call", "name"),
    [
        (Call(os.system, "touch ran"), r"posix\.system"),
        (Call(eval, "open('ran', 'w')"), r"(builtins|__builtin__)\.eval"),
        (Call(exec, "open('ran', 'w')"), r"(builtins|__builtin__)\.exec"),
        (Call(getattr, os, "system"), r"(builtins|__builtin__)\.getattr"),
        (Call(subprocess.Popen, ["touch", "ran"]), r"(subprocess|commands)\.Popen"),
        (Call(__import__, "os"), r"(builtins|__builtin__)\.__import__"),
        ({"state_dict": {"w": Call(os.system, "touch ran")}}, r"posix\.system"),
        (collections.OrderedDict(w=Call(os.system, "touch ran")), r"posix\.system"),
    ],
    ids=lambda value: None if not isinstance(value, str) else value.split(".")[-1],
)
def test_a_pickle_that_would_run_code_is_refused_by_name(
    container: str, protocol: int, call: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if isinstance(call, Call) and call.reduced[1][:1] == (os,):
        call = Call(getattr, "os", "system")  # modules do not pickle
    path = tmp_path / "evil.pth"
    path.write_bytes(CONTAINERS[container](pickle.dumps(call, protocol)))
    with pytest.raises(UnsupportedError, match=f"evil.pth: its pickle names `{name}`"):
        harkit.weights.read(path)
    assert not (tmp_path / "ran").exists()


class Network:
    """A class of a user's."""


def test_a_pickled_object_is_refused_by_its_class(tmp_path: Path) -> None:
    path = tmp_path / "model.pth"
    for protocol in (2, 4):
        path.write_bytes(zipped(pickle.dumps({"model": Network()}, protocol)))
        with pytest.raises(UnsupportedError, match=r"names `(copy_reg|copyreg|.*Network)"):
            harkit.weights.read(path)


# A pickle, and what is said of it.
HOSTILE = {
    "chain of calls": (b"\x80\x02ccollections\nOrderedDict\n)R)R.", "calls what is no function"),
    "call of a tensor": (b"\x80\x02" + tensor((2,), (1,)) + b")R.", "calls what is no function"),
    "call of a class": (b"\x80\x02ctorch\nFloatStorage\n)R.", "calls Storage.* of an unknown form"),
    "object of a class": (b"\x80\x02ctorch\nFloatStorage\n)\x81.", "makes an object of a class"),
    "inst": (b"\x80\x02(ios\nsystem\n.", r"names `os\.system`"),
    "obj": (b"\x80\x02(ccollections\nOrderedDict\no.", "makes an object of a class"),
    "extension": (b"\x80\x02\x82\x01.", "names a class by a number"),
    "text for persistent id": (b"\x80\x02X\x01\0\0\0aQ.", "a storage is not described by a tuple"),
    "other persistent id": (b"\x80\x02(X\x06\0\0\0moduletQ.", "storage is of an unknown form"),
    "memo": (b"\x80\x02h\x07.", "asks for what was not memorised"),
    "empty stack": (b"\x80\x02.", "its stack is empty"),
    "no mark": (b"\x80\x02t.", "a mark is missing"),
    "unknown opcode": (b"\x80\x02\xff.", "opcode 0xff at byte 2 is unknown"),
    "long text": (b"\x80\x02X\xff\xff\xff\x7fabc.", "it ends early"),
    "longer text": (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.", "it ends early"),
    "long number": (b"\x80\x02\x8b\xff\xff\xff\x7f\x01.", "it ends early"),
    "beyond the storage": (state(tensor((5,), (1,))), "tensor `a` of shape .5. reaches beyond its 4 stored"),
    "stride beyond": (state(tensor((2,), (4,))), "tensor `a` of shape .2. reaches beyond its 4 stored"),
    "offset beyond": (state(tensor((1,), (1,), 4)), "tensor `a` of shape .1. reaches beyond its 4 stored"),
    "negative stride": (state(tensor((2,), (-1,), 3)), "strides of a tensor are no sizes"),
    "negative size": (state(tensor((-2,), (1,))), "strides of a tensor are no sizes"),
    "huge expanded": (state(tensor((1 << 40,), (0,))), "tensor `a` claims 1099511627776 elements"),
    "overflow": (state(tensor((1 << 62, 1 << 62), (1, 1))), "tensor `a` claims the shape .* any memory"),
    "missing strides": (state(tensor((2, 2), (1,))), "tensor `a` has 2 axes but 1 strides"),
    "huge storage": (state(tensor((1,), (1,), 0, 1 << 60)), "storage|entry"),
    "negative storage": (state(tensor((1,), (1,), 0, -4)), "storage `0` claims -4 elements"),
    "two sizes of one storage": (
        state(tensor((1,), (1,)), tensor((1,), (1,), 0, 3)),
        "storage `0` is described twice, differently",
    ),
    "many axes": (state(tensor((1,) * 40, (1,) * 40)), "strides of a tensor are no sizes"),
    # Each list holds the one before ten times.
    "unfolding lists": (
        b"\x80\x02]q\x00" + b"".join(b"](" + b"h%c" % i * 10 + b"eq%c" % (i + 1) for i in range(20)) + b".",
        "nests values",
    ),
    "list in itself": (b"\x80\x02]q\x00h\x00a.", "nests values"),
    "deep": (b"\x80\x02" + b"]" * 1000 + b"a" * 999 + b".", "nests values"),
    "long names": (
        b"\x80\x02}X\xff\xff\0\0" + b"n" * 65535 + storage() + b"s.",
        "keys are neither short text",
    ),
    "same name twice": (
        b"\x80\x02}(X\x01\0\0\0a" + tensor((1,), (1,)) + b"X\x01\0\0\0a" + tensor((1,), (1,)) + b"u.",
        "tensor `a` is there twice",
    ),
    "copied lists": (
        b"\x80\x02](" + b"NN\x86" * 500 + b"eq\x00ccollections\nOrderedDict\nq\x01" + b"h\x01h\x00\x85R" * 9,
        "copies lists again and again",
    ),
}  # fmt: skip


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("kind", HOSTILE)
def test_a_pickle_that_claims_or_calls_what_is_not_there_is_an_error(
    kind: str, container: str, tmp_path: Path
) -> None:
    content, message = HOSTILE[kind]
    path = tmp_path / "evil.pth"
    path.write_bytes(CONTAINERS[container](content))
    with pytest.raises((DecodeError, UnsupportedError), match=message) as caught:
        harkit.weights.read(path)
    assert caught.value.path == path


def test_the_same_opcodes_without_a_lie_are_read(tmp_path: Path) -> None:
    for container in CONTAINERS.values():
        path = tmp_path / "good.pth"
        path.write_bytes(container(state(tensor((2, 2), (1, 2)), tensor((1,), (1,), 3))))
        assert harkit.weights.read(path).shapes == {"a": (2, 2), "b": (1,)}


def test_names_that_python_2_wrote_are_text(tmp_path: Path) -> None:
    (tmp_path / "old.pth").write_bytes(zipped(b"\x80\x02}U\x06weight" + tensor((2,), (1,)) + b"s."))
    assert harkit.weights.read(tmp_path / "old.pth").shapes == {"weight": (2,)}


READ_ALL = """
import resource, sys
import harkit
resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
for path in sys.argv[1:]:
    try:
        harkit.weights.read(path)
    except harkit.errors.HarkitError:
        continue
    raise SystemExit(f"{path} was read")
# Not ru_maxrss, which knows the size of the process that this one was forked from.
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


def test_no_claim_of_a_length_is_allocated(tmp_path: Path) -> None:
    contents = [container(content) for container in CONTAINERS.values() for content, _ in HOSTILE.values()]
    contents.append(b"\xff\xff\xff\xff\xff\xff\xff\x7f{" + bytes(100))
    contents.append(b"\x00\xe0\xf5\x05\x00\x00\x00\x00{" + bytes(100))
    shape = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999, 9999), }"
    contents.append(b"\x93NUMPY\x01\x00" + len(shape).to_bytes(2, "little") + shape + bytes(100))
    contents.append(b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + shape)
    directory = zipped(b"\x80\x02N.")
    end = directory.rindex(b"PK\x05\x06")
    contents.append(directory[: end + 8] + b"\xff\xff\xff\xff" + directory[end + 12 :])
    paths = []
    for number, content in enumerate(contents):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(content)
    done = subprocess.run([sys.executable, "-c", READ_ALL, *paths], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 300 << 10, f"{done.stdout} KiB"
