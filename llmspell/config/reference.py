"""The reference page of the configuration, `docs/config.md`."""

from llmspell.config.environment import SHORT, variable
from llmspell.config.layer import CATALOGUE
from llmspell.config.not_built import NOT_BUILT
from llmspell.config.profiles import profile_names, profile_text
from llmspell.config.setting import Setting
from llmspell.config.wording import toml_value

HEAD = """\
# Configuration

<!-- Made from the declarations in llmspell/config by `make generate`. Change those, not this page. -->

A configuration is a TOML file. What it does not say has its default, so a run without any file has State in memory.
An unknown key, a wrong type and a value out of range are errors that name file and line.

## Where it comes from

Later ones win: built-in defaults, a profile (`-p NAME`), a file, the environment, the command line. A list or a table
of patterns is replaced as a whole.

The file is the one of `-c FILE`, else the one `LLMSPELL_CONFIG` names, else the first that exists of `./llmspell.toml`,
`./.llmspell.toml`, `$XDG_CONFIG_HOME/llmspell/config.toml` (`~/.config` when that is not set) and
`~/.llmspell/config.toml`. A relative path in it is relative to the working directory. It is UTF-8 of at most 1 MiB.

`llmspell config show` prints every setting with its origin, `llmspell config validate` checks a file and names the keys
that are accepted and not used, `llmspell config schema` prints a JSON Schema for editors.
"""

ENVIRONMENT = """\
## The environment

Every key has a variable: `LLMSPELL_`, then the key in capitals with `__` for each dot, so `{example}` is
`{key}`. Booleans are true, false, yes, no, on, off, 1 or 0. A list has commas between its items or is written
as in TOML; tables are written as in TOML. An empty variable counts as not set. These have short names:
"""

CACHE = """\
## The cache

A file that was read is kept in parsed form in `$XDG_CACHE_HOME/llmspell` (else `~/.cache/llmspell`), with permissions
for the user alone, unless it has a `[providers]` table or a secret such as a dsn. A changed file is never taken from
there. `LLMSPELL_NO_CACHE=1` does without; deleting the folder is always safe.
"""

SPELLINGS = """\
## Other spellings

Older files load as they are. Ages and times of `[runtime.state_persistence]` are in seconds.
"""


def reference_text() -> str:
    """Markdown: sources, profiles, every key by section, other spellings, and keys that load and are not used."""
    blocks = [HEAD, _environment(), _profiles(), CACHE, "## Keys\n", _table("")]
    for name, section in CATALOGUE.tables.items():
        if section and section.SETTINGS:
            blocks += [f"### `[{name}]`\n\n{section.__doc__}\n", _table(name)]
    for key, setting in CATALOGUE.settings.items():
        if setting.item is not None:
            blocks += [f"### `[[{key}]]`\n\n{setting.item.__doc__}\n", _rows(list(setting.item.SETTINGS.items()))]
    blocks += [_spellings(), _ignored(), *_unbuilt()]
    return "\n".join(blocks)


def _environment() -> str:
    key = "state.journal.keep_days"
    rows = "\n".join(f"- `{name}`: `{short}`" for name, short in SHORT.items())
    return ENVIRONMENT.format(example=variable(key), key=key) + f"\n{rows}\n"


def _profiles() -> str:
    rows = "\n".join(f"- `{name}`: {profile_text(name).partition(chr(10))[0].lstrip('# ')}" for name in profile_names())
    return f"## Profiles\n\nThey are the files in `configs/`.\n\n{rows}\n"


def _table(table: str) -> str:
    keys = [(key.rpartition(".")[2], setting) for key, setting in CATALOGUE.settings.items()]
    return _rows([(name, setting) for name, setting in keys if setting.key.rpartition(".")[0] == table])


def _rows(settings: list[tuple[str, Setting]]) -> str:
    lines = ["| key | allowed | default | what |", "|---|---|---|---|"]
    for name, setting in settings:
        default = "required" if setting.required else f"`{toml_value(setting.default)}`"
        example = f"; for example `{toml_value(setting.example)}`" if setting.example is not None else ""
        lines.append(f"| `{name}` | {_cell(setting.allowed())} | {default} | {_cell(setting.help + example)} |")
    return "\n".join(lines) + "\n"


def _spellings() -> str:
    lines = [SPELLINGS, "| key | is the same as | given both ways, in one source |", "|---|---|---|"]
    for key, targets in CATALOGUE.spellings.items():
        names = ", ".join(f"`{setting.key}`" for setting, _ in targets)
        combine = targets[0][1].combine if targets[0][1] else None
        lines.append(f"| `{key}` | {names} | {combine.__doc__ if combine else 'they have to agree'} |")
    return "\n".join(lines) + "\n"


def _ignored() -> str:
    lines = ["## Keys that load and are not used\n", "| key | why |", "|---|---|"]
    lines += [f"| `{key}` | {_cell(reason)} |" for key, reason in CATALOGUE.ignored.items()]
    return "\n".join(lines) + "\n"


def _unbuilt() -> list[str]:
    if not NOT_BUILT:
        return []
    lines = ["## Not in this version yet\n", "Switching one of these on is an error (`not_enabled`).\n"]
    lines += [f"- `{key.replace('=', '` = `')}`" for key in NOT_BUILT]
    return ["\n".join(lines) + "\n"]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
