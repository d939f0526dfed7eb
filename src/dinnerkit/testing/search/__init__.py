"""What every search backend must do, as tests: subclass :class:`SearchContract`, give one fixture, and run pytest.

    from dinnerkit.testing import SearchBench, SearchContract

    class TestOurSearch(SearchContract):
        @pytest.fixture
        def bench(self):
            index = f"test-{uuid4().hex}"
            return SearchBench(open=lambda: open_search(f"oursearch://127.0.0.1:1234/{index}"))

The tests know a backend by its port alone. What a backend has no capability for is skipped, and says so; so is what a bench can't give. A
failure tells in a sentence what the backend did wrong: :class:`ContractBroken`.
"""

from __future__ import annotations

from dinnerkit.testing.expecting import ContractBroken
from dinnerkit.testing.search.bench import SearchBench, entry
from dinnerkit.testing.search.finding import Finding
from dinnerkit.testing.search.narrowing import Narrowing
from dinnerkit.testing.search.people import AmongPeople
from dinnerkit.testing.search.rebuilding import RebuildingAnew
from dinnerkit.testing.search.standing import Standing
from dinnerkit.testing.search.suggesting import Suggesting
from dinnerkit.testing.search.writing import Writing

__all__ = ["ContractBroken", "SearchBench", "SearchContract", "entry"]


class SearchContract(Finding, Writing, Narrowing, Suggesting, RebuildingAnew, AmongPeople, Standing):
    """The tests that every search backend must pass."""
