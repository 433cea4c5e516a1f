"""Catalogue: every key there is, under its dotted name, with the older spellings and what each stands for."""

from llmspell.config.setting import Section, Setting, Spelling


class Catalogue:
    """The keys of a root section.

    `settings` are the keys themselves, in the order of the declaration; `tables` the sections, None for tables in
    which only other names stand; `spellings` the other names, each with the settings it sets; `ignored` the names that
    load and are used for nothing, with the reason.
    """

    def __init__(self, root: type[Section]) -> None:
        self.settings: dict[str, Setting] = {}
        self.tables: dict[str, type[Section] | None] = {}
        self.spellings: dict[str, list[tuple[Setting, Spelling | None]]] = {}
        self.ignored: dict[str, str] = {}
        self._add(root, "")
        for key in (*self.spellings, *self.ignored):
            table = key.rpartition(".")[0]
            while table and table not in self.tables:
                self.tables[table] = None
                table = table.rpartition(".")[0]

    def find(self, key: str) -> "list[tuple[Setting, Spelling | None]]":
        """The settings that `key`, in whatever spelling, sets; none when there is no such key."""
        setting = self.settings.get(key)
        return [(setting, None)] if setting else self.spellings.get(key, [])

    def reason(self, key: str) -> str:
        """Why `key`, or a table it lies in, is used for nothing; "" when it is not ignored."""
        while key:
            if key in self.ignored:
                return self.ignored[key]
            key = key.rpartition(".")[0]
        return ""

    def nearest(self, key: str) -> str:
        """The known key nearest to an unknown one: close in its section, of the same name elsewhere, or as a whole."""
        from llmspell.config.wording import nearest

        table, _, name = key.rpartition(".")
        names = [known.rpartition(".") for known in (*self.settings, *self.tables, *self.spellings)]
        close = nearest(name, [last for parent, _, last in names if parent == table])
        if close:
            return f"{table}.{close}" if table else close
        for parent, _, last in names:
            if last == name:
                return f"{parent}.{last}" if parent else last
        return nearest(key, ["".join(parts) for parts in names], cutoff=0.0)

    def _add(self, section: type[Section], prefix: str) -> None:
        for name, setting in section.SETTINGS.items():
            setting.key = prefix + name
            self.settings[setting.key] = setting
            for old in setting.old:
                spelling = old if isinstance(old, Spelling) else Spelling(old)
                key = spelling.key if "." in spelling.key else prefix + spelling.key
                self.spellings.setdefault(key, []).append((setting, spelling))
        for name, reason in section.IGNORED.items():
            self.ignored[prefix + name] = reason
        for name, child in section.SECTIONS.items():
            self.tables[prefix + name] = child
            self._add(child, f"{prefix}{name}.")
