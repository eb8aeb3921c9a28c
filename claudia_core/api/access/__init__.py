"""Who may come in, and who may do what: one model for pages, REST, GraphQL, gRPC, WebSockets and streams."""
