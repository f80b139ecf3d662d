"""Imported by the server that processes are forked from, before it serves; see `fork_server`."""

from tunecli.executors.fork_server import warm_up_server

warm_up_server()
