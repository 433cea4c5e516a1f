"""The sections below `[state]`."""

from llmspell.config.setting import Section, Spelling, setting

CLASSES = ("ephemeral", "trusted", "standard", "sensitive", "external")

OLD = "runtime.state_persistence."
"""Where older files kept the settings of the state."""


def version_problem(text: str) -> str:
    """What is wrong with a version such as `1.0.0`, or ""."""
    parts = text.split(".")
    if len(parts) == 3 and all(_is_number(part) for part in parts):
        return ""
    from llmspell.config.wording import describe

    return f'must be a version such as "1.0.0", got {describe(text)}'


def _is_number(part: str) -> bool:
    return part.isascii() and part.isdigit() and len(part) < 10 and (part == "0" or part[0] != "0")


def pattern_problem(patterns: list[str]) -> str:
    """The first regular expression that cannot be compiled, or ""."""
    if not patterns:
        return ""
    import re
    import warnings

    for pattern in patterns:
        try:
            with warnings.catch_warnings(action="ignore"):
                re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            return f"has a pattern that is no regular expression: {error}"
    return ""


def name_problem(text: str) -> str:
    """Complains about empty text."""
    return "" if text else "must not be empty"


def list_problem(texts: list[str]) -> str:
    """Complains about an empty text in a list."""
    return "" if all(texts) else "must not hold an empty string"


def from_seconds(value: float) -> float:
    """Days, exactly."""
    return value / 86400


def compression_off(on: bool) -> str | None:
    """`none` when compression is off; on, it says nothing about the kind."""
    return None if on else "none"


def spelling_wins(_value: object, other: object) -> object:
    """this one holds"""
    return other


def setting_wins(value: object, _other: object) -> object:
    """the other one holds"""
    return value


class Performance(Section):
    """Speed, without a change of meaning."""

    cache_size: int = setting(
        50_000_000,
        "memory for values read lately, 0 = none",
        minimum=0,
        unit="bytes",
        old=(Spelling("state.sled.cache_capacity", combine=setting_wins),),
    )
    fast_path_enabled: bool = setting(True, "trusted values take the short way")
    async_hooks: bool = setting(True, "hooks after the fact run in the background, in batches")


class Journal(Section):
    """The committed changes, in order: history, changes, incremental backups."""

    enabled: bool = setting(True, "changes are kept")
    keep_days: float = setting(30, "how long, 0 = for ever", minimum=0, maximum=10**6, unit="days")
    keep_versions: int = setting(0, "how many of each key, 0 = all within keep_days", minimum=0)


class Backup(Section):
    """Backups."""

    enabled: bool = setting(
        False,
        "scripts have the backup functions",
        old=("state.backup_enabled", OLD + "backup_enabled"),
    )
    backup_dir: str = setting(
        "./backups", "the folder of the backups", check_more=name_problem, old=(OLD + "backup.backup_dir",)
    )
    retention_days: float = setting(
        30,
        "older backups may be cleaned up, 0 = no limit",
        minimum=0,
        maximum=10**6,
        unit="days",
        old=(
            "state.backup_retention_days",
            Spelling(OLD + "backup.max_backup_age", kind="number", convert=from_seconds),
        ),
    )
    auto_cleanup: bool = setting(False, "making a backup cleans up afterwards")
    max_backups: int = setting(
        0, "more than this many may be cleaned up, 0 = no limit", minimum=0, old=(OLD + "backup.max_backups",)
    )
    min_backups: int = setting(1, "the newest ones that cleaning up never removes", minimum=0)
    keep_hourly: int = setting(0, "hours of which one backup is kept", minimum=0)
    keep_daily: int = setting(0, "days of which one backup is kept", minimum=0)
    keep_weekly: int = setting(0, "weeks of which one backup is kept", minimum=0)
    keep_monthly: int = setting(0, "months of which one backup is kept", minimum=0)
    compression: str = setting(
        "zstd",
        "how backups are compressed",
        choices=("none", "zstd", "gzip"),
        old=(
            OLD + "backup.compression_type",
            Spelling(
                OLD + "backup.compression_enabled", kind="boolean", convert=compression_off, combine=spelling_wins
            ),
        ),
    )
    compression_level: int = setting(
        3,
        "from fast to small; gzip ends at 9",
        minimum=1,
        maximum=22,
        old=(OLD + "backup.compression_level",),
    )
    incremental_enabled: bool = setting(
        True, "incremental backups may be made", old=(OLD + "backup.incremental_enabled",)
    )
    encryption_enabled: bool = setting(False, "backups are encrypted with the key of `[state.encryption]`")


class Migration(Section):
    """Schemas and migrations."""

    enabled: bool = setting(
        False,
        "scripts have the migration functions",
        old=("state.migration_enabled", OLD + "migration_enabled"),
    )
    auto_migrate: bool = setting(False, "documents are upgraded when they are read")
    validation_level: str = setting(
        "strict", "how documents are checked against their schema", choices=("none", "basic", "strict")
    )
    compatibility: str = setting(
        "backward",
        "what a new schema version must be able to read",
        choices=(
            "none",
            "backward",
            "forward",
            "full",
            "backward_transitive",
            "forward_transitive",
            "full_transitive",
        ),
    )
    schema_directory: str = setting("./schemas", "the folder of schemas as TOML files", old=(OLD + "schema_directory",))
    backup_on_migration: bool = setting(
        True, "a migration makes a backup first, when backups are enabled", old=(OLD + "backup_on_migration",)
    )


class Security(Section):
    """Encryption at rest and access control."""

    encryption_enabled: bool = setting(False, "values and artifacts are encrypted")
    access_control_enabled: bool = setting(False, "a named principal may do only what `[[state.access]]` grants")


class Encryption(Section):
    """Where the key comes from, and how it is used. The key itself never stands in a file of settings."""

    algorithm: str = setting("AES256GCM", "the cipher", choices=("AES256GCM",))
    key_derivation: str = setting("PBKDF2", "how the key is made from a text", choices=("PBKDF2", "scrypt", "argon2id"))
    iterations: int = setting(600_000, "rounds of PBKDF2", minimum=1, maximum=2**31 - 1)
    key_env: str = setting("LLMSPELL_KEY", "the environment variable that holds the key")
    key_file: str = setting("", "the file that holds the key", example="./llmspell.key")
    key_command: str = setting("", "the command that prints the key", example="pass show llmspell")


class Access(Section):
    """A rule: what a principal may do in a scope."""

    principal: str = setting("", "who", required=True, check_more=name_problem, example="agent_123")
    scope: str = setting(
        "", "where; a trailing * is a prefix", required=True, check_more=name_problem, example="agent:agent_123"
    )
    permission: str = setting(
        "none", "what", required=True, choices=("none", "read_only", "read_write", "admin"), example="read_write"
    )


class Sensitive(Section):
    """What is hidden, encrypted or hashed before anything is written or logged."""

    redact_patterns: list[str] = setting(
        [],
        "regular expressions; what matches is redacted",
        check_more=pattern_problem,
        example=[r"\b\d{3}-\d{2}-\d{4}\b"],
    )
    encrypt_fields: list[str] = setting(
        [], "fields that are encrypted", check_more=list_problem, example=["password", "api_key"]
    )
    hash_fields: list[str] = setting(
        [], "fields of which only a keyed hash is kept", check_more=list_problem, example=["user_id"]
    )


class StateHooks(Section):
    """How hooks of state changes run."""

    max_concurrent: int = setting(10, "hooks in the background at a time", minimum=1, maximum=1000)
    batch_size: int = setting(100, "changes handed to background hooks at a time", minimum=1)
    flush_interval_ms: int = setting(50, "the longest wait for a batch", minimum=0, maximum=10**9, unit="milliseconds")
    max_queue_size: int = setting(10_000, "changes that may wait for background hooks", minimum=1)
    timeout_ms: int = setting(
        5000, "the longest run of a hook, 0 = no limit", minimum=0, maximum=10**9, unit="milliseconds"
    )
    failure_threshold: int = setting(5, "failures in a row that switch a hook off", minimum=1)
    open_seconds: float = setting(30, "how long it stays off", minimum=0, maximum=10**9, unit="seconds")
    half_open_seconds: float = setting(10, "how long it is on trial", minimum=0, maximum=10**9, unit="seconds")
    change_log: bool = setting(False, "a built-in hook logs every change: scope, key and operation, no value")
    agent_state: bool = setting(False, "a built-in hook keeps the `state` that agents' hook points carry")
    schema_validation: bool = setting(
        False, "a built-in hook cancels writes that break the schema that covers them; needs migrations"
    )
    critical_keys: list[str] = setting(
        [],
        "a built-in hook makes a backup when a key changes that matches one of these patterns (of keys, or of scope/key)",
        check_more=list_problem,
        example=["config", "user:*/profile"],
    )
    critical_backup_seconds: float = setting(
        60, "the least time between two such backups", minimum=0, maximum=10**9, unit="seconds"
    )


class RocksDb(Section):
    """The RocksDB store."""

    max_open_files: int = setting(1000, "files held open, -1 = all", minimum=-1)
    block_cache_size: int = setting(8_388_608, "memory for blocks read lately", minimum=0, unit="bytes")
    bloom_filter_bits: int = setting(10, "bits per key, 0 = no filter", minimum=0, maximum=64)
    compression: str = setting("lz4", "how blocks are compressed", choices=("none", "snappy", "lz4", "zstd"))


class Postgres(Section):
    """The PostgreSQL store."""

    dsn: str = setting("", "how to connect", secret=True, example="postgresql://localhost/llmspell")
    dsn_env: str = setting("", "the environment variable that holds the dsn", example="LLMSPELL_DSN")
    schema: str = setting("llmspell", "the schema of the tables", check_more=name_problem)
    pool_size: int = setting(4, "connections held", minimum=1, maximum=1000)


class State(
    Section,
    ignored={
        "sled.use_compression": "the disk store keeps values as they are",
    },
):
    """The state."""

    enabled: bool = setting(True, "scripts have State", old=(OLD + "enabled",))
    backend: str = setting(
        "memory",
        "where the state is kept",
        choices=("memory", "disk", "rocksdb", "postgres"),
        synonyms={"lmdb": "disk", "sled": "disk"},
        open=True,
        old=(OLD + "backend_type",),
    )
    path: str = setting("./llmspell_state", "the folder of a store on disk", check_more=name_problem)
    transaction_timeout_ms: int = setting(
        5000,
        "the longest `State.transaction` or `State.update`, 0 = no limit",
        minimum=0,
        maximum=10**9,
        unit="milliseconds",
    )
    flush_every_ms: int = setting(
        0,
        "0 = a call that has returned has been synced; else writes are synced together, at least this often",
        minimum=0,
        maximum=10**9,
        unit="milliseconds",
        old=("state.sled.flush_every_ms",),
    )
    max_value_bytes: int = setting(
        10_000_000,
        "the largest value",
        minimum=1,
        maximum=2**31 - 1,
        unit="bytes",
        old=(OLD + "max_state_size_bytes",),
    )
    schema_version: str = setting(
        "1.0.0", "the version stamped on documents until a migration moves it", check_more=version_problem
    )
    access: list[Access] = setting([], "rules of access; rules add up, `none` wins over all")
    classes: dict[str, str] = setting(
        {},
        "the class of values whose key matches a pattern (`scope/key` when it has a `/`)",
        choices=CLASSES,
        example={"tmp:*": "ephemeral"},
    )
    performance: Performance
    journal: Journal
    backup: Backup
    migration: Migration
    security: Security
    encryption: Encryption
    sensitive: Sensitive
    hooks: StateHooks
    rocksdb: RocksDb
    postgres: Postgres
