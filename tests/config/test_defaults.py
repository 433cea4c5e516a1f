"""The defaults are those of the listing in the specification (data/listing.toml is its text)."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmspell.config import Config, load
from llmspell.config.layer import CATALOGUE
from llmspell.config.setting import Section

LISTING = Path(__file__).parent / "data" / "listing.toml"
EXAMPLES = ("state.access", "state.sensitive", "state.classes")


def flat(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        key = prefix + name
        if isinstance(value, dict) and key not in EXAMPLES:
            yield from flat(value, key + ".")
        else:
            yield key, value


LISTED = dict(flat(tomllib.loads(LISTING.read_text())))
DEFAULTS = {key: value for key, value in LISTED.items() if key not in EXAMPLES}


def test_the_listing_was_read_whole() -> None:
    assert len(DEFAULTS) == 70
    assert {"state.journal.keep_days", "state.migration_enabled", "runtime.hooks.enabled"} < DEFAULTS.keys()


@pytest.mark.parametrize(("key", "value"), DEFAULTS.items())
def test_a_key_of_the_listing_has_the_default_the_listing_says(key: str, value: object) -> None:
    default = Config([]).get(key)
    assert (default, type(default)) == (value, type(value))


def test_the_whole_listing_loads_and_changes_nothing_but_the_examples() -> None:
    config = load(str(LISTING), environ={}, allow_unbuilt=True)
    assert config.notices == []
    for key in CATALOGUE.settings:
        if not key.startswith(EXAMPLES):
            assert config.get(key) == Config([]).get(key)
    assert config.state.classes == {"tmp:*": "ephemeral"}
    assert config.state.sensitive.redact_patterns == [r"\b\d{3}-\d{2}-\d{4}\b"]
    rule = config.state.access[0]
    assert (rule.principal, rule.scope, rule.permission) == ("agent_123", "agent:agent_123", "read_write")


def test_every_key_the_listing_names_only_in_a_comment_exists() -> None:
    config = Config([])
    for key in (
        "state.backup.keep_hourly",
        "state.backup.keep_weekly",
        "state.backup.keep_monthly",
        "state.encryption.key_file",
        "state.encryption.key_command",
        "state.sled.cache_capacity",
        "state.sled.flush_every_ms",
        "state.rocksdb.max_open_files",
        "state.rocksdb.block_cache_size",
        "state.rocksdb.bloom_filter_bits",
        "state.rocksdb.compression",
        "state.postgres.dsn",
        "state.postgres.dsn_env",
        "state.postgres.schema",
        "state.postgres.pool_size",
    ):
        config.get(key)
    assert "state.sled.use_compression" in CATALOGUE.ignored


def test_every_default_passes_its_own_check() -> None:
    for key, setting in CATALOGUE.settings.items():
        assert setting.check(setting.default) == setting.default, key


def test_every_example_passes_its_own_check() -> None:
    for key, setting in CATALOGUE.settings.items():
        if setting.example is not None:
            assert setting.check(setting.example) == setting.example, key


def test_without_any_source_nothing_is_given_and_state_is_in_memory() -> None:
    config = load(environ={}, cwd="/")
    assert config.source is None
    assert config.state.enabled
    assert config.state.backend == "memory"
    assert not any(config.is_given(key) for key in CATALOGUE.settings)


def test_two_configs_share_no_list() -> None:
    first, second = Config([]), Config([])
    first.engines.lua.package_paths.append("x")
    first.state.classes["a"] = "trusted"
    assert second.engines.lua.package_paths == []
    assert second.state.classes == {}


def test_sections_are_attributes_as_the_file_has_tables() -> None:
    config = Config([])
    for name, section in CATALOGUE.tables.items():
        if section is None:
            continue
        found: Any = config
        for part in name.split("."):
            found = getattr(found, part)
        assert isinstance(found, Section)


def test_an_unknown_key_is_a_programming_mistake() -> None:
    config = Config([])
    with pytest.raises(KeyError):
        config.is_given("state.pth")
    with pytest.raises(KeyError):
        config.get("state.pth")
