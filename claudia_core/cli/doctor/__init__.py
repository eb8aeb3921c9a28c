"""`claudia doctor`: what is installed, how it is set, what works, and what to do about what does not."""

from __future__ import annotations

from claudia_core.address import is_elsewhere
from claudia_core.cli.doctor.configuration import configuration, examine_settings
from claudia_core.cli.doctor.findings import Finding, State
from claudia_core.cli.doctor.installation import examine_extras, examine_packages, examine_python
from claudia_core.cli.doctor.servers import examine_servers
from claudia_core.cli.doctor.surroundings import examine_disk, examine_hub, examine_port, examine_store
from claudia_core.cli.hub import Database
from claudia_core.cli.terminal import configure_logs, say

STYLES = {State.GOOD: "green", State.NOTE: "bright_black", State.WARNING: "yellow", State.BROKEN: "red"}


def doctor(*, database: Database = None) -> int:
    """Say what is installed, how it is set, what works, and what to do about what does not.

    Redis, RabbitMQ, MongoDB and a browser are not needed. The exit code is 1 when something needed is broken.
    """
    configure_logs()
    findings = [
        *_show("Python", examine_python()),
        *_show("Packages", examine_packages()),
        *_show("Extras (none is needed)", examine_extras()),
    ]
    settings, found = examine_settings(database)
    findings += _show("Settings", found if settings is None else configuration(database))
    if settings is not None and is_elsewhere(settings):
        findings += _show("Hub", [examine_hub(settings)])
    elif settings is not None:
        findings += _show("Store", [*examine_store(settings), examine_disk(settings)])
        findings += _show("Server", [examine_port(settings), *examine_servers(settings)])
    return _verdict(findings)


def _show(title: str, findings: list[Finding]) -> list[Finding]:
    say(title, "bold")
    for finding in findings:
        say(f"  {finding.state.mark} {finding.name:<24} {finding.text}", STYLES[finding.state])
        if finding.cure:
            say(f"    {'':<24} → {finding.cure}")
    say()
    return findings


def _verdict(findings: list[Finding]) -> int:
    broken = [finding.name for finding in findings if finding.state is State.BROKEN]
    if not broken:
        say("All that is needed works.", "bold green")
        return 0
    say(f"Broken: {', '.join(broken)}. What to do stands above, after the arrows.", "bold red")
    return 1
