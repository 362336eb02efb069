"""What the scripts beside this one share: operations by name, run one after the other, each reported as a line of JSON."""

import json
import sys
import threading
import time
import traceback

_operations = []


class Config:
    """What the test tells a script on standard input."""

    def __init__(self, values):
        self.transport = values["transport"]
        self.service_connection_string = values["serviceConnectionString"]
        self.events_connection_string = values.get("eventsConnectionString")
        self.ca_file = values["caFile"]
        self.certificate = values.get("certificate")
        self.prefix = values["prefix"]

    @property
    def ca(self):
        with open(self.ca_file, encoding="utf-8") as file:
            return file.read()

    def setting(self, name):
        """A part of the service connection string."""
        parts = (part.split("=", 1) for part in self.service_connection_string.split(";"))
        return dict(parts)[name]


def operation(name):
    """Marks a function of one operation; the test reads the names out of the source."""

    def register(function):
        _operations.append((name, function))
        return function

    return register


def run():
    config = Config(json.load(sys.stdin))
    for name, function in _operations:
        result = {"operation": name, "error": None}
        try:
            function(config)
        except Exception:
            result["error"] = traceback.format_exc()
        print(json.dumps(result), flush=True)
    # The SDKs leave threads behind that would keep the process.
    sys.stdout.flush()
    import os

    os._exit(0)


def until(condition, what, limit_seconds=15):
    """Waits until a condition gives something truthy, and returns that."""
    end = time.monotonic() + limit_seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError("Waited in vain: " + what)
        time.sleep(0.02)


class Box:
    """Takes what a callback brings, and waits for it."""

    def __init__(self):
        self._condition = threading.Condition()
        self._values = []

    def put(self, value):
        with self._condition:
            self._values.append(value)
            self._condition.notify_all()

    def get(self, wanted=lambda value: True, limit_seconds=15):
        def found():
            return [value for value in self._values if wanted(value)]

        with self._condition:
            if not self._condition.wait_for(found, limit_seconds):
                raise AssertionError("Nothing of the kind came; there were %r" % (self._values,))
            return found()[0]


def raises(kind, call):
    """The exception of a call that has to fail with this kind."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("It was not refused.")
