"""What the hub can be asked to do: one table of operations, which REST, GraphQL and gRPC all carry out."""
