"""llmspell: a scripting runtime for automation that must remember.

`Runtime` is one configured whole; `load_config` reads the configuration. Both are imported when they are first used.
"""

__version__ = "0.1.0"
__all__ = ["LlmspellError", "Runtime", "ScriptError", "__version__", "load_config"]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmspell.config import load as load_config
    from llmspell.errors import LlmspellError, ScriptError
    from llmspell.runtime import Runtime
else:

    def __getattr__(name):
        """Import on first use: `llmspell run` starts through this package and pays for nothing it does not need."""
        from importlib import import_module

        homes = {"Runtime": "runtime", "load_config": "config", "LlmspellError": "errors", "ScriptError": "errors"}
        if name not in homes:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"llmspell.{homes[name]}"), name.removesuffix("_config"))
