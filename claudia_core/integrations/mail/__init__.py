"""Mail: messages, templates, and the services that carry them."""

from claudia_core.integrations.mail.mailer import Mailer
from claudia_core.integrations.mail.message import Attachment, Message
from claudia_core.integrations.mail.templates import Templates

__all__ = ["Attachment", "Mailer", "Message", "Templates"]
