"""List files as the data sets publish them: lines with numbers, and errors that name file and line.

Publishers mix line ends (CR LF, CR, LF), tabs and blanks, byte order marks, and files without a last
newline; file names may hold bytes that are no UTF-8. Everything here accepts that, and refuses the rest
with the place. Memory: one list file at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harkit.errors import ArgumentError, FileAccessError, FilePermissionError, MissingFileError

# Bytes that are no UTF-8 survive the way into a path and back (PEP 383).
ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


@dataclass(frozen=True)
class Line:
    """One line of a list file, without its end, and where it stands (numbers from 1)."""

    path: Path
    number: int
    text: str

    def error(self, message: str) -> ArgumentError:
        """Return the error that names this line."""
        return ArgumentError(f"{self.path}, line {self.number}: {message}", path=self.path)

    def integer(self, field: str, what: str) -> int:
        """Return `field` as a number from 0, or raise with the place."""
        if not (field.isascii() and field.isdigit()):
            raise self.error(f"{what} must be a whole number from 0, got {field!r}")
        return int(field)


def read_text(path: Path) -> str:
    """Return the text of a list file; line ends become LF, a byte order mark is dropped."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise MissingFileError(f"{path}: there is no such list file", path=path) from None
    except PermissionError:
        raise FilePermissionError(f"{path}: the list file may not be read", path=path) from None
    except OSError as error:
        raise FileAccessError(f"{path}: {error.strerror}", path=path) from None
    if b"\0" in data:
        raise ArgumentError(f"{path}: not a text file, it holds NUL bytes", path=path)
    text = data.removeprefix(b"\xef\xbb\xbf").decode(**ENCODING)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_lines(path: Path) -> Iterator[Line]:
    """Yield the lines that are not blank, stripped of white space at both ends."""
    for number, text in enumerate(read_text(path).split("\n"), start=1):
        if text.strip():
            yield Line(path, number, text.strip())


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise where `value` is none of the closed `choices` of the argument `name`."""
    if not any(type(value) is type(choice) and value == choice for choice in choices):
        allowed = ", ".join(repr(choice) for choice in choices)
        raise ArgumentError(f"`{name}` must be one of {allowed}, got {value!r}")


def check_class_names(names: list[str], source: object) -> tuple[str, ...]:
    """Return the class names, or raise where there is none or one stands twice."""
    if not names:
        raise ArgumentError(f"{source}: there are no classes")
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise ArgumentError(f"{source}: class names stand twice: {', '.join(doubles)}")
    return tuple(names)
