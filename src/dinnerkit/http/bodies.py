"""How bodies are read: whole, bounded; JSON by orjson, and by no other media type."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import lru_cache, partial
from typing import Any, NoReturn, TypeVar

import orjson
from flask import Request, current_app, request
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser, abort, is_json_request
from webargs.multidictproxy import MultiDictProxy

from dinnerkit.errors import TooLarge
from dinnerkit.http.queries import QueryReader

V = TypeVar("V", bound=Callable[..., Any])

_QUERIES_REMEMBERED, _LONGEST_REMEMBERED = 256, 512
"""For each route with a query; characters."""


def large_body(view: V) -> V:
    """The view takes a file: its body may be as large as the app lets files be."""
    view._dinnerkit_large_body = True  # type: ignore[attr-defined]
    return view


def takes_large_body() -> bool:
    """Whether the view that the present request is for does."""
    view = current_app.view_functions.get(request.endpoint or "")
    return getattr(view, "_dinnerkit_large_body", False)


def raw_body(request: Request) -> bytes:
    """The bytes of the request's body, within the limit that our blueprints set.

    Raises:
        TooLarge: there are more. Of a body that does not say its length Flask gives only as much as is allowed, without a word.
    """
    body = request.get_data(cache=True)
    most = request.max_content_length
    if most is not None and request.content_length is None and len(body) >= most:
        raise TooLarge(f"A body has less than {most} bytes.")
    return body


class StrictParser(FlaskParser):
    """webargs' parser, except that a body of another media type is a 415, and one that is not JSON (RFC 8259) a 400.

    orjson refuses NaN, lone surrogates and invalid UTF-8, which the standard library lets through.
    """

    __location_map__ = FlaskParser.__location_map__ | {"json_if_any": "load_json_if_any"}

    def query_reader(self, schema: Schema) -> Callable[[], Any]:
        """What reads the present request's query by the schema; of the latest queries it remembers what they said."""
        if _takes_several(schema):  # whose lists a view could change
            return partial(self.parse, schema, location="query")
        reader = QueryReader(schema)

        def read(_: str) -> Any:
            try:
                return reader.load(self.load_querystring(request, schema))
            except ValidationError:
                return self.parse(schema, location="query")  # which tells all that is wrong, in the form of all such errors

        remembered = lru_cache(maxsize=_QUERIES_REMEMBERED)(read)

        def of_request() -> Any:
            text = request.environ.get("QUERY_STRING", "")
            return copy(remembered(text)) if len(text) <= _LONGEST_REMEMBERED else read(text)

        return of_request

    def load_querystring(self, req: Request, schema: Schema) -> Any:
        """The parameters; of one that is given twice the first, where its field takes one."""
        if _takes_several(schema):
            return super().load_querystring(req, schema)
        return req.args.to_dict()  # in which what is missing is no exception

    def load_json_if_any(self, req: Request, schema: Schema) -> Any:
        """The body, or an empty object where there is none."""
        return self.load_json(req, schema) if raw_body(req) else {}

    def _raw_load_json(self, req: Request) -> Any:
        body = raw_body(req)
        if not is_json_request(req):
            if body or req.mimetype:
                abort(415, detail="The body must be application/json.")
            abort(400, code="bad_json", detail="A JSON body is needed.")
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError as error:
            _bad_json(error)


def _takes_several(schema: Schema) -> bool:
    """Whether a parameter may be given more than once."""
    return bool(MultiDictProxy({}, schema).multiple_keys)


def _bad_json(error: orjson.JSONDecodeError) -> NoReturn:
    abort(400, exc=error, code="bad_json", detail="The body is not valid JSON.")
