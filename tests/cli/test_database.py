"""``db init`` and ``user create``."""

from __future__ import annotations

from collections.abc import Callable

from pymongo.database import Database

from dinnerkit.documents import DOCUMENTS
from tests.cli.running import Ended

GOOD = "wicker harbour oblong\n"


def test_db_init_makes_all_indexes_and_may_be_repeated(run_served: Callable[..., Ended], database: Database):
    database.client.drop_database(database.name)
    for _ in range(2):
        ended = run_served("db", "init")
        assert (ended.code, ended.err) == (0, "")
    for document in DOCUMENTS:
        wanted = {index.document["name"] for index in document.index_models}
        assert wanted <= set(database[document.collection_name].index_information())


def test_a_database_that_is_down_is_one_line_and_exit_code_1(run_served: Callable[..., Ended]):
    ended = run_served("db", "init", DINNERKIT_DATABASE="mongodb://127.0.0.1:9/x?serverSelectionTimeoutMS=200")
    assert ended.code == 1
    assert ended.err.startswith("dinnerkit: MongoDB can't be reached")
    assert ended.err.count("\n") == 1


def test_a_user_is_made_verified_and_with_the_role(run_served: Callable[..., Ended], database: Database):
    ended = run_served("user", "create", "Ada@Example.org", "--role", "admin", "--name", "Ada", "--password-stdin", stdin=GOOD)
    assert (ended.code, ended.err) == (0, "")
    row = database["users"].find_one({})
    assert row is not None
    assert (row["name"], row["role"]) == ("Ada", "admin")
    assert row["verified_at"] is not None
    assert row["_id"] in ended.out
    assert GOOD.strip() not in str(row)


def test_what_is_wrong_with_a_user_is_one_line_and_exit_code_2(run_served: Callable[..., Ended]):
    assert run_served("user", "create", "ada@example.org", "--password-stdin", stdin=GOOD).code == 0
    again = run_served("user", "create", "ADA@example.org", "--password-stdin", stdin=GOOD)
    weak = run_served("user", "create", "bob@example.org", "--password-stdin", stdin="short\n")
    address = run_served("user", "create", "nobody", "--password-stdin", stdin=GOOD)
    asked = run_served("user", "create", "bob@example.org", stdin=GOOD)
    expected = ((again, "registered"), (weak, "10 to 128 characters"), (address, "an @-sign"), (asked, "--password-stdin"))
    for ended, says in expected:
        assert (ended.code, ended.out) == (2, "")
        assert says in ended.err
        assert ended.err.count("\n") == 1
