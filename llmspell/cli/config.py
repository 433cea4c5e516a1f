"""`llmspell config …`, `validate` and `init`: look at the configuration, check it, begin one."""

import json
import os
from typing import Annotated

import typer

from llmspell.cli.app import command, group
from llmspell.cli.call import Call
from llmspell.cli.installation import info
from llmspell.config.json_schema import json_schema
from llmspell.config.profiles import profile_text
from llmspell.errors import BadArgument

FIRST_PROFILE = "state-enabled"
FIRST_FILE = "llmspell.toml"


def add_to(app: typer.Typer) -> None:
    """Add the group `config`, and `validate` and `init` beside it."""
    config = group(app, "config", "Look at the configuration and check it.")
    command(config, "show")(show)
    command(config, "validate")(validate)
    command(config, "schema")(schema)
    command(config, "info")(info)
    command(app, "validate")(validate)
    command(app, "init")(init)


def show(
    call: Call,
    prefix: Annotated[str, typer.Argument(metavar="KEY", help="Only this key or table, such as state.journal.")] = "",
    given: Annotated[bool, typer.Option("--given", help="Only what is not a default.")] = False,
) -> None:
    """List every setting that holds and where it came from; secrets are redacted."""
    rows = [row for row in call.config(allow_unbuilt=True).show(prefix) if not given or row.origin != "default"]
    if prefix and not rows and not given:
        raise BadArgument(f"there is no setting '{prefix}'", hint="`llmspell config show` lists all", exit_status=2)
    if call.report.output == "text":
        width = max((len(str(row)) for row in rows), default=0)
        call.report.text("".join(f"{row!s:{width}}  # {row.origin}\n" for row in rows))
    else:
        names = ("key", "value", "origin", "help")
        call.report.value([{name: getattr(row, name) for name in names} for row in rows])


def validate(call: Call) -> None:
    """Check the configuration; exit status 3 when it is wrong. Names the keys that are accepted and not used."""
    config = call.config()
    facts = {"valid": True, "file": config.source, "profile": config.profile, "notices": config.notices}
    if call.report.output != "text":
        call.report.value(facts)
        return
    call.report.text(f"{config.source or 'no configuration file; the defaults'}: valid\n")
    for notice in config.notices:
        call.report.note(f"note: {notice}")


def schema(call: Call) -> None:
    """Print the JSON Schema of the configuration file, for editors."""
    call.report.document(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n", is_json=True)


def init(
    call: Call,
    file: Annotated[str, typer.Option("-o", "--file", metavar="FILE", help="Where to write it.")] = FIRST_FILE,
    force: Annotated[bool, typer.Option("-f", "--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write a first configuration file, from the profile that -p names; `-p full` has every key, with comments."""
    text = profile_text(call.values["profile"] or FIRST_PROFILE)
    try:
        with open(file, "w" if force else "x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
    except FileExistsError:
        raise BadArgument(f"'{file}' is there already", hint="--force replaces it", exit_status=2) from None
    except OSError as error:
        raise BadArgument(f"cannot write '{file}': {error.strerror}", exit_status=2) from None
    call.report.result({"wrote": os.path.normpath(file)})
