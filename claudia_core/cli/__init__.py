"""The command line: `claudia serve | demo | agent | tasks | report | user | key | session | audit | ... | doctor`.

Each command is in the file of its noun and is loaded only when it is called, so that help and small commands are quick.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import cyclopts

import claudia_core
from claudia_core.cli.terminal import complain, note
from claudia_core.errors import ClaudiaError

USAGE = 2
"""Exit code when the command could not be carried out as given."""

INTERRUPTED = 130

COMMANDS = {
    "serve": ("serve:serve", "Start the hub on this machine: live pages and API behind a token."),
    "demo": ("demo:demo", "Analyse real Python source trees as a tracked job, and print the result."),
    "agent": ("agent:agent", "Run the tasks for which a module has handlers."),
    "tasks": ("tasks:tasks", "List tasks."),
    "watch": ("watch:watch", "Show running tasks and new events live."),
    "report": ("report:report", "Write what happened in a period as one file, HTML or Markdown."),
    "user": ("user:app", "People who may sign in: list, add, change, remove."),
    "key": ("key:app", "API keys: list, create, revoke; and the keys that sign tokens."),
    "secrets": ("secrets:app", "The keys that secrets in the store are encrypted with: rotate them."),
    "session": ("session:app", "Who is signed in: list, end, sign out everywhere."),
    "audit": ("audit:audit", "Who changed what: as a table, JSON lines or CSV."),
    "replay": ("replay:replay", "Fold tasks, issues, rollups or projections of your own again from the log."),
    "migrate": ("migrate:migrate", "Copy a hub with its log to another store, and check the copy."),
    "prune": ("store:prune", "Delete old events."),
    "backup": ("store:backup", "Copy the store to a new file while it is in use."),
    "restore": ("store:restore", "Put a backup in the place of the store."),
    "config": ("config:app", "The settings in force, and where each comes from."),
    "doctor": ("doctor:doctor", "Say what is installed, what works, and what to do about what does not."),
}

HELP = "Mission control for long-running Python work."
EPILOGUE = "The store is ./.claudia/claudia.db unless --database or CLAUDIA_DATABASE_URL names another."


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 when it worked, 1 when what it found is bad, 2 when it could not be done."""
    try:
        code = _app()(arguments, exit_on_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:  # cyclopts has said why
        note(f"What it takes: {' '.join(('claudia', *(error.command_chain or ())))} --help")
        code = USAGE
    except ClaudiaError as error:
        complain(error.message, error.hint)
        code = USAGE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BrokenPipeError:  # such as `claudia tasks | head`: nobody reads on
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def _app() -> cyclopts.App:
    app = cyclopts.App(
        name="claudia", help=HELP, help_epilogue=EPILOGUE, version=claudia_core.__version__, help_format="plaintext"
    )
    for name, (place, purpose) in COMMANDS.items():
        app.command(f"claudia_core.cli.{place}", name=name, help=purpose)
    return app
