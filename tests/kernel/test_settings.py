from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from dinnerkit.demo import demo_settings
from dinnerkit.errors import SettingError
from dinnerkit.ports.urls import parse_url
from dinnerkit.settings import BACKENDS, SETTING_NAMES, Settings
from dinnerkit.testing import settings_for_tests


def load(environ: dict[str, str] | None = None, mapping: dict[str, object] | None = None, file: Path | None = None) -> Settings:
    return Settings.load(mapping, environ=environ or {}, file=file)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "dinnerkit.toml"
    path.write_text(text, "utf-8")
    return path


class TestDefaults:
    def test_nothing_is_needed_and_everything_is_embedded(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        settings = load()
        data = f"{tmp_path}/dinnerkit-data"
        assert settings.data == data
        assert settings.database == f"embedded://{data}"
        assert settings.queue == f"sqlite://{data}/queue.db"
        assert settings.gateway == f"sandbox://{data}/gateway.db"
        assert settings.media == f"disk://{data}"

    def test_everything_lies_beside_the_embedded_database(self, tmp_path: Path) -> None:
        settings = load({"DINNERKIT_DATABASE": f"embedded://{tmp_path}/here"})
        assert (settings.data, settings.queue) == (f"{tmp_path}/here", f"sqlite://{tmp_path}/here/queue.db")

    @pytest.mark.parametrize("name", ["a folder", "Küche", "50% off", "%41", "what?", "#1", "a:b@c"])
    def test_the_folder_may_have_any_name(self, name: str, tmp_path: Path) -> None:
        data = tmp_path / name
        for settings in (Settings(**settings_for_tests("", data)), demo_settings(data, {})):
            assert {parse_url(getattr(settings, kind)).path for kind in ("database", "media")} == {data}
            assert {parse_url(getattr(settings, kind)).path.parent for kind in ("queue", "gateway", "mail")} == {data}

    def test_what_is_said_is_not_replaced(self) -> None:
        settings = load({"DINNERKIT_DATABASE": "mongodb://host/name", "DINNERKIT_QUEUE": "redis://host/1", "DINNERKIT_DATA": "/var/d"})
        assert (settings.database, settings.queue) == ("mongodb://host/name", "redis://host/1")
        assert settings.gateway == "sandbox:///var/d/gateway.db"

    def test_they_can_not_be_changed(self) -> None:
        with pytest.raises(FrozenInstanceError):
            load().demo = True  # type: ignore[misc]


class TestSources:
    def test_what_comes_later_wins_and_each_value_knows_its_origin(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "hold_seconds = 100\noffer_seconds = 100\nlog_level = 'debug'\n")
        environ = {"DINNERKIT_OFFER_SECONDS": "200", "DINNERKIT_LOG_LEVEL": "error", "OTHER": "x"}
        settings = load(environ, {"log_level": "warning"}, file)
        assert (settings.hold_seconds, settings.offer_seconds, settings.log_level) == (100, 200, "warning")
        origins = {name: origin for name, (_, origin) in settings.shown().items()}
        assert origins["hold_seconds"] == str(file)
        assert origins["offer_seconds"] == "the environment"
        assert origins["log_level"] == "the program"
        assert origins["demo"] == "default"

    def test_the_environment_can_name_the_file(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "hold_seconds = 77")
        assert load({"DINNERKIT_SETTINGS": str(file)}).hold_seconds == 77

    def test_of_an_apps_config_only_the_prefixed_names_are_ours(self) -> None:
        config = {"DEBUG": True, "SECRET_KEY": "theirs", "DINNERKIT_HOLD_SECONDS": 5, "DINNERKIT_DEMO": False}
        settings = load({}, config)
        assert (settings.hold_seconds, settings.secret_key, settings.demo) == (5, "", False)
        assert load({}, {"DEBUG": True}) == load()

    def test_of_an_apps_config_an_unknown_name_with_the_prefix_is_an_error(self) -> None:
        with pytest.raises(SettingError, match="unknown setting hold_secods in the program; did you mean hold_seconds"):
            load({}, {"DEBUG": True, "DINNERKIT_HOLD_SECODS": 5})

    @pytest.mark.parametrize("name", ["SETTINGS", "MONGOD", "DEBUG", "REQUIRE_SERVICES", "TEST_DATABASE", "TEST_EXAMPLES"])
    def test_names_that_mean_something_elsewhere_are_no_settings(self, name: str, tmp_path: Path) -> None:
        assert load({f"DINNERKIT_{name}": str(toml(tmp_path, ""))}) == load()


class TestMistakes:
    def test_an_unknown_name_is_one_line_with_the_nearest_known(self) -> None:
        with pytest.raises(SettingError) as caught:
            load({"DINNERKIT_DATABSE": "x"})
        assert caught.value.message == "unknown setting DINNERKIT_DATABSE in the environment; did you mean database?"

    def test_an_unknown_name_that_is_near_nothing_lists_what_there_is(self) -> None:
        with pytest.raises(SettingError) as caught:
            load({}, {"xyzzy": 1})
        assert all(name in caught.value.message for name in SETTING_NAMES)
        assert "\n" not in caught.value.message

    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("hold_seconds", "soon", "hold_seconds is a whole number from 1 to 86400, not 'soon'"),
            ("hold_seconds", 0, "hold_seconds is a whole number from 1 to 86400, not 0"),
            ("hold_seconds", 86_401, "from 1 to 86400"),
            ("hold_seconds", 1.5, "whole number"),
            ("hold_seconds", True, "whole number"),
            ("hold_seconds", None, "whole number"),
            ("demo", "perhaps", "demo is true or false, not 'perhaps'"),
            ("log_level", "loud", "log_level is one of debug, info, warning, error, not 'loud'"),
            ("log_format", "xml", "log_format is one of auto, console, json"),
            ("cache", "memory", "cache: 'memory' is not a backend URL"),
            ("mail", 5, "mail is a text, not 5"),
            ("public_url", "dinners.example", "public_url is an address such as https://dinners.example, not 'dinners.example'"),
            ("public_url", "ftp://dinners.example", "public_url is an address"),
            ("public_url", "https://", "public_url is an address"),
            ("public_url", "https://dinners.example:99999", "public_url is an address"),
            ("public_url", "https://[dinners.example", "public_url is an address"),
            ("public_url", "https://dinners.example/?a=b", "public_url is an address"),
            ("mail_from", "nobody", "mail_from is a sender such as 'Dinners <no-reply@dinners.example>', not 'nobody'"),
            ("mail_from", "Dinners, Inc <a@dinners.example>", "mail_from is a sender"),
            ("mail_from", "", "mail_from is a sender"),
        ],
    )
    def test_a_wrong_value_is_named_with_what_is_allowed(self, name: str, value: object, words: str) -> None:
        with pytest.raises(SettingError) as caught:
            load({}, {name: value})
        assert words in caught.value.message

    def test_a_wrong_url_does_not_show_its_password(self) -> None:
        with pytest.raises(SettingError) as caught:
            load({}, {"database": "Mongo://user:hunter2@host/name"})
        assert "hunter2" not in caught.value.message

    def test_a_file_that_is_missing_or_no_toml_is_said(self, tmp_path: Path) -> None:
        with pytest.raises(SettingError, match="can't be read: No such file"):
            load(file=tmp_path / "gone.toml")
        with pytest.raises(SettingError, match="is not TOML"):
            load(file=toml(tmp_path, "hold_seconds = "))
        (tmp_path / "latin.toml").write_bytes(b"mail_from = '\xfc'")
        with pytest.raises(SettingError, match="is not TOML"):
            load(file=tmp_path / "latin.toml")

    def test_an_unknown_name_in_a_file_names_the_file(self, tmp_path: Path) -> None:
        file = toml(tmp_path, "hold = 1")
        with pytest.raises(SettingError, match=rf"unknown setting hold in {file}"):
            load(file=file)


class TestValues:
    @pytest.mark.parametrize(("text", "value"), [("1", True), ("Yes", True), ("on", True), ("false", False), ("0", False), ("OFF", False)])
    def test_yes_and_no_have_several_words(self, text: str, value: bool) -> None:
        assert load({"DINNERKIT_DEMO": text}).demo is value

    def test_a_path_is_a_text(self, tmp_path: Path) -> None:
        assert load({}, {"data": tmp_path}).data == str(tmp_path)

    def test_secrets_are_masked_where_settings_are_shown(self) -> None:
        shown = load(
            {
                "DINNERKIT_SECRET_KEY": "k" * 32,
                "DINNERKIT_DATABASE": "mongodb://user:hunter2@host/name?authSource=admin",
                "DINNERKIT_GATEWAY": "sandbox:///g.db?secret=whsec_1&webhook_delay=2",
            }
        ).shown()
        assert shown["secret_key"][0] == "***"
        assert shown["database"][0] == "mongodb://user:***@host/name?authSource=admin"
        assert shown["gateway"][0] == "sandbox:///g.db?secret=***&webhook_delay=2"

    def test_no_secret_stays_visible_as_none(self) -> None:
        assert load().shown()["secret_key"] == ("", "default")

    def test_the_repr_does_not_show_secrets(self) -> None:
        settings = load({"DINNERKIT_SECRET_KEY": "hunter2" * 4, "DINNERKIT_DATABASE": "mongodb://user:hunter2@host/name"})
        assert "hunter2" not in repr(settings)

    def test_every_backend_is_a_setting(self) -> None:
        assert set(BACKENDS) <= set(SETTING_NAMES)
