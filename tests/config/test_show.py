"""`config show`: what holds, and where each value came from."""

from llmspell.config.layer import CATALOGUE

from .conftest import Place


def test_every_setting_is_shown_with_its_origin(place: Place) -> None:
    path = place.write("[state]\nmax_value_bytes = 7\nbackup_retention_days = 3\n")
    config = place.load(
        path, profile="state-enabled", environ={"LLMSPELL_ENGINE": "javascript"}, overrides={"state.path": "/x"}
    )
    rows = {row.key: row for row in config.show()}
    assert list(rows) == list(CATALOGUE.settings)
    shown = {row.key: (row.value, row.origin) for row in rows.values() if row.origin != "default"}
    assert shown == {
        "default_engine": ("javascript", "LLMSPELL_ENGINE"),
        "state.backend": ("disk", "profile state-enabled:4"),
        "state.path": ("/x", "command line"),
        "state.max_value_bytes": (7, f"{path}:2"),
        "state.backup.retention_days": (3, f"{path}:3"),
    }
    assert str(rows["state.path"]) == 'state.path = "/x"'
    assert rows["state.path"].help


def test_a_secret_is_redacted(place: Place) -> None:
    config = place.text("[state.postgres]\ndsn = 'postgresql://u:hunter2@h/d'\n")
    (row,) = config.show("state.postgres.dsn")
    assert (row.value, row.origin) == ("**redacted**", f"{config.source}:2")
    assert "hunter2" not in "".join(map(str, config.show()))
    assert config.state.postgres.dsn == "postgresql://u:hunter2@h/d"


def test_a_secret_that_is_empty_is_shown_empty(place: Place) -> None:
    assert place.load().show("state.postgres.dsn")[0].value == ""


def test_a_prefix_is_a_key_or_a_section(place: Place) -> None:
    config = place.load()
    assert [row.key for row in config.show("state.path")] == ["state.path"]
    keys = [row.key for row in config.show("state.journal")]
    assert keys == ["state.journal.enabled", "state.journal.keep_days", "state.journal.keep_versions"]
    assert config.show("state.jour") == []


def test_rules_are_shown_as_plain_data(place: Place) -> None:
    rule = {"principal": "a", "scope": "b", "permission": "admin"}
    config = place.load(overrides={"state.access": [rule]}, allow_unbuilt=True)
    assert config.show("state.access")[0].value == [rule]
