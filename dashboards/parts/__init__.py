"""Views for any Panel app or notebook cell: each takes a `Claudia`, displays itself and follows the hub.

from dashboards.parts import TaskTable
TaskTable(claudia)
"""

from dashboards.parts.agent_grid import AgentGrid
from dashboards.parts.agent_strip import AgentStrip
from dashboards.parts.bar import ProgressBar
from dashboards.parts.delivery_list import DeliveryList
from dashboards.parts.durations import DurationChart
from dashboards.parts.events import EventList
from dashboards.parts.health_list import HealthList
from dashboards.parts.health_strip import HealthStrip
from dashboards.parts.issue_detail import IssueDetail
from dashboards.parts.issue_list import IssueList
from dashboards.parts.kpis import KpiRow
from dashboards.parts.task_table import TaskTable
from dashboards.parts.throughput import ThroughputChart
from dashboards.parts.timeline import TaskTimeline
from dashboards.parts.trends import TrendTable

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
