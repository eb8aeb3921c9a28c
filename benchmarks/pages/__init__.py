"""How soon a page shows its first row, and what many open pages cost, against bare Panel: `python -m benchmarks pages`.

Servers, viewers and what makes the events are processes of their own; CPU is that of the server alone.
"""
