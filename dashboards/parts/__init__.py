"""Views for any Panel app or notebook cell: each takes a `Claudia`, displays itself and follows the hub.

from dashboards.parts import TaskTable
TaskTable(claudia)
"""

from dashboards.parts.agents.agent_grid import AgentGrid
from dashboards.parts.agents.agent_strip import AgentStrip
from dashboards.parts.charts.bar import ProgressBar
from dashboards.parts.charts.durations import DurationChart
from dashboards.parts.charts.kpis import KpiRow
from dashboards.parts.charts.throughput import ThroughputChart
from dashboards.parts.charts.trends import TrendTable
from dashboards.parts.errors.issue_detail import IssueDetail
from dashboards.parts.errors.issue_list import IssueList
from dashboards.parts.events.event_list import EventList
from dashboards.parts.health.health_list import HealthList
from dashboards.parts.health.health_strip import HealthStrip
from dashboards.parts.tasks.task_table import TaskTable
from dashboards.parts.tasks.timeline import TaskTimeline
from dashboards.parts.webhooks.delivery_list import DeliveryList

__all__ = [
    "AgentGrid",
    "AgentStrip",
    "DeliveryList",
    "DurationChart",
    "EventList",
    "HealthList",
    "HealthStrip",
    "IssueDetail",
    "IssueList",
    "KpiRow",
    "ProgressBar",
    "TaskTable",
    "TaskTimeline",
    "ThroughputChart",
    "TrendTable",
]
