"""Rows of text out of a Parquet file, by pyarrow, which is imported only when there is one to read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from typing import Any, BinaryIO

from dinnerkit.matching.errors import PeopleFileInvalid

PARQUET = b"PAR1"
"""How such a file begins, and ends."""

_ROWS_AT_ONCE = 5_000


def parquet_rows(stream: BinaryIO, wanted: Callable[[str], bool]) -> Iterator[list[str]]:
    """The names of the wanted columns, then their cells of each row as text.

    Lists are told as ``a;b``, mappings as ``a=1;b=2``, bytes as the text that they are in UTF-8, and nothing as an empty text. What is in
    other columns, such as moments that Python has no numbers for, is not looked at.

    Raises:
        PeopleFileInvalid: pyarrow is not installed, or can't read it.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise PeopleFileInvalid("it is in Parquet, and reading that needs pyarrow: pip install 'dinnerkit[parquet]'") from None
    try:
        file = parquet.ParquetFile(stream)
        names = file.schema_arrow.names
        places = [place for place, name in enumerate(names) if wanted(name)]
        yield [names[place] for place in places]
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            columns = [batch.column(place).to_pylist() for place in places]
            yield from ([_text(cell) for cell in cells] for cells in zip(*columns, strict=True))
    except (arrow.ArrowException, ValueError, OverflowError) as error:  # the last two where Python has nothing for what a cell holds
        raise PeopleFileInvalid(f"pyarrow can't read it: {str(error).splitlines()[0]}") from error


def _text(cell: Any) -> str:
    if cell is None or cell != cell:  # noqa: PLR0124 - not a number
        return ""
    if isinstance(cell, bytes):
        return cell.decode("utf-8", "replace")
    if isinstance(cell, Mapping):
        return ";".join(f"{key}={_text(value)}" for key, value in cell.items())
    if isinstance(cell, list):
        return ";".join(f"{one[0]}={one[1]}" if isinstance(one, tuple) else _text(one) for one in cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
