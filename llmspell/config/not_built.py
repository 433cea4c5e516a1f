"""What may stand in a configuration already and cannot be switched on yet.

One line per key, or per `key=value`; whoever builds the part deletes its line.
"""

NOT_BUILT = {
    "state.security.encryption_enabled": "encryption",
    "state.security.access_control_enabled": "access control",
    "state.access": "access control",
    "state.sensitive.redact_patterns": "redaction",
    "state.sensitive.encrypt_fields": "encrypted fields",
    "state.sensitive.hash_fields": "hashed fields",
    "state.backend=rocksdb": "RocksDB store",
    "state.backend=postgres": "PostgreSQL store",
    "runtime.security.allow_network_access": "network access for scripts",
    "runtime.security.allow_process_spawn": "processes for scripts",
}
"""The key, or key and value, and what is missing, in a word that follows `this version has no`."""


def missing(key: str, value: object) -> str:
    """What this version lacks to give `key` this value, or "". A key that is off or empty lacks nothing."""
    if value and key in NOT_BUILT:
        return NOT_BUILT[key]
    return NOT_BUILT.get(f"{key}={value}", "") if type(value) is str else ""


def sentence(key: str, value: object, origin: str) -> str:
    """The error for a key that cannot be switched on: `llmspell.toml:3: [state.backup] enabled is on, but …`."""
    table, _, name = key.rpartition(".")
    told = "is on" if value is True else f'is "{value}"' if type(value) is str else "is given"
    return f"{origin}: [{table}] {name} {told}, but this version has no {missing(key, value)} yet"
