"""Every command group, in the order in which the help lists them."""

import typer

from llmspell.cli import artifact, backup, check, config, installation, interface, migrate, session, state


def add_to(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    for part in (state, session, artifact, migrate, backup, config, check, installation, interface):
        part.add_to(app)
