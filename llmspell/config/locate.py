"""The lines on which the keys of a TOML text stand, which tomllib does not tell."""

from bisect import bisect_right

from llmspell.config.wording import quoted

BLANK = " \t"


def locate(text: str) -> dict[str, int]:
    """The line, from 1, of every key and table header of a valid TOML text, under its dotted name.

    The name is as TOML writes it, `state."a.b"`; the tables of an array are `state.access[0]`, `state.access[1]`. Keys
    inside an inline table have no line of their own. A table that several lines mention has the first.
    """
    return _Locator(text).run()


class _Locator:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[str, int] = {}
        self.counts: dict[str, int] = {}
        self.breaks = [index for index, letter in enumerate(text) if letter == "\n"]

    def run(self) -> dict[str, int]:
        text, table = self.text, ""
        while True:
            self.skip(" \t\r\n")
            if self.at >= len(text):
                return self.lines
            start = self.at
            if text[start] == "#":
                self.to_line_end()
            elif text.startswith("[[", start):
                self.at += 2
                table = self.note("", self.key(), start, array=True)
                self.at += 2
            elif text[start] == "[":
                self.at += 1
                table = self.note("", self.key(), start)
                self.at += 1
            else:
                self.note(table, self.key(), start)
                self.at += 1
                self.value()

    def note(self, table: str, parts: list[str], start: int, array: bool = False) -> str:
        """Record the key and the tables it passes through; returns its full name."""
        line = bisect_right(self.breaks, start) + 1
        name = table
        for index, part in enumerate(parts):
            name = f"{name}.{part}" if name else part
            self.lines.setdefault(name, line)
            if array and index == len(parts) - 1:
                self.counts[name] = self.counts.get(name, -1) + 1
            if name in self.counts:
                name += f"[{self.counts[name]}]"
                self.lines.setdefault(name, line)
        return name

    def key(self) -> list[str]:
        """The parts of the key that begins here; ends before `=` or `]`."""
        parts = []
        while True:
            self.skip(BLANK)
            start = self.at
            quote = self.text[start]
            if quote in "\"'":
                self.string(quote)
                parts.append(quoted(_unquoted(self.text[start : self.at])))
            else:
                while self.text[self.at] not in " \t.=]":
                    self.at += 1
                parts.append(self.text[start : self.at])
            self.skip(BLANK)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def value(self) -> None:
        """Skip the value that begins here, with all its lines."""
        text, depth = self.text, 0
        while self.at < len(text):
            letter = text[self.at]
            if letter in "\"'":
                triple = letter * 3
                self.string(triple if text.startswith(triple, self.at) else letter)
            elif letter == "#":
                self.to_line_end()
            elif letter == "\n" and depth == 0:
                return
            else:
                depth += (letter in "[{") - (letter in "]}")
                self.at += 1

    def string(self, quote: str) -> None:
        """Skip the string that begins here."""
        text = self.text
        self.at += len(quote)
        while not text.startswith(quote, self.at):
            self.at += 2 if text[self.at] == "\\" and quote[0] == '"' else 1
        self.at += len(quote)
        if len(quote) == 3:
            # Up to two quotes may stand before the closing three.
            while text.startswith(quote[0], self.at):
                self.at += 1

    def skip(self, letters: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in letters:
            self.at += 1

    def to_line_end(self) -> None:
        end = self.text.find("\n", self.at)
        self.at = len(self.text) if end < 0 else end


def _unquoted(text: str) -> str:
    if "\\" not in text or text[0] == "'":
        return text[1:-1]
    import tomllib

    value: str = tomllib.loads(f"v = {text}")["v"]
    return value
