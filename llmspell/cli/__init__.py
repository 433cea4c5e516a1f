"""The command line: `run` and `exec` on a path of their own that imports little, everything else through Typer."""
