"""Reading people from a file: CSV, TSV or Parquet, one person a row."""

from __future__ import annotations

import csv
import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from dinnerkit.matching.errors import PeopleFileInvalid
from dinnerkit.matching.files.parquet import PARQUET, parquet_rows
from dinnerkit.matching.files.rows import BadRow, CarelessRow, People, PeopleRows

__all__ = ["BadRow", "CarelessRow", "People", "read_people"]

MOST_LINE_BYTES = 64_000

_DELIMITERS = "\t,;|"
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
    for number, cells in enumerate(parquet_rows(stream), 1):
        if number == 1:
            rows.header(cells)
        else:
            rows.row(number, cells)


def _take_text(rows: PeopleRows, stream: BinaryIO | gzip.GzipFile) -> None:
    """The first line that is not blank is the header; blank lines are passed over."""
    delimiter = ""
    for number, line in _lines(stream):
        if not line.strip():
            continue
        if not rows.has_header:
            delimiter, names = _header(line)
            rows.header(names)
            continue
        try:
            cells = _split(line.decode("utf-8"), delimiter)
        except (UnicodeDecodeError, csv.Error) as problem:
            rows.unreadable(number, "not valid UTF-8" if isinstance(problem, UnicodeDecodeError) else str(problem))
        else:
            rows.row(number, cells)


def _lines(stream: BinaryIO | gzip.GzipFile) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := stream.readline(MOST_LINE_BYTES + 1):
        number += 1
        if len(line) > MOST_LINE_BYTES:
            raise PeopleFileInvalid(f"line {number} is longer than {MOST_LINE_BYTES} bytes")
        yield number, line


def _header(line: bytes) -> tuple[str, list[str]]:
    """The delimiter, and the names of the columns."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PeopleFileInvalid("its first line is not text in UTF-8") from None
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        return delimiter, _split(text, delimiter)
    except csv.Error as error:
        raise PeopleFileInvalid(f"its first line is not a header: {error}") from None


def _split(text: str, delimiter: str) -> list[str]:
    text = text.rstrip("\r\n")
    if '"' not in text:
        return text.split(delimiter)
    return next(csv.reader([text], delimiter=delimiter, strict=True))
