"""Reading people from a file: CSV, TSV or Parquet, one person a row."""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dinnerkit.matching.errors import PeopleFileInvalid
from dinnerkit.matching.files.parquet import PARQUET, parquet_rows
from dinnerkit.matching.files.rows import BadRow, CarelessRow, People, PeopleRows, is_read

__all__ = ["BadRow", "CarelessRow", "People", "read_people"]

MOST_LINE_BYTES = 64_000

_DELIMITERS = "\t,;|"
_UNENDED = "unexpected end of data"
"""What the csv module says of a quoted cell without an end."""

_GZIP = b"\x1f\x8b"


def read_people(path: str | os.PathLike[str]) -> People:
    """Read people from a CSV or TSV file, gzipped or not, or from a Parquet file; which it is, is told from its content.

    One person a row. Columns, in any order: ``E1`` … ``O10`` (1–5; 0, empty or NA is missing), and optionally ``id``, ``age``,
    ``languages``, ``interests`` and ``diets`` (each a list separated by semicolons), ``budget``, ``party``, ``dinners``, ``met`` and
    ``blocked`` (lists of ids), ``met_ago`` (such as ``ada=2;bob=1``), ``state:gender`` or any other ``state:`` column, and ``engnat``
    of the openpsychometrics.org data: whoever filled in that English questionnaire is taken to read English, native or not. All
    other columns are left unread.

    A bad row is skipped and reported. Ages outside 10–100 are taken as not told.

    Raises:
        PeopleFileInvalid: no such file, not a table of people, too large, without one usable row, or Parquet without pyarrow.
    """
    source = Path(path)
    rows = PeopleRows()
    try:
        with source.open("rb") as raw:
            if raw.peek(len(PARQUET))[: len(PARQUET)] == PARQUET:
                _take_parquet(rows, raw)
            else:
                zipped = raw.peek(2)[:2] == _GZIP
                with gzip.open(raw, "rb") if zipped else raw as stream:
                    _take_text(rows, stream)
        people = rows.people()
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise PeopleFileInvalid(f"{source} can't be read: {why}") from error
    except PeopleFileInvalid as error:
        raise PeopleFileInvalid(f"{source} is not a file of people: {error.message}") from error
    if not people.guests:
        first = f"; line {people.bad[0].line}: {people.bad[0].reason}" if people.bad else ""
        raise PeopleFileInvalid(f"{source} has no usable row among its {people.rows}{first}")
    return people


def _take_parquet(rows: PeopleRows, stream: BinaryIO) -> None:
    """Rows are numbered as lines would be, the first being 2."""
    for number, cells in enumerate(parquet_rows(stream, is_read), 1):
        if number == 1:
            rows.header(cells)
        else:
            rows.row(number, cells)


def _take_text(rows: PeopleRows, stream: BinaryIO | gzip.GzipFile) -> None:
    """The first line that is not blank is the header; blank lines are passed over."""
    delimiter, width = "", 0
    lines = _Lines(stream)
    for number, line in lines:
        if not line.strip():
            continue
        if not rows.has_header:
            delimiter, names = _header(line)
            width = len(names)
            rows.header(names)
            continue
        try:
            cells = _split(line.decode("utf-8"), delimiter)
        except UnicodeDecodeError:
            rows.unreadable(number, "not valid UTF-8")
        except csv.Error as problem:
            whole = _continued(line, lines, delimiter, width) if str(problem) == _UNENDED else None
            if whole is None:
                rows.unreadable(number, str(problem))
            else:
                rows.row(number, whole)
        else:
            rows.row(number, cells)


def _continued(line: bytes, lines: _Lines, delimiter: str, width: int) -> list[str] | None:
    """The cells of a row that goes on in the next lines, as one of its cells holds line ends; None, and no line taken, if it does not."""
    for count, following in enumerate(lines.ahead(), 1):
        line += following
        if len(line) > MOST_LINE_BYTES:
            return None
        if b'"' not in following:
            continue
        try:
            cells = _split(line.decode("utf-8"), delimiter)
        except UnicodeDecodeError:
            return None
        except csv.Error as problem:
            if str(problem) == _UNENDED:
                continue
            return None
        if len(cells) != width:
            return None
        lines.skip(count)
        return cells
    return None


class _Lines:
    """The lines of a file with their numbers, of which one can look at the next few before they are taken."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile) -> None:
        self._stream = stream
        self._number = 0
        self._next: deque[bytes] = deque()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while line := self._next.popleft() if self._next else self._read(self._number + 1):
            self._number += 1
            yield self._number, line

    def ahead(self) -> Iterator[bytes]:
        """The lines that come next, which stay to be taken."""
        place = 0
        while place < len(self._next) or self._look():
            yield self._next[place]
            place += 1

    def skip(self, count: int) -> None:
        """Pass over so many lines that were looked at."""
        for _ in range(count):
            self._next.popleft()
        self._number += count

    def _look(self) -> bool:
        line = self._read(self._number + len(self._next) + 1)
        if line:
            self._next.append(line)
        return bool(line)

    def _read(self, number: int) -> bytes:
        line = self._stream.readline(MOST_LINE_BYTES + 1)
        if len(line) > MOST_LINE_BYTES:
            raise PeopleFileInvalid(f"line {number} is longer than {MOST_LINE_BYTES} bytes")
        return line


def _header(line: bytes) -> tuple[str, list[str]]:
    """The delimiter, and the names of the columns."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PeopleFileInvalid("its first line is not text in UTF-8") from None
    if "\r" in text.rstrip("\r\n"):
        raise PeopleFileInvalid("its lines end in carriage returns alone; save it with line feeds")
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        return delimiter, _split(text, delimiter)
    except csv.Error as error:
        raise PeopleFileInvalid(f"its first line is not a header: {error}") from None


def _split(text: str, delimiter: str) -> list[str]:
    text = text.rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
