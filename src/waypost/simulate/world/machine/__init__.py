"""The world of one machine: a process with threads, its file, and its mail server."""
