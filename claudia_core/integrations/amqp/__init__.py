"""RabbitMQ: the log to a topic exchange, commands and events of others from a queue."""

from claudia_core.integrations.amqp.bridge import AmqpBridge

__all__ = ["AmqpBridge"]
