"""Where jobs run on this machine: threads, processes, an event loop."""
