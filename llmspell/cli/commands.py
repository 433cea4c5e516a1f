"""Every command group, in the order in which the help lists them."""

import typer


def add_to(app: typer.Typer) -> None:
    """Add the commands to `app`."""
