"""Views of services elsewhere: calls to them, what carries messages, mail."""
