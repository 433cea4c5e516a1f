"""Every section of the configuration except `[state]`, and the root that holds them."""

from llmspell.config.setting import Section, Spelling, setting
from llmspell.config.state_sections import State

LANGUAGES = ("lua", "javascript")


def smaller(value: float, other: float) -> float:
    """both limits hold; 0 is none"""
    return min(value, other) if value and other else value or other


def from_milliseconds(value: float) -> float:
    """Seconds, exactly."""
    return value / 1000


class Lua(
    Section,
    ignored={"sandbox_mode": "the sandbox is always on; `stdlib` chooses the library"},
):
    """Lua."""

    stdlib: str = setting(
        "safe",
        "how much of Lua's own library there is; `full` opens nothing that `[runtime.security]` does not grant",
        choices=("none", "safe", "full"),
        old=("stdlib_level",),
    )
    memory_limit: int = setting(
        268435456,
        "memory a script may use, 0 = no limit",
        minimum=0,
        unit="bytes",
        old=("max_memory", Spelling("runtime.security.max_memory_bytes", combine=smaller)),
    )
    max_instructions: int = setting(0, "instructions a script may execute, 0 = no limit", minimum=0)
    package_paths: list[str] = setting([], "folders that `require` searches after the script's own", example=["./lib"])


class JavaScript(
    Section,
    ignored={
        "module_resolution": "modules are files beside the script",
        "allow_eval": "eval stays inside the sandbox",
        "allow_timers": "there are no timers; `sleep` waits",
        "allow_console": "console is always there",
        "enable_console": "console is always there",
        "max_event_loop_ticks": "`runtime.script_timeout_seconds` bounds the event loop",
        "typescript": "TypeScript is not compiled",
        "jsx": "JSX is not compiled",
        "strict_mode": "modules are strict, and a script may say 'use strict'",
    },
):
    """JavaScript."""

    memory_limit: int = setting(
        268435456,
        "memory a script may use, 0 = no limit",
        minimum=0,
        unit="bytes",
        old=("max_heap_size", Spelling("runtime.security.max_memory_bytes", combine=smaller)),
    )
    modules: bool = setting(True, "`import` and `export` work")


class Engines(Section):
    """The languages."""

    lua: Lua
    javascript: JavaScript


class Security(Section):
    """What scripts may reach outside the sandbox. Nothing, unless it is granted here."""

    allow_file_access: bool | list[str] = setting(
        False, "files a script may open: all, none, or what lies below these paths", example=["./data"]
    )
    allow_network_access: bool = setting(False, "a script may open connections")
    allow_process_spawn: bool = setting(False, "a script may start processes")
    allow_env: bool | list[str] = setting(
        False, "environment variables a script may read: all, none, or these names", example=["HOME", "LANG"]
    )


class Sessions(Section):
    """Sessions and artifacts."""

    enabled: bool = setting(False, "scripts have Session and Artifact")
    max_sessions: int = setting(100, "active and suspended sessions at a time", minimum=1)
    max_artifacts_per_session: int = setting(1000, "artifacts a session may hold", minimum=0)
    max_artifact_bytes_per_session: int = setting(
        0, "bytes that the artifacts of a session may have together, 0 = no limit", minimum=0, unit="bytes"
    )
    max_operations_per_session: int = setting(
        0, "changes of state and artifacts that may be recorded under a session, 0 = no limit", minimum=0
    )
    max_operations_per_second: int = setting(0, "the same per second, 0 = no limit", minimum=0)
    max_duration_seconds: float = setting(
        0,
        "a session active for longer is suspended, 0 = no limit",
        minimum=0,
        maximum=10**9,
        unit="seconds",
    )
    artifact_compression_threshold: int = setting(
        10240, "artifacts from this size on are compressed", minimum=0, unit="bytes"
    )
    session_timeout_seconds: float = setting(
        3600, "a session idle for longer is suspended, 0 = never", minimum=0, maximum=10**9, unit="seconds"
    )
    storage_backend: str = setting(
        "state",
        "where sessions are kept: in the state's store, in memory, or on disk at `path`",
        choices=("state", "memory", "disk"),
        synonyms={"sled": "disk", "lmdb": "disk"},
    )
    path: str = setting("./sessions", "the sessions' own store, when `storage_backend` is disk")


class Events(
    Section,
    ignored={"max_subscribers": "subscriptions are bounded by their queues"},
):
    """The event bus."""

    enabled: bool = setting(True, "scripts have Event, and the runtime publishes its own events")
    buffer_size: int = setting(
        10_000,
        "events a subscription keeps; the oldest falls off",
        minimum=1,
        maximum=10_000_000,
        old=("event_buffer_size",),
    )
    max_per_second: int = setting(0, "events published per second, 0 = no limit", minimum=0)


class Hooks(
    Section,
    ignored={
        "max_hooks": "hooks are not limited in number",
        "circuit_breaker_threshold": "it was a share of time; `[state.hooks] failure_threshold` counts failures",
    },
):
    """Hooks of scripts and of the runtime."""

    enabled: bool = setting(True, "scripts have Hook, and hooks run")
    record: bool = setting(False, "record hooks without a current session too, in a session for each run")


def endpoint_problem(text: str) -> str:
    """Complains about what is no URL of a collector."""
    scheme, colon, rest = text.partition("://")
    return (
        "" if scheme in ("http", "https") and colon and rest else "must be a URL that begins with http:// or https://"
    )


class Otel(Section):
    """The export of spans and metrics by OpenTelemetry. Needs the extra `otel`."""

    enabled: bool = setting(False, "spans and metrics are sent to a collector; needs `pip install 'llmspell[otel]'`")
    endpoint: str = setting(
        "http://localhost:4318", "where the collector listens for OTLP over HTTP", check_more=endpoint_problem
    )
    service_name: str = setting("llmspell", "the name under which this process is seen")
    max_spans_per_second: int = setting(
        100, "spans of events and hooks in a second; those beyond are only counted", minimum=0
    )
    metrics_interval_seconds: float = setting(
        60, "how often metrics are sent", minimum=1, maximum=86_400, unit="seconds"
    )
    timeout_seconds: float = setting(
        2,
        "how long to try to send; a script's end waits for it at most so long",
        minimum=0.1,
        maximum=300,
        unit="seconds",
    )


class Runtime(
    Section,
    ignored={
        "max_concurrent_scripts": "a process runs one script",
        "enable_streaming": "output is always streamed",
    },
):
    """What holds for every script."""

    script_timeout_seconds: float = setting(
        300,
        "a script that runs for longer is ended, 0 = no limit",
        minimum=0,
        maximum=10**9,
        unit="seconds",
        old=(
            Spelling(
                "runtime.security.max_execution_time_ms", kind="number", convert=from_milliseconds, combine=smaller
            ),
        ),
    )
    security: Security
    sessions: Sessions
    events: Events
    hooks: Hooks
    otel: Otel


class Root(Section, ignored={"providers": "providers come with the agents, later"}):
    """The whole file."""

    default_engine: str = setting(
        "lua",
        "the language of a script whose file name does not tell",
        choices=LANGUAGES,
        synonyms={"js": "javascript"},
    )
    engines: Engines
    runtime: Runtime
    state: State
