"""The globals that scripts see, one short class each. The class is the declaration; `ALL` is every one there is."""

from llmspell.globals.json import JSON
from llmspell.globals.log import Log
from llmspell.globals.process import Process
from llmspell.globals.state import State
from llmspell.surface.model import Global

ALL: tuple[type[Global], ...] = (State, JSON, Log, Process)
