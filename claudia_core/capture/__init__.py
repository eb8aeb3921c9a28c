"""Errors as a program meets them: taken cheaply, made plain, freed of secrets, kept while nobody listens."""
