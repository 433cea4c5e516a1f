"""Every error llmspell raises: one class per code, with its exit status and, where there is one, its remedy.

The same `code` and sentence reach Lua, JavaScript, Python and `--output json`. The tables in the documentation are made
by walking the subclasses of `LlmspellError`, so a new code is declared here and nowhere else.
"""


class LlmspellError(Exception):
    """What went wrong, as one sentence, with a stable `code`.

    `message` names the thing and the value; `hint` is the remedy, when one is known; `call` is the script function that
    was called (`State.save`), when there is one. `str()` gives `<call>: <message>`.
    """

    code = "internal"
    exit_status = 1
    default_hint = ""

    def __init__(self, message: str, *, hint: str = "", call: str = "", exit_status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint
        self.call = call
        if exit_status is not None:
            self.exit_status = exit_status

    def __str__(self) -> str:
        return f"{self.call}: {self.message}" if self.call else self.message


class BadArgument(LlmspellError):
    """An argument of the wrong type or out of range, an unknown option, or wrong use of the command line (exit 2)."""

    code = "bad_argument"


class BadValue(LlmspellError):
    """A value that cannot be stored exactly: NaN, a function, a cycle, a float key, nesting deeper than 128."""

    code = "bad_value"


class ValueTooLarge(LlmspellError):
    """A value above `max_value_bytes`."""

    code = "value_too_large"


class InvalidScope(LlmspellError):
    """A scope text that is empty, too long, or has a control character."""

    code = "invalid_scope"


class InvalidKey(LlmspellError):
    """A key that is empty, too long, reserved, or has a control character."""

    code = "invalid_key"


class NotFound(LlmspellError):
    """Something the caller said must exist does not."""

    code = "not_found"
    exit_status = 10


class Conflict(LlmspellError):
    """Another writer was first: the version is not the one the caller named."""

    code = "conflict"


class AccessDenied(LlmspellError):
    """The principal or the sandbox may not do this."""

    code = "access_denied"
    exit_status = 5


class ReadOnly(LlmspellError):
    """A write to a frozen global, or to a store that was opened for reading."""

    code = "read_only"


class Cancelled(LlmspellError):
    """A hook stopped the operation."""

    code = "cancelled"


class Timeout(LlmspellError):
    """A time limit was reached; what was unfinished is undone."""

    code = "timeout"
    exit_status = 124


class LimitExceeded(LlmspellError):
    """A memory, instruction, count or rate limit was reached."""

    code = "limit_exceeded"
    exit_status = 125


class InvalidTransition(LlmspellError):
    """A session was asked for a step its status does not allow."""

    code = "invalid_transition"


class StorageError(LlmspellError):
    """The store could not be opened, read or written."""

    code = "storage"
    exit_status = 4


class Corrupt(LlmspellError):
    """Stored bytes do not match their checksum or their format."""

    code = "corrupt"
    exit_status = 4
    default_hint = "run `llmspell check` to see all of the damage; restore from a backup"


class StorageFull(LlmspellError):
    """The disk, the quota or the map is full; nothing was changed."""

    code = "storage_full"
    exit_status = 4
    default_hint = "free some space and try again; nothing was lost"


class StorageBusy(LlmspellError):
    """Another process kept the store locked for too long."""

    code = "storage_busy"
    exit_status = 11


class SchemaError(LlmspellError):
    """A document or a schema breaks a rule; the message names path and rule."""

    code = "schema"


class MigrationError(LlmspellError):
    """A migration failed and was undone."""

    code = "migration"


class BackupError(LlmspellError):
    """A backup could not be made, read or restored."""

    code = "backup"
    exit_status = 4


class EncryptionError(LlmspellError):
    """The key is missing or wrong."""

    code = "encryption"
    exit_status = 12


class ConfigError(LlmspellError):
    """The configuration is missing, broken, or asks for something impossible."""

    code = "config"
    exit_status = 3


class NotEnabled(LlmspellError):
    """The configuration switches on, or a script uses, a part that is off or is not built yet."""

    code = "not_enabled"
    exit_status = 3


class Interrupted(LlmspellError):
    """Ctrl-C or a termination signal ended the script."""

    code = "interrupted"
    exit_status = 130


class InternalError(LlmspellError):
    """A bug of ours; its traceback is in the log."""

    code = "internal"
    default_hint = "this is a bug in llmspell: run again with --debug and report the traceback"


class ScriptError(LlmspellError):
    """A script's own error, or a mistake in its text, that nothing caught.

    `file` and `line` say where (line 0 when unknown), `stack` is the script's own stack, innermost first, as text lines.
    When the script let an llmspell error through, `code` and `exit_status` are those of that error.
    """

    code = "script"

    def __init__(
        self,
        message: str,
        *,
        code: str = "script",
        hint: str = "",
        call: str = "",
        exit_status: int = 1,
        file: str = "",
        line: int = 0,
        column: int = 0,
        stack: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, hint=hint, call=call, exit_status=exit_status)
        self.code = code
        self.file = file
        self.line = line
        self.column = column
        self.stack = stack


def by_code() -> dict[str, type[LlmspellError]]:
    """Every error class under its code."""
    return {cls.code: cls for cls in LlmspellError.__subclasses__()}
