"""Integrations: what this hub calls and is called by: services, webhooks, sources, calls, notifications and mail."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import panel as pn
import param

from claudia_core.model.delivery import DeliveryStatus
from claudia_core.model.identity import current
from dashboards.cells import integrations as integration_cells
from dashboards.live import LiveView, Page
from dashboards.parts.frame.heading import heading, heading_html
from dashboards.parts.frame.tiles import Tabs
from dashboards.parts.integrations.call_list import OUTCOMES, CallList
from dashboards.parts.integrations.carriers import CarrierList
from dashboards.parts.integrations.mail import SHOWN, MailView
from dashboards.parts.integrations.service_detail import ServiceDetail
from dashboards.parts.integrations.service_list import ServiceList
from dashboards.parts.integrations.source_list import SourceList
from dashboards.parts.notifications.notice_list import WHOSE
from dashboards.parts.notifications.notifications import NotificationsView
from dashboards.parts.webhooks.delivery_detail import DeliveryDetail
from dashboards.parts.webhooks.endpoint_detail import EndpointDetail
from dashboards.parts.webhooks.webhooks import WebhooksView

if TYPE_CHECKING:
    from claudia_core import Claudia

VIEWS = (
    {"key": "", "label": "Services"},
    {"key": "webhooks", "label": "Webhooks"},
    {"key": "sources", "label": "Sources"},
    {"key": "calls", "label": "Calls"},
    {"key": "notifications", "label": "Notifications"},
    {"key": "mail", "label": "Mail"},
)
DETAILS = ("service", "endpoint", "delivery")
COLUMN: dict[str, Any] = {"styles": {"gap": "16px"}, "sizing_mode": "stretch_width", "margin": 0}


class IntegrationsPage(Page):
    """Services with circuits and latencies; endpoints and deliveries; sources; the debugger; notifications; mail."""

    view: Any = param.Selector(default="", objects=[view["key"] for view in VIEWS], doc="What is shown.")
    service = param.String("", doc="The service shown in detail.")
    endpoint = param.String("", doc="The webhook endpoint shown in detail.")
    delivery = param.String("", doc="The delivery shown in detail.")
    status: Any = param.Selector(default="", objects=["", *DeliveryStatus], doc="Only deliveries like this.")
    process = param.String("", doc="The id of the process whose calls are shown; empty for all.")
    outcome: Any = param.Selector(default="", objects=list(OUTCOMES), doc="Only calls that ended like this.")
    after = param.String("", doc="The cursor of the page of deliveries.")

    template = param.String("", doc="The template of mail that is looked at.")
    whose: Any = param.Selector(default="", objects=[one["key"] for one in WHOSE], doc="Whose notices are listed.")
    shown: Any = param.Selector(default="", objects=[one["key"] for one in SHOWN], doc="What of a mail is shown.")

    ADDRESS: ClassVar[tuple[str, ...]] = (
        "view",
        *DETAILS,
        "status",
        "outcome",
        "after",
        "template",
        "shown",
        "whose",
        "process",
    )

    def __init__(self, claudia: Claudia, **params: Any) -> None:
        super().__init__(claudia, title="Integrations", **params)
        self.heading = heading("Integrations", level=1)
        self.tabs = Tabs(label="View", on_choose=self._on_view, items=[dict(view) for view in VIEWS])
        self.back = Tabs(label="Back", on_choose=self._on_back, css_classes=["back"], visible=False)
        self.place = pn.Column(**COLUMN)
        self.layout = pn.Column(self.heading, self.tabs, self.back, self.place, **COLUMN)
        self.parts: dict[str, LiveView] = {}
        self._who = current()
        self._placed = ""

    def refresh(self) -> None:
        """Show the chosen view, or what was chosen in it."""
        detail = next((name for name in DETAILS if getattr(self, name) and self.view != "calls"), "")
        part = self._part(detail or self.view)
        if self._placed != (detail or self.view or "services"):
            self._placed = detail or self.view or "services"
            self.place.objects = [part.layout, *self._further()]
        self.heading.visible = self.tabs.visible = not detail
        self.back.visible = bool(detail)
        if detail:
            label = {"service": "← All services", "endpoint": "← All webhooks", "delivery": "← All webhooks"}[detail]
            self.back.items = [{"key": "back", "label": label}]
        self._tell(part)
        part.refresh()
        if self._placed == "services":
            self._carriers().refresh()
        self.tabs.value = self.view
        self.title = self._title(part) if detail else "Integrations"
        tone, words = integration_cells.verdict(self.claudia.processes.services(), self.claudia.webhooks.list())
        self.heading.object = heading_html("Integrations", words, tone, level=1)

    def _tell(self, part: LiveView) -> None:
        """Hand the part what of the address is its own."""
        if isinstance(part, WebhooksView):
            part.param.update(status=self.status, after=self.after)
        elif isinstance(part, NotificationsView):
            part.param.update(whose=self.whose, after=self.after)
        elif isinstance(part, MailView):
            part.param.update(template=self.template, shown=self.shown)
        elif isinstance(part, CallList):
            part.param.update(service=self.service, outcome=self.outcome)
        elif isinstance(part, ServiceDetail):
            part.param.update(service=self.service, process=self.process)
        elif isinstance(part, ServiceList):
            part.process = self.process
        elif isinstance(part, EndpointDetail):
            part.endpoint_id = self.endpoint
        elif isinstance(part, DeliveryDetail):
            part.delivery_id = self.delivery

    def _part(self, name: str) -> LiveView:
        """The part of that name; most visits see few of them."""
        if name not in self.parts:
            self.parts[name] = self._make(name)
        return self.parts[name]

    def _make(self, name: str) -> LiveView:
        hub = self.claudia
        makers: dict[str, Callable[[], LiveView]] = {
            "": lambda: ServiceList(
                hub, on_open=self._opener("service"), on_process=self._on_field, title="Services"
            ),
            "webhooks": lambda: WebhooksView(
                hub, on_endpoint=self._opener("endpoint"), on_delivery=self._opener("delivery"),
                on_status=self._on_status, on_page=self._on_page, say=self.say,
            ),
            "sources": lambda: SourceList(hub, on_open=self._opener("service"), title="Sources of webhooks"),
            "notifications": lambda: NotificationsView(hub, who=self._who, on_change=self._on_notices, say=self.say),
            "mail": lambda: MailView(hub, who=self._who, on_change=self._on_field, say=self.say),
            "calls": lambda: CallList(hub, say=self.say, on_change=self._on_field),
            "service": lambda: ServiceDetail(hub, say=self.say),
            "endpoint": lambda: EndpointDetail(
                hub, on_delivery=self._opener("delivery"), say=self.say, on_gone=lambda: self._on_back("back")
            ),
            "delivery": lambda: DeliveryDetail(hub, on_endpoint=self._opener("endpoint"), say=self.say),
            "carriers": lambda: CarrierList(hub),
        }  # fmt: skip
        return makers[name]()

    def _carriers(self) -> LiveView:
        return self._part("carriers")

    def _further(self) -> list[Any]:
        return [self._carriers().layout] if self._placed == "services" else []

    def _title(self, part: LiveView) -> str:
        if isinstance(part, EndpointDetail):
            return part.name_shown or "Endpoint"
        return self.service[:100] if isinstance(part, ServiceDetail) else "Delivery"

    def _opener(self, field: str) -> Any:
        def open_one(id: str) -> None:
            self.param.update(**{**dict.fromkeys(DETAILS, ""), field: id})

        return open_one

    def _on_view(self, view: str) -> None:
        self.param.update(
            view=view,
            **dict.fromkeys((*DETAILS, "status", "outcome", "after", "template", "shown", "whose", "process"), ""),
        )

    def _on_back(self, _: str) -> None:
        self.param.update(**dict.fromkeys(DETAILS, ""))

    def _on_status(self, status: str) -> None:
        self.param.update(status=status, after="")

    def _on_page(self, cursor: str) -> None:
        self.after = cursor

    def _on_notices(self, key: str, value: str) -> None:
        self.param.update(**{"after": "", key: value})

    def _on_field(self, key: str, value: str) -> None:
        self.param.update(**{key: value})


if __name__.startswith("bokeh_app_"):  # panel serve dashboards/pages/integrations.py
    from dashboards import serve_here

    serve_here(IntegrationsPage)
