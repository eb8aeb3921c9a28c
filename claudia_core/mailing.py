"""Mail as a hub knows it: who carries it, what it is made with, and who gets none."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from claudia_core.errors import SettingsError
from claudia_core.ports import Store
from claudia_core.reports import report_writer
from claudia_core.services.notifications import Notifications
from claudia_core.services.suppressions import Suppressions
from claudia_core.settings import Settings

if TYPE_CHECKING:
    from claudia_core.integrations.mail import Mailer, Templates
    from claudia_core.integrations.mail.trial import Trial
    from claudia_core.resilience.integration import Integration


class Mailing:
    """Made when asked for: most of a hub's work needs no mail."""

    acts_on: Store
    """What changes go through: the store, or one around it."""
    settings: Settings
    store: Store

    def _require_here(self, what: str) -> None:
        raise NotImplementedError

    def integration(self, name: str, **guards: Any) -> Integration:
        """See `Outside.integration`."""
        raise NotImplementedError

    @property
    def notifications(self) -> Notifications:
        """See `Outside.notifications`."""
        raise NotImplementedError

    @cached_property
    def mail(self) -> Mailer:
        """Sends mail by the carrier that `CLAUDIA_MAIL_URL` names.

        Raises:
            SettingsError: it is not set, or names none.
            MissingExtra: what it needs is not installed.
        """
        from claudia_core.integrations.mail.mailer import HINT, Mailer, carrier_of

        url = self.settings.mail_url
        if url is None:
            raise SettingsError(
                "there is nobody to carry mail: CLAUDIA_MAIL_URL is not set", field="mail_url", hint=HINT
            )
        return Mailer(
            carrier_of(url.get_secret_value()),
            self.settings.mail_from,
            self.integration("mail"),
            self.mail_templates,
            None if self.store.url.startswith("http") else Suppressions(self.store),
        )

    def mail_report(
        self, to: str | Sequence[str], *, since: str = "24h", subject: str = "Report of tasks and errors"
    ) -> str:
        """Mail what happened in a period, as one HTML file and its chart as a picture; returns the carrier's id of it.

        Raises as `mail` and `Mailer.send`, and:
            InvalidValue: the period cannot be read.
            MissingExtra: the pages, which write reports, are not installed.
        """
        from claudia_core.integrations.mail import Attachment

        write, written, drawn = report_writer(), io.StringIO(), io.BytesIO()
        write(self, written, since=since, title=subject, form="html")
        write(self, drawn, since=since, title=subject, form="png")
        attachments = [
            Attachment("claudia-report.html", written.getvalue().encode(), "text/html"),
            Attachment("claudia-throughput.png", drawn.getvalue(), "image/png"),
        ]
        return self.mail.send(to, subject, f"What happened {_period(since)} is attached.\n", attachments=attachments)

    def try_mail(self, template: str, data: Mapping[str, Any] | None = None, to: str = "") -> Trial:
        """Send a template, filled with `data` over its sample, to one's own address; an admin may name another.

        Raises as `mail` and `integrations.mail.trial.send_trial`.
        """
        from claudia_core.integrations.mail.trial import send_trial

        trial = send_trial(self.mail, self.notifications.people, template, data or {}, to)
        if not self.store.url.startswith("http"):  # events are for every viewer: no addresses
            self.store.write(lambda tx: tx.emit("mail:tested", template, {})).result()
        return trial

    @cached_property
    def mail_templates(self) -> Templates:
        """What mail is made with; those of `mail`, and there without anybody to carry it.

        Raises:
            MissingExtra: jinja2 is not installed.
        """
        from claudia_core.integrations.mail.templates import Templates

        return Templates()

    @property
    def suppressions(self) -> Suppressions:
        """Addresses that no mail is sent to.

        Raises:
            StoreError: the hub is elsewhere: it keeps these itself.
        """
        self._require_here("the list of suppressed addresses")
        return Suppressions(self.acts_on)


def _period(since: str) -> str:
    """In words: `since` is a time ago, such as `24h`, or a time."""
    return (
        f"in the last {since}"
        if since[-1:].isalpha() and since[:1].isdigit() and "T" not in since
        else f"since {since}"
    )
