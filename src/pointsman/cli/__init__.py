"""The command line: commands that ask the parts, and show what they answer.

Modules here are imported when their command is called, so that `pointsman --help` is quick.
"""


def main() -> None:
    """Run the command that `sys.argv` names, and exit with its status."""
    import sys

    from pointsman.cli.errors import run

    sys.exit(run(sys.argv[1:]))
