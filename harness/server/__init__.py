"""The look-up service: ``deconform translate`` as a web page and a JSON API.

``harness.server.app`` is the ASGI application.  It never reads a visitor's text itself: look-ups
run in worker processes (``harness.server.worker``) that are ended when they take too long.
"""
