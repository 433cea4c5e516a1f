"""llmspell: a scripting runtime for automation that must remember.

`StateManager` is the durable state and `AsyncStateManager` the same for asyncio; `AgentStates` and `PersistentAgentBase`
keep agents. `Sessions` are work with a timeline and checkpoints, `Events` a bus to publish on and to listen to. `Runtime` is
one configured whole that runs scripts, `load_config` reads its configuration. Errors are subclasses of `LlmspellError`.
Everything is imported when it is first used.
"""

__version__ = "0.1.0"
__all__ = [
    "AccessDenied",
    "AgentStates",
    "Artifact",
    "Artifacts",
    "AsyncStateManager",
    "BackupError",
    "BadArgument",
    "BadValue",
    "Cancelled",
    "ConfigError",
    "Conflict",
    "Conversation",
    "Corrupt",
    "EncryptionError",
    "Events",
    "ExecutionState",
    "InternalError",
    "Interrupted",
    "InvalidKey",
    "InvalidScope",
    "InvalidTransition",
    "JournalPolicy",
    "LimitExceeded",
    "LlmspellError",
    "Message",
    "MigrationError",
    "NotEnabled",
    "NotFound",
    "PersistentAgent",
    "PersistentAgentBase",
    "PersistentAgentState",
    "ReadOnly",
    "Runtime",
    "SchemaError",
    "ScriptError",
    "SessionPolicies",
    "Sessions",
    "StateManager",
    "StateScope",
    "StorageBusy",
    "StorageError",
    "StorageFull",
    "Timeout",
    "ToolCall",
    "ToolUsage",
    "ValueTooLarge",
    "__version__",
    "load_config",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.agents.agent import PersistentAgent, PersistentAgentBase
    from llmspell.agents.conversation import Conversation
    from llmspell.agents.message import Message, ToolCall
    from llmspell.agents.state import ExecutionState, PersistentAgentState, ToolUsage
    from llmspell.agents.states import AgentStates
    from llmspell.artifacts.artifact import Artifact
    from llmspell.artifacts.artifacts import Artifacts
    from llmspell.config import load as load_config
    from llmspell.errors import (
        AccessDenied,
        BackupError,
        BadArgument,
        BadValue,
        Cancelled,
        ConfigError,
        Conflict,
        Corrupt,
        EncryptionError,
        InternalError,
        Interrupted,
        InvalidKey,
        InvalidScope,
        InvalidTransition,
        LimitExceeded,
        LlmspellError,
        MigrationError,
        NotEnabled,
        NotFound,
        ReadOnly,
        SchemaError,
        ScriptError,
        StorageBusy,
        StorageError,
        StorageFull,
        Timeout,
        ValueTooLarge,
    )
    from llmspell.events.events import Events
    from llmspell.runtime import Runtime
    from llmspell.sessions.policies import Policies as SessionPolicies
    from llmspell.sessions.sessions import Sessions
    from llmspell.state.aio import AsyncStateManager
    from llmspell.state.journal import JournalPolicy
    from llmspell.state.manager import StateManager
    from llmspell.state.scope import Scope as StateScope
else:
    _HOMES = {
        "AgentStates": "agents.states",
        "Artifact": "artifacts.artifact",
        "Artifacts": "artifacts.artifacts",
        "AsyncStateManager": "state.aio",
        "Conversation": "agents.conversation",
        "Events": "events.events",
        "ExecutionState": "agents.state",
        "JournalPolicy": "state.journal",
        "Message": "agents.message",
        "PersistentAgent": "agents.agent",
        "PersistentAgentBase": "agents.agent",
        "PersistentAgentState": "agents.state",
        "Runtime": "runtime",
        "SessionPolicies": "sessions.policies",
        "Sessions": "sessions.sessions",
        "StateManager": "state.manager",
        "StateScope": "state.scope",
        "ToolCall": "agents.message",
        "ToolUsage": "agents.state",
        "load_config": "config",
    }
    """Where the public names are; those that are not here are errors."""
    _NAMES_AT_HOME = {"SessionPolicies": "Policies", "StateScope": "Scope", "load_config": "load"}

    def __getattr__(name):
        """Import on first use: `llmspell run` starts through this package and pays for nothing it does not need."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        home = import_module(f"llmspell.{_HOMES.get(name, 'errors')}")
        return getattr(home, _NAMES_AT_HOME.get(name, name))

    def __dir__():
        return __all__
