"""The order in which globals and their types are written down."""

import pytest
from sample_globals import ALL

from llmspell.surface.model import Choice, Global, Record
from llmspell.surface.outline import pascal_case, sections, spellings, summary


def test_types_come_with_the_first_global_that_mentions_them_and_after_what_they_mention() -> None:
    named = {owner.name: [kind.__name__ for kind in kinds] for owner, kinds in sections(ALL)}
    assert named == {
        "Notes": ["Priority", "Author", "Note", "Sheet", "Page", "Nib", "Pen"],
        "Notes.kinds": [],
        "JSON": [],
        "Functions": [],
    }


def test_globals_of_other_languages_are_left_out_for_one_language() -> None:
    assert [owner.name for owner, _ in sections(ALL, "javascript")] == ["Notes", "Notes.kinds", "Functions"]


def test_classes_of_one_name_are_one_section() -> None:
    notes = next(owner for owner, _ in sections(ALL))
    assert [function.name for function in notes.functions][-1] == "shred"
    assert [(group.above, group.member) for group in notes.groups] == [("Notes", "kinds")]
    assert {function.name for function in notes.functions if function.requires} == {"shred"}
    assert notes.doc.startswith("Durable notes.")
    assert notes.doc.endswith("\n\nA part of Notes that a configuration switches on.")


def test_two_types_of_one_name_are_refused() -> None:
    class Same(Choice):
        """One."""

        values = ("a",)

    first = Same

    class One(Global):
        """One."""

        name = "One"

        def go(self, how: first) -> None:
            """Go."""

    class Same(Record):  # type: ignore[no-redef]
        """Another."""

        id: int

    second = Same

    class Two(Global):
        """Two."""

        name = "Two"

        def go(self) -> second:
            """Go."""

    class Again(Global):
        """The first one's type once more."""

        name = "Again"

        def go(self, how: first) -> None:
            """Go."""

    assert [[kind.__name__ for kind in kinds] for _, kinds in sections([One, Again])] == [["Same"], []]
    with pytest.raises(TypeError, match="Same"):
        list(sections([One, Two]))


def test_spellings_follow_the_rule() -> None:
    assert spellings("list_keys") == ("list_keys", "listKeys")
    assert spellings("save") == ("save",)
    assert pascal_case("list_keys") == "ListKeys"


def test_summary_is_the_first_paragraph_on_one_line() -> None:
    assert summary("One\ntwo.\n\nThree.") == "One two."
