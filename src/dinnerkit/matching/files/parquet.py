"""Rows of text out of a Parquet file, by pyarrow, which is imported only when there is one to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, BinaryIO

from dinnerkit.matching.errors import PeopleFileInvalid

PARQUET = b"PAR1"
"""How such a file begins, and ends."""

_ROWS_AT_ONCE = 5_000


def parquet_rows(stream: BinaryIO) -> Iterator[list[str]]:
    """The names of the columns, then each row's cells as text; lists as ``a;b``, mappings as ``a=1;b=2``, nothing as an empty text.

    Raises:
        PeopleFileInvalid: pyarrow is not installed, or can't read it.
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise PeopleFileInvalid("it is in Parquet, and reading that needs pyarrow: pip install 'dinnerkit[parquet]'") from None
    try:
        file = parquet.ParquetFile(stream)
        yield list(file.schema_arrow.names)
        for batch in file.iter_batches(_ROWS_AT_ONCE):
            columns = [column.to_pylist() for column in batch.columns]
            yield from ([_text(cell) for cell in cells] for cells in zip(*columns, strict=True))
    except arrow.ArrowException as error:
        raise PeopleFileInvalid(f"pyarrow can't read it: {str(error).splitlines()[0]}") from error


def _text(cell: Any) -> str:
    if cell is None or cell != cell:  # noqa: PLR0124 - not a number
        return ""
    if isinstance(cell, Mapping):
        return ";".join(f"{key}={_text(value)}" for key, value in cell.items())
    if isinstance(cell, list):
        return ";".join(f"{one[0]}={one[1]}" if isinstance(one, tuple) else _text(one) for one in cell)
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
