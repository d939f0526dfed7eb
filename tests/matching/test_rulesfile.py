from __future__ import annotations

import pytest

from dinnerkit.matching import (
    DEFAULT_RULES,
    Balanced,
    CommonLanguage,
    Demand,
    DietsServed,
    Floor,
    NobodyAlone,
    RuleInvalid,
    SharedInterests,
    SimilarTrait,
    VenueTable,
    wish,
)
from dinnerkit.matching.files.rulesfile import KINDS, read_rules


def written(tmp_path, text):
    path = tmp_path / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_is_the_default_rules(tmp_path):
    found = read_rules(written(tmp_path, ""))
    assert (found.rules, found.tables) == (DEFAULT_RULES, None)


def test_rules_are_added_changed_and_left_out(tmp_path):
    text = """
    without = ["near_budget", "mixed_extraversion"]
    [[rules]]
    rule = "similar_trait"
    trait = "openness"
    weight = 30
    [[rules]]
    rule = "nobody_alone"
    label = "gender"
    [[rules]]
    rule = "diets_served"
    served = ["vegan"]
    """
    rules = read_rules(written(tmp_path, text)).rules
    names = [rule.name for rule in rules]
    assert len(set(names)) == len(names)
    assert not {"budget", "mixed_extraversion"} & set(names)
    assert rules[-3:] == (SimilarTrait("openness", 30), NobodyAlone("gender"), DietsServed(frozenset({"vegan"})))


def test_without_the_defaults_only_what_is_written_holds(tmp_path):
    text = 'defaults = false\n[[rules]]\nrule = "floor"\nleast = 60\n[[rules]]\nrule = "balanced"\nlabel = "gender"\n'
    assert read_rules(written(tmp_path, text)).rules == (Floor(60), Balanced("gender"))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("floor", "diets_served")])
def test_every_kind_of_rule_can_be_written_in_its_other_form(tmp_path, kind):
    needs = {"label": '"gender"', "trait": '"openness"', "years": "10", "dinners": "3", "least": "1"}
    fields = [name for name in KINDS[kind].__dataclass_fields__ if name in needs]
    soft = hasattr(KINDS[kind], "score")
    text = f'defaults = false\n[[rules]]\nrule = "{kind}"\n' + "".join(f"{name} = {needs[name]}\n" for name in fields)
    (plain,) = read_rules(written(tmp_path, text)).rules
    (rule,) = read_rules(written(tmp_path, text + ("demand = 0.4\n" if soft else "weight = 25\n"))).rules
    assert rule == (Demand(plain, 0.4) if soft else wish(plain, 25))


def test_a_default_rule_that_gets_a_weight_holds_no_longer_and_one_that_is_demanded_keeps_its_weight(tmp_path):
    text = '[[rules]]\nrule = "common_language"\nweight = 20\n[[rules]]\nrule = "shared_interests"\ndemand = 0.3\n'
    rules = read_rules(written(tmp_path, text)).rules
    assert rules[-2:] == (wish(CommonLanguage(), 20), Demand(SharedInterests(), 0.3))
    assert CommonLanguage() not in rules
    assert SharedInterests() in rules


def test_a_venues_tables_are_read(tmp_path):
    text = '[[tables]]\nseats = 6\ncount = 2\n[[tables]]\nseats = [4, 8]\ndiets = ["vegan"]\nname = "Long one"\n'
    tables = read_rules(written(tmp_path, text)).tables
    assert tables == (VenueTable(6, 6), VenueTable(6, 6), VenueTable(4, 8, frozenset({"vegan"}), "Long one"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_rule_can_be_written(tmp_path, kind):
    needs = {"label": '"gender"', "trait": '"openness"', "years": "10", "dinners": "3", "least": "1"}
    fields = [name for name in KINDS[kind].__dataclass_fields__ if name in needs]
    text = f'defaults = false\n[[rules]]\nrule = "{kind}"\n' + "".join(f"{name} = {needs[name]}\n" for name in fields)
    (rule,) = read_rules(written(tmp_path, text)).rules
    assert isinstance(rule, KINDS[kind])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weights = 3", "the file has the key 'weights', which means nothing; allowed: defaults, without, rules, tables"),
        ('[[rules]]\nrule = "similar_trait"\ntrait = "openness"\nwieght = 3', "did you mean weight? allowed: trait, weight, width, demand"),
        ('[[rules]]\nrule = "humour"', "rule 1 is 'humour', which is no rule; allowed: parties_together, "),
        ('[[rules]]\nrule = "nobody_alon"', "did you mean nobody_alone? "),
        ('[[rules]]\nrule = ["floor"]', "rule 1 is '['floor']', which is no rule; did you mean floor? "),
        ("[[rules]]\nweight = 3", "rule 1 does not say which it is; rule must be one of "),
        ('[[rules]]\nrule = "never_met"\nyears = 3', "rule 1 (never_met) has the key 'years', which means nothing; allowed: weight"),
        ('[[rules]]\nrule = "diets_served"\nweight = 3', "(diets_served) has the key 'weight', which means nothing; allowed: served"),
        ('[[rules]]\nrule = "floor"\nleast = 3\nweight = 3', "(floor) has the key 'weight', which means nothing; allowed: least"),
        ('[[rules]]\nrule = "never_met"\nweight = 0', "rule 1 (never_met): the weight of wish_never_met must be a positive number, not 0"),
        ('[[rules]]\nrule = "never_met"\nweight = "3"', "rule 1 (never_met): weight must be a number, not '3'"),
        (
            '[[rules]]\nrule = "shared_interests"\ndemand = 2',
            "the least of demand_shared_interests must be more than 0 and at most 1, not 2",
        ),
        ('[[rules]]\nrule = "nobody_alone"', "rule 1 (nobody_alone) needs label"),
        ('[[rules]]\nrule = "nobody_alone"\nlabel = 3', "rule 1 (nobody_alone): label must be a text, not 3"),
        ('[[rules]]\nrule = "age_range"\nyears = "ten"', "years must be a number, not 'ten'"),
        ('[[rules]]\nrule = "not_met_within"\ndinners = 1.5', "dinners must be a whole number, not 1.5"),
        ('[[rules]]\nrule = "close_in_age"\nweight = true', "weight must be a number, not True"),
        ('[[rules]]\nrule = "close_in_age"\nweight = -1', "the weight of close_in_age must be a positive number, not -1"),
        ('[[rules]]\nrule = "diets_served"\nserved = "vegan"', "served must be a list of texts"),
        ('[[rules]]\nrule = "similar_trait"\ntrait = "humour"', "there is no trait 'humour'; it must be one of extraversion, "),
        ('[[rules]]\nrule = "never_met"\n[[rules]]\nrule = "never_met"', "the rule never_met is given more than once"),
        ("rules = 3", "rules must be written as [[rules]], once for each"),
        ("defaults = 1", "defaults must be true or false, not 1"),
        ('without = ["nonsense"]', "without names 'nonsense', which is no default rule; allowed: party, "),
        ('[[tables]]\nseats = "6"', "table 1: seats must be a whole number, or two such as [4, 6], not '6'"),
        ("[[tables]]\nseats = 6\n[[tables]]\nseats = [6, 4]", "table 2: a table size must be whole numbers with 1 <= fewest <= most"),
        ('[[rules]]\nrule = "age_range"\nyears = 1' + "0" * 400, "(age_range): years must be a number, not 1000"),
        ('[[rules]]\nrule = "shared_interests"\nenough = 256', "the enough of shared_interests must be from 1 to 255, not 256"),
        ("defaults = " + "9" * 5000, "is not TOML: Exceeds the limit"),
        ("defaults = " + "[" * 5000 + "]" * 5000, "is not TOML: maximum recursion depth"),
        ("[[tables]]\nseats = 6\ncount = 0", "table 1: count must be a whole number from 1"),
        ("[[tables]]\nseat = 6", "table 1 has the key 'seat', which means nothing; did you mean seats? "),
        ("= 3", "is not TOML: "),
    ],
)
def test_what_means_nothing_is_told_in_one_line_that_names_what_is_allowed(tmp_path, text, message):
    path = written(tmp_path, text)
    with pytest.raises(RuleInvalid) as caught:
        read_rules(path)
    assert message in caught.value.message
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path):
    with pytest.raises(RuleInvalid, match=r"nothing\.toml can't be read: No such file"):
        read_rules(tmp_path / "nothing.toml")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleInvalid, match="is not TOML"):
        read_rules(tmp_path / "b.toml")


def test_a_byte_order_mark_is_no_part_of_the_rules(tmp_path):
    (tmp_path / "rules.toml").write_text("defaults = false", encoding="utf-8-sig")
    assert read_rules(tmp_path / "rules.toml").rules == ()
