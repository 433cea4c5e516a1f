"""Old files load as they are: every old key is honoured at its new home, or accepted and named once."""

from collections.abc import Callable

import pytest

from llmspell.config.layer import CATALOGUE

from .conftest import Place

HONOURED = [
    ('[engines.lua]\nstdlib_level = "none"', "engines.lua.stdlib", "none"),
    ("[engines.lua]\nmax_memory = 5", "engines.lua.memory_limit", 5),
    ("[engines.javascript]\nmax_heap_size = 6", "engines.javascript.memory_limit", 6),
    ("[runtime.security]\nmax_memory_bytes = 7", "engines.lua.memory_limit", 7),
    ("[runtime.security]\nmax_memory_bytes = 7", "engines.javascript.memory_limit", 7),
    ("[runtime.security]\nmax_execution_time_ms = 1500", "runtime.script_timeout_seconds", 1.5),
    ("[runtime.events]\nevent_buffer_size = 9", "runtime.events.buffer_size", 9),
    ("[runtime.state_persistence]\nenabled = false", "state.enabled", False),
    ('[runtime.state_persistence]\nbackend_type = "sled"', "state.backend", "disk"),
    ("[runtime.state_persistence]\nmigration_enabled = true", "state.migration.enabled", True),
    ('[runtime.state_persistence]\nschema_directory = "s"', "state.migration.schema_directory", "s"),
    ("[runtime.state_persistence]\nbackup_on_migration = false", "state.migration.backup_on_migration", False),
    ("[runtime.state_persistence]\nmax_state_size_bytes = 11", "state.max_value_bytes", 11),
    ("[runtime.state_persistence]\nbackup_enabled = true", "state.backup.enabled", True),
    ('[runtime.state_persistence.backup]\nbackup_dir = "b"', "state.backup.backup_dir", "b"),
    ("[runtime.state_persistence.backup]\ncompression_enabled = false", "state.backup.compression", "none"),
    ("[runtime.state_persistence.backup]\ncompression_enabled = true", "state.backup.compression", "zstd"),
    ('[runtime.state_persistence.backup]\ncompression_type = "gzip"', "state.backup.compression", "gzip"),
    ("[runtime.state_persistence.backup]\ncompression_level = 9", "state.backup.compression_level", 9),
    ("[runtime.state_persistence.backup]\nincremental_enabled = false", "state.backup.incremental_enabled", False),
    ("[runtime.state_persistence.backup]\nmax_backups = 4", "state.backup.max_backups", 4),
    ("[runtime.state_persistence.backup]\nmax_backup_age = 2592000", "state.backup.retention_days", 30),
    ("[runtime.state_persistence.backup]\nmax_backup_age = 43200", "state.backup.retention_days", 0.5),
    ("[state]\nmigration_enabled = true", "state.migration.enabled", True),
    ("[state]\nbackup_enabled = true", "state.backup.enabled", True),
    ("[state]\nbackup_retention_days = 3", "state.backup.retention_days", 3),
    ("[state.sled]\nflush_every_ms = 12", "state.flush_every_ms", 12),
    ("[state.sled]\ncache_capacity = 13", "state.performance.cache_size", 13),
    ('[state]\nbackend = "sled"', "state.backend", "disk"),
    ('[state]\nbackend = "lmdb"', "state.backend", "disk"),
    ('[runtime.sessions]\nstorage_backend = "sled"', "runtime.sessions.storage_backend", "disk"),
]

UNUSED = [
    ('[providers.openai]\napi_key = "sk-1"\nnested = { since = 2020-01-01 }', "providers"),
    ("[runtime]\nmax_concurrent_scripts = 4", "runtime.max_concurrent_scripts"),
    ("[runtime]\nenable_streaming = true", "runtime.enable_streaming"),
    ("[runtime.hooks]\nmax_hooks = 4", "runtime.hooks.max_hooks"),
    ("[runtime.hooks]\ncircuit_breaker_threshold = 0.5", "runtime.hooks.circuit_breaker_threshold"),
    ("[runtime.events]\nmax_subscribers = 4", "runtime.events.max_subscribers"),
    ("[engines.lua]\nsandbox_mode = true", "engines.lua.sandbox_mode"),
    ('[engines.javascript]\nmodule_resolution = "node"', "engines.javascript.module_resolution"),
    ("[engines.javascript]\nallow_eval = false", "engines.javascript.allow_eval"),
    ("[engines.javascript]\nallow_timers = true", "engines.javascript.allow_timers"),
    ("[engines.javascript]\nallow_console = true", "engines.javascript.allow_console"),
    ("[engines.javascript]\nmax_event_loop_ticks = 10", "engines.javascript.max_event_loop_ticks"),
    ("[engines.javascript]\ntypescript = true", "engines.javascript.typescript"),
    ("[engines.javascript]\njsx = true", "engines.javascript.jsx"),
    ("[engines.javascript]\nstrict_mode = true", "engines.javascript.strict_mode"),
    ("[engines.javascript]\nenable_console = true", "engines.javascript.enable_console"),
    ("[state.sled]\nuse_compression = true", "state.sled.use_compression"),
]


@pytest.mark.parametrize(("text", "key", "value"), HONOURED)
def test_an_old_key_is_honoured_at_its_new_home(place: Place, text: str, key: str, value: object) -> None:
    config = place.text(text, allow_unbuilt=True)
    assert config.get(key) == value
    assert config.notices == []


@pytest.mark.parametrize(("text", "key"), UNUSED)
def test_a_key_that_asks_for_nothing_we_have_is_accepted_and_named_once(place: Place, text: str, key: str) -> None:
    path = place.write(text)
    for _ in ("parsed", "from the cache"):
        notices = place.load(path).notices
        assert len(notices) == 1
        assert notices[0].startswith(f"{path}:")
        assert f" {key} is accepted and not used (" in notices[0]
        assert "sk-1" not in notices[0]


def test_the_tables_above_hold_every_old_key() -> None:
    def keys(text: str) -> set[str]:
        header, _, line = text.partition("\n")
        return {f"{header.strip('[]')}.{line.split(' = ')[0]}"}

    tried = set().union(*(keys(text) for text, *_ in HONOURED))
    assert CATALOGUE.spellings.keys() <= tried
    assert CATALOGUE.ignored.keys() == {key for _, key in UNUSED}


@pytest.mark.parametrize(
    ("text", "both"),
    [
        (
            "[state]\nmigration_enabled = true\n[state.migration]\nenabled = false",
            "state.migration_enabled (FILE:2) and state.migration.enabled (FILE:4)",
        ),
        (
            "[state.backup]\nenabled = true\n[runtime.state_persistence]\nbackup_enabled = false",
            "runtime.state_persistence.backup_enabled (FILE:4) and state.backup.enabled (FILE:2)",
        ),
        (
            '[engines.lua]\nstdlib = "safe"\nstdlib_level = "none"',
            "engines.lua.stdlib (FILE:2) and engines.lua.stdlib_level (FILE:3)",
        ),
        (
            "[state]\nflush_every_ms = 1\nsled = { flush_every_ms = 2 }",
            "state.flush_every_ms (FILE:2) and state.sled.flush_every_ms (FILE:3)",
        ),
    ],
)
def test_two_spellings_with_different_values_are_an_error_that_names_both(
    message: Callable[..., str], text: str, both: str
) -> None:
    said = message(text, allow_unbuilt=True)
    first, second = both.split(" and ")
    assert first in said
    assert second in said
    assert "are one setting and have different values" in said


def test_two_spellings_with_the_same_value_are_one_setting(place: Place) -> None:
    config = place.text("[state]\nbackup_enabled = true\nbackup = { enabled = true }", allow_unbuilt=True)
    assert config.state.backup.enabled
    assert config.unbuilt() == []


@pytest.mark.parametrize(
    ("ours", "theirs", "held"), [(100, 50, 50), (50, 100, 50), (0, 100, 100), (100, 0, 100), (0, 0, 0)]
)
def test_of_two_memory_limits_the_smaller_holds(place: Place, ours: int, theirs: int, held: int) -> None:
    config = place.text(f"[engines.lua]\nmemory_limit = {ours}\n[runtime.security]\nmax_memory_bytes = {theirs}\n")
    assert config.engines.lua.memory_limit == held
    assert config.engines.javascript.memory_limit == theirs


def test_of_two_time_limits_the_smaller_holds(place: Place) -> None:
    text = "[runtime]\nscript_timeout_seconds = 300\n[runtime.security]\nmax_execution_time_ms = 60000\n"
    assert place.text(text).runtime.script_timeout_seconds == 60


def test_compression_that_is_switched_off_needs_no_type(place: Place) -> None:
    text = '[runtime.state_persistence.backup]\ncompression_enabled = false\ncompression_type = "zstd"\n'
    assert place.text(text).state.backup.compression == "none"


def test_the_cache_of_values_is_sized_by_its_own_key_first(place: Place) -> None:
    text = "[state.performance]\ncache_size = 1\n[state.sled]\ncache_capacity = 2\n"
    assert place.text(text).state.performance.cache_size == 1


def test_a_setting_is_given_under_each_of_its_spellings(place: Place) -> None:
    config = place.text("[state]\nbackup_enabled = false")
    assert config.is_given("state.backup.enabled")
    assert config.is_given("state.backup_enabled")
    assert config.is_given("runtime.state_persistence.backup_enabled")
    assert not config.is_given("state.migration_enabled")


def test_a_wrong_value_of_an_old_key_names_the_old_and_the_new_key(message: Callable[..., str]) -> None:
    assert message("[engines.lua]\nmax_memory = -1") == (
        "FILE:2: engines.lua.max_memory (now engines.lua.memory_limit) must be an integer of at least 0 (bytes), got -1"
    )
    assert message('[runtime.state_persistence.backup]\nmax_backup_age = "old"') == (
        "FILE:2: runtime.state_persistence.backup.max_backup_age (now state.backup.retention_days) "
        'must be a number, got "old"'
    )
