"""What every bus must do, as tests: subclass :class:`BusContract`, give one fixture, and run pytest.

    from dinnerkit.testing import BusBench, BusContract

    class TestOurBus(BusContract):
        @pytest.fixture
        def bench(self):
            return BusBench(open=lambda: open_bus("ourbus://127.0.0.1:4222"))

The tests open what they need and close it. What the bench can't give is skipped, and says so.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from dinnerkit.errors import Unavailable
from dinnerkit.ids import new_id
from dinnerkit.ports.bus import LONGEST_TOPIC, MISSED, MOST_BYTES, Bus, Heard, News, Subscription
from dinnerkit.testing.away import away, told_of_itself
from dinnerkit.testing.bench import Bench
from dinnerkit.testing.expecting import ContractBroken, closes_twice, expect, in_time, keeps_secrets, needed, refusal

__all__ = ["BusBench", "BusContract", "ContractBroken"]

_PUBLISHERS, _EACH = 4, 100
_END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class BusBench(Bench[Bus]):
    """What the author of a bus gives to the tests, beside what :class:`~dinnerkit.testing.bench.Bench` says.

    Attributes:
        shared: whether those who were opened by several calls hear each other; a bus in the process's memory says no.
        interrupt: ends the connections by which news are heard, as a restart of the service does.
        patience: seconds after which news that were not heard count as lost.
    """

    shared: bool = True
    interrupt: Callable[[], object] | None = None
    patience: float = 30.0


class BusContract:
    """The tests that every bus must pass."""

    @pytest.fixture
    def bench(self) -> BusBench:
        """The bus to be tested: the one fixture that a subclass gives."""
        raise NotImplementedError(f"{type(self).__name__} must define a fixture `bench` that gives a BusBench")

    def test_it_speaks_through_the_port(self, bench: BusBench) -> None:
        """The core knows a bus, and what it subscribes to, by their methods."""
        with closing(bench.open()) as bus:
            expect(isinstance(bus, Bus), f"{type(bus).__name__} lacks a method of dinnerkit.ports.bus.Bus")
            with bus.subscribe(new_id()) as listener:
                expect(isinstance(listener, Subscription), f"{type(listener).__name__} lacks a method of dinnerkit.ports.bus.Subscription")
            bus.ping()

    def test_news_reach_those_who_listen_to_their_topic_and_nobody_else(self, bench: BusBench) -> None:
        """Whoever listens to several topics hears them all, in one order."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as one, bus.subscribe(topic("a"), topic("b")) as both:
            bus.publish(News(topic("a"), {"n": 1}), News(topic("b"), {"n": 2}))
            bus.publish(News(topic("c"), {"n": 3}))
            _end(bus, topic("a"))
            expect(_numbers(bench, one) == [1], "it hears what it does not listen to, or does not hear what it listens to")
            heard = _numbers(bench, both)
            expect(heard == [1, 2], f"whoever listens to two topics heard {heard} where 1 was told on the one and 2 on the other")

    def test_news_are_heard_once_in_the_order_in_which_they_were_published(self, bench: BusBench) -> None:
        """As one thread published them."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a"), most=1000) as listener:
            for n in range(300):
                bus.publish(News(topic("a"), {"n": n}))
            _end(bus, topic("a"))
            heard = _numbers(bench, listener)
        expect(len(heard) == len(set(heard)), f"news were heard twice: {[n for n in set(heard) if heard.count(n) > 1][:5]}")
        expect(len(heard) == 300, f"of 300 news {len(heard)} were heard, and nothing said that some were missed")
        expect(heard == list(range(300)), "news were heard in another order than that in which they were published")

    def test_several_publishers_lose_nothing_and_keep_their_orders(self, bench: BusBench) -> None:
        """Each is heard in its own order, whatever the others do."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a"), most=1000) as listener:

            def publish(who: int) -> None:
                for n in range(_EACH):
                    bus.publish(News(topic("a"), {"who": who, "n": n}))

            threads = [threading.Thread(target=publish, args=(who,)) for who in range(_PUBLISHERS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            _end(bus, topic("a"))
            heard = _until_end(bench, listener)
        for who in range(_PUBLISHERS):
            theirs = [one.body["n"] for one in heard if isinstance(one, News) and one.body["who"] == who]
            expect(len(theirs) == _EACH, f"of {_EACH} news of one among {_PUBLISHERS} publishers {len(theirs)} were heard")
            expect(theirs == list(range(_EACH)), "the news of one publisher were heard in another order while others published")

    def test_whoever_listens_hears_from_then_on_and_nothing_of_before(self, bench: BusBench) -> None:
        """Once :meth:`subscribe` has returned nothing is missed, and nothing of the past is told."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as first:
            for n in range(5):
                bus.publish(News(topic("a"), {"n": n}))
                _hear(bench, first)
                with bus.subscribe(topic("a")) as second:
                    bus.publish(News(topic("a"), {"n": f"new {n}"}))
                    _end(bus, topic("a"))
                    heard = _numbers(bench, second)
                    expect(n not in heard, "a new subscription heard what was published before it")
                    expect(heard == [f"new {n}"], f"news that were published once subscribe had returned were not heard: {heard}")
                expect(_numbers(bench, first) == [f"new {n}"], "whoever listened already missed news while another came")

    def test_topics_can_be_added_and_dropped(self, bench: BusBench) -> None:
        """At any time, with effect from the call's return."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as listener:
            listener.add(topic("b"))
            bus.publish(News(topic("b"), {"n": 1}))
            _end(bus, topic("a"))
            expect(_numbers(bench, listener) == [1], "it does not hear a topic that was added")
            listener.drop(topic("b"))
            bus.publish(News(topic("b"), {"n": 2}))
            _end(bus, topic("a"))
            expect(_numbers(bench, listener) == [], "it still hears a topic that was dropped")

    def test_a_closed_subscription_hears_nothing(self, bench: BusBench) -> None:
        """Neither of its topics nor of one that somebody adds."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as other:
            listener = bus.subscribe(topic("a"))
            listener.close()
            listener.add(topic("b"))
            bus.publish(News(topic("b"), {"n": 0}), News(topic("a"), {"n": 1}))
            _end(bus, topic("a"))
            _until_end(bench, other)
            heard = listener.next(0)
            expect(heard is None, f"a closed subscription heard {heard!r}")

    def test_who_is_too_slow_is_told_that_they_missed_news(self, bench: BusBench) -> None:
        """And the others are not; memory has a bound."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a"), most=10) as slow, bus.subscribe(topic("a"), most=100) as fast:
            for n in range(50):
                bus.publish(News(topic("a"), {"n": n}))
            _end(bus, topic("a"))
            expect(_numbers(bench, fast) == list(range(50)), "a listener who was quick missed news, since another was slow")
            heard = []
            while (one := slow.next(0.2)) is not None:  # it may be told a moment after the other
                heard.append(one)
        expect(len(heard) <= 11, f"{len(heard)} news wait for a listener who said that at most 10 may")
        expect(MISSED in heard, "news were lost to a slow listener, and no MISSED told it")
        last_missed = len(heard) - heard[::-1].index(MISSED)
        later = [one.body["n"] for one in heard[last_missed:] if isinstance(one, News) and "n" in one.body]
        expect(later == list(range(50 - len(later), 50)), f"after MISSED the slow listener heard {later}, which has gaps")

    def test_a_listener_can_be_woken(self, bench: BusBench) -> None:
        """Before it waits and while it does, from any thread."""
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as listener:
            for wake in (listener.wake, threading.Thread(target=listener.wake).start):
                wake()
                started = time.monotonic()
                heard = listener.next(bench.patience)
                expect(heard is None, f"woken, it says that it heard {heard!r}")
                expect(time.monotonic() - started < bench.patience / 2, "a listener that was woken slept on")
            bus.publish(News(topic("a"), {"n": 1}))
            heard = _hear(bench, listener)
            expect(isinstance(heard, News) and heard.body == {"n": 1}, f"after it was woken it heard {heard!r}")

    def test_news_are_copies_and_json(self, bench: BusBench) -> None:
        """The same types on every bus; what the publisher changes later was not told."""
        body = {"text": "é", "number": 2**40, "share": 0.5, "none": None, "list": [1, {"a": True}]}
        told = dict(body)
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as listener:
            bus.publish(News(topic("a"), told))
            told["text"] = "changed"
            heard = _hear(bench, listener)
        if not isinstance(heard, News):
            raise ContractBroken(f"it heard {heard!r} of one piece of news")
        expect(heard.topic == topic("a"), f"it heard the topic {heard.topic!r} where {topic('a')!r} was told")
        expect(dict(heard.body) == body, f"it heard {dict(heard.body)!r} where {body!r} was told")

    @pytest.mark.parametrize("what", ["no topic", "a long topic", "a long body", "an object"])
    def test_what_is_no_news_is_refused(self, bench: BusBench, what: str) -> None:
        """By ValueError, in the publisher's own thread: it is a fault in the program."""
        wrong = {
            "no topic": News("", {}),
            "a long topic": News("a" * (LONGEST_TOPIC + 1), {}),
            "a long body": News("a", {"a": "b" * MOST_BYTES}),
            "an object": News("a", {"a": object()}),
        }
        with closing(bench.open()) as bus:
            refusal(ValueError, f"news with {what} were published", partial(bus.publish, wrong[what]))

    def test_when_closed_it_is_silent(self, bench: BusBench) -> None:
        """Also the second time."""
        bus = bench.open()
        topic = new_id()
        listener = bus.subscribe(topic)
        closes_twice(bus.close)
        try:
            bus.publish(News(topic, {"n": 1}))
        except Exception as error:
            raise ContractBroken(f"publishing on a closed bus raised {type(error).__name__} ({error})") from error
        heard = listener.next(0.05)
        expect(not isinstance(heard, News), f"a closed bus told {heard!r}")

    def test_news_go_from_one_who_opened_it_to_another(self, bench: BusBench) -> None:
        """As between processes; what was published just before closing is still sent."""
        if not bench.shared:
            pytest.skip("this bus is one process's own")
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a"), most=1000) as listener:
            other = bench.open()
            for n in range(300):
                other.publish(News(topic("a"), {"n": n}))
            other.close()
            _end(bus, topic("a"))
            heard: list[Heard] = []
            while len(heard) < 301:  # the end is told by another, and so in no order with these
                heard.append(_hear(bench, listener))
        numbers = [one.body["n"] for one in heard if isinstance(one, News) and _END not in one.body]
        expect(numbers == list(range(300)), f"of 300 news of another process, which then closed its bus, {len(numbers)} were heard")

    def test_whose_connection_broke_is_told_that_they_may_have_missed_news(self, bench: BusBench) -> None:
        """And hears again by itself."""
        interrupt = needed(bench.interrupt, "way to interrupt the bus")
        with _scene(bench) as (bus, topic), bus.subscribe(topic("a")) as listener:
            bus.publish(News(topic("a"), {"n": 1}))
            _hear(bench, listener)
            interrupt()
            heard = _hear(bench, listener)
            expect(heard is MISSED, f"after an interruption the first that is heard is {heard!r} where MISSED is due")
            bus.publish(News(topic("a"), {"n": 2}))
            heard = _hear(bench, listener)
            while heard is MISSED:
                heard = _hear(bench, listener)
            expect(isinstance(heard, News) and heard.body == {"n": 2}, f"after an interruption it heard {heard!r}")

    @pytest.mark.parametrize("place", ["silent", "closed", "rude"])
    def test_without_its_service_nobody_waits_and_listeners_know(self, bench: BusBench, place: str) -> None:
        """Publishing is no faulty request's business: it returns at once. A ping tells."""
        with away(bench, place) as bus:
            started = time.monotonic()
            in_time(f"the service was {place}, and news were published", partial(_publish, bus, place))
            expect(time.monotonic() - started < bench.at_once, f"the service was {place}, and publishing waited for it")
            refusal(Unavailable, f"the service was {place}, and it was pinged", partial(in_time, "a ping", bus.ping))
            with in_time("a subscription", partial(bus.subscribe, "a")) as listener:
                heard = listener.next(bench.patience)
                expect(heard is MISSED, f"the service was {place}, and the listener heard {heard!r} where MISSED is due")

    def test_its_secrets_stay_its_own(self, bench: BusBench) -> None:
        """They are in no error and no representation."""
        secrets = needed(bench.secrets, "secret to look for")
        keeps_secrets(told_of_itself(bench, lambda bus: [bus.ping]), secrets)


@contextmanager
def _scene(bench: BusBench) -> Iterator[tuple[Bus, Callable[[str], str]]]:
    """An opened bus, and topics that no other test has."""
    mark = new_id()
    with closing(bench.open()) as bus:
        yield bus, lambda name: f"{name}:{mark}"


def _publish(bus: Bus, place: str) -> None:
    try:
        bus.publish(News("a", {"n": 1}))
    except Exception as error:
        raise ContractBroken(f"the service was {place}, and publishing raised {type(error).__name__} ({error})") from error


def _end(bus: Bus, topic: str) -> None:
    """Tell that nothing follows."""
    bus.publish(News(topic, {_END: True}))


def _hear(bench: BusBench, listener: Subscription) -> Heard:
    heard = listener.next(bench.patience)
    if heard is None:
        raise ContractBroken(f"what was published was not heard within {bench.patience:g} s, and nothing said that it was missed")
    return heard


def _until_end(bench: BusBench, listener: Subscription) -> list[Heard]:
    heard: list[Heard] = []
    while True:
        one = _hear(bench, listener)
        if isinstance(one, News) and _END in one.body:
            return heard
        heard.append(one)


def _numbers(bench: BusBench, listener: Subscription) -> list[object]:
    """What was heard until the end, each by its number."""
    return [one.body["n"] if isinstance(one, News) else one for one in _until_end(bench, listener)]
