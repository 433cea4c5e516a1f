"""The environment as a source: `LLMSPELL_STATE__JOURNAL__KEEP_DAYS=7` is `state.journal.keep_days`."""

from llmspell.config.layer import CATALOGUE, Layer, always
from llmspell.config.setting import Setting, Spelling
from llmspell.errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

PREFIX = "LLMSPELL_"

SHORT = {
    "LLMSPELL_ENGINE": "default_engine",
    "LLMSPELL_STATE_PATH": "state.path",
    "LLMSPELL_SESSION_PATH": "runtime.sessions.path",
}
"""Variables with a name of their own. `LLMSPELL_CONFIG` is the path of the file, and no setting."""

WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def environment_layer(names: "Iterable[str]", environ: "Mapping[str, str]", below: list[Layer]) -> Layer:
    """What the variables called `names` say.

    An empty variable says nothing. One that names no key is somebody else's when it has no two underscores in a row;
    with them it is an error that does not show its text, unless a layer `below` makes it the holder of a key or grants
    it to scripts.
    """
    layer = Layer()
    strangers = []
    for name in names:
        text = environ[name]
        key = SHORT.get(name) or name[len(PREFIX) :].lower().replace("__", ".")
        if not text or ("." not in key and key not in CATALOGUE.settings):
            continue
        targets = CATALOGUE.find(key)
        if targets or CATALOGUE.reason(key):
            kind = _kind(*targets[0]) if targets else "string"
            layer.give(key, from_text(kind, text), always(name))
        else:
            strangers.append((name, key))
    layer.settle()
    if strangers:
        known = _names_in_use([*below, layer])
        for name, key in strangers:
            if name not in known:
                raise _unknown(name, key)
    return layer


def from_text(kind: str, text: str) -> "Any":
    """`text` as a value of this kind; the text itself when it is none, so that the check can refuse it.

    Lists are separated by commas or written in TOML; tables are written in TOML.
    """
    if kind in ("boolean", "grant") and text.strip().lower() in WORDS:
        return WORDS[text.strip().lower()]
    if kind in ("integer", "number"):
        return _number(kind, text)
    if kind in ("strings", "grant") and not text.lstrip().startswith("["):
        return [item.strip() for item in text.split(",") if item.strip()]
    if kind in ("strings", "grant", "table", "tables"):
        import tomllib

        try:
            tree = tomllib.loads("value = " + text)
        except (ValueError, RecursionError):
            return text
        return tree["value"] if len(tree) == 1 else text
    return text


def _number(kind: str, text: str) -> "Any":
    try:
        return int(text, 0)
    except ValueError:
        if kind == "integer":
            return text
    try:
        return float(text)
    except ValueError:
        return text


def _kind(setting: Setting, spelling: Spelling | None) -> str:
    return spelling.kind if spelling and spelling.kind else setting.kind


def _names_in_use(layers: list[Layer]) -> set[str]:
    names: set[str] = set()
    for layer in layers:
        for key in ("state.encryption.key_env", "state.postgres.dsn_env", "runtime.security.allow_env"):
            value = layer.given[key].value if key in layer.given else ""
            names.update(value if type(value) is list else [value] if type(value) is str else ())
    return names


def _unknown(name: str, key: str) -> ConfigError:
    if key in CATALOGUE.tables:
        first = next(known for known in (*CATALOGUE.settings, *CATALOGUE.spellings) if known.startswith(key + "."))
        return ConfigError(f"{name}: {key} is a section; name a key of it, such as {variable(first)}")
    near = CATALOGUE.nearest(key)
    near = variable(near) if near in CATALOGUE.settings or near in CATALOGUE.spellings else near
    return ConfigError(f"{name}: there is no key {key}; the nearest known variable is {near}")


def variable(key: str) -> str:
    """The environment variable of a dotted key."""
    return PREFIX + key.upper().replace(".", "__")
