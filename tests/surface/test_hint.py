"""Remedies for names that scripts get wrong."""

from sample_globals import ALL, Notes, Shredder

from llmspell.surface.hint import missing_hint


def hint(line: str, *present: type[Notes] | type[Shredder], language: str = "lua") -> str:
    return missing_hint(line, [owner() for owner in present], ALL, {"Vault": "enabled = true in [vault]"}, language)


def test_a_function_of_an_absent_part_names_its_setting() -> None:
    assert hint("Notes.shred()", Notes) == "Notes.shred needs [notes] shredder in the configuration"


def test_a_function_of_a_present_part_is_known() -> None:
    assert hint("Notes.shred({})", Notes, Shredder) == ""


def test_a_wrong_name_gets_the_nearest_one_of_all_parts() -> None:
    assert hint("Notes.shrd()", Notes, Shredder) == "Notes has no 'shrd'; did you mean Notes.shred?"
    assert hint("Notes.listkeys()", Notes) == "Notes has no 'listkeys'; did you mean Notes.list_keys?"


def test_what_is_like_nothing_is_sent_to_the_list() -> None:
    assert hint("Notes.qqq()", Notes) == "Notes has no 'qqq'; `llmspell api lua` lists what there is"


def test_a_whole_global_that_is_absent_names_what_enables_it() -> None:
    assert hint("Vault.open()", Notes) == "Vault needs enabled = true in [vault] in the configuration"
