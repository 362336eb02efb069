"""azure-eventhub as whoever reads the built-in endpoint uses it, over AMQP or AMQP over WebSocket."""

import threading
import time
from datetime import datetime, timedelta, timezone

from azure.eventhub.exceptions import ConnectionLostError, OwnershipLostError
from azure.iot.device import IoTHubDeviceClient
from azure.iot.hub import IoTHubRegistryManager

from conformance import Box, operation, run
from events import WEB_SOCKET, consumer, messages_of


def options(config):
    return WEB_SOCKET if config.transport == "amqp-ws" else {}


def a_sender(config, name, bodies=()):
    device_id = config.prefix + name
    hub = IoTHubRegistryManager.from_connection_string(config.service_connection_string)
    key = hub.create_device_with_sas(device_id, "", "", "enabled").authentication.symmetric_key.primary_key
    text = "HostName=%s;DeviceId=%s;SharedAccessKey=%s" % (config.setting("HostName"), device_id, key)
    client = IoTHubDeviceClient.create_from_connection_string(text, server_verification_cert=config.ca)
    client.connect()
    for body in bodies:
        client.send_message(body)
    return device_id, client


def reading(config, on_event, **how):
    """A client that reads in the background; close it."""
    client = consumer(config, **options(config), **how.pop("client", {}))
    thread = threading.Thread(target=lambda: client.receive(on_event=on_event, **how), daemon=True)
    thread.start()
    return client


@operation("Read the properties of the endpoint and its partitions")
def read_properties(config):
    with consumer(config, **options(config)) as client:
        ids = client.get_partition_ids()
        assert len(ids) >= 2, ids
        properties = client.get_eventhub_properties()
        assert properties["partition_ids"] == ids and properties["created_at"], properties
        partition = client.get_partition_properties(ids[0])
        assert partition["id"] == ids[0] and "last_enqueued_sequence_number" in partition, partition


@operation("Read from the beginning: bodies, properties and annotations")
def read_all(config):
    device_id, client = a_sender(config, "sender", ["one", "two", "three"])
    found = messages_of(config, device_id, 3, **options(config))
    assert [event.body_as_str() for event in found] == ["one", "two", "three"]
    assert found[0].sequence_number < found[1].sequence_number < found[2].sequence_number
    age = datetime.now(timezone.utc) - found[0].enqueued_time
    assert timedelta(minutes=-1) < age < timedelta(minutes=1), age
    annotations = found[0].system_properties
    for name in (b"iothub-connection-auth-generation-id", b"iothub-connection-auth-method", b"iothub-enqueuedtime"):
        assert annotations[name], annotations
    client.shutdown()


@operation("Read only what comes from now on")
def read_latest(config):
    device_id, client = a_sender(config, "later", ["before"])
    received = Box()
    ready = {}

    def take(partition, event):
        if event is None:
            ready[partition.partition_id] = True
        elif event.system_properties[b"iothub-connection-device-id"] == device_id.encode():
            received.put(event.body_as_str())

    reader = reading(config, take, starting_position="@latest", max_wait_time=0.5)
    with consumer(config, **options(config)) as other:
        partitions = len(other.get_partition_ids())
    end = time.monotonic() + 20
    while len(ready) < partitions and time.monotonic() < end:
        time.sleep(0.05)
    client.send_message("after")
    assert received.get() == "after"
    reader.close()
    client.shutdown()


@operation("Read from a sequence number, an offset and a time")
def read_from(config):
    device_id, client = a_sender(config, "places", ["one", "two", "three"])
    first, second, _third = messages_of(config, device_id, 3, **options(config))
    with consumer(config, **options(config)) as other:
        partition_id = next(
            candidate
            for candidate in other.get_partition_ids()
            if other.get_partition_properties(candidate)["last_enqueued_sequence_number"] >= first.sequence_number
            and has(config, candidate, device_id, first)
        )
    for position, inclusive, wanted in (
        (second.sequence_number, True, "two"),
        (second.sequence_number, False, "three"),
        (second.offset, False, "three"),
        (first.enqueued_time - timedelta(seconds=1), False, "one"),
    ):
        found = Box()
        reader = reading(
            config,
            lambda _partition, event, found=found: found.put(event),
            partition_id=partition_id,
            starting_position=position,
            starting_position_inclusive=inclusive,
        )
        event = found.get(lambda one: one.system_properties[b"iothub-connection-device-id"] == device_id.encode())
        reader.close()
        assert event.body_as_str() == wanted, (position, inclusive, event.body_as_str())
    client.shutdown()


def has(config, partition_id, device_id, wanted):
    """Whether this is the device's partition."""
    found = Box()
    reader = reading(
        config,
        lambda _partition, event: found.put(event),
        partition_id=partition_id,
        starting_position=wanted.sequence_number,
        starting_position_inclusive=True,
        max_wait_time=2,
    )
    event = found.get()
    reader.close()
    return event is not None and event.system_properties[b"iothub-connection-device-id"] == device_id.encode()


@operation("Evict a reader by a higher owner level")
def evict_reader(config):
    reads, evicted, took = Box(), Box(), Box()
    # Called with an event, or with none for half a second: the link is open.
    older = reading(
        config,
        lambda _partition, _event: reads.put(1),
        partition_id="0",
        owner_level=1,
        starting_position="-1",
        max_wait_time=0.5,
        on_error=lambda _partition, error: evicted.put(error),
    )
    reads.get()
    younger = reading(
        config,
        lambda _partition, _event: took.put(1),
        partition_id="0",
        owner_level=2,
        starting_position="-1",
        max_wait_time=0.5,
    )
    took.get()
    assert isinstance(evicted.get(), (ConnectionLostError, OwnershipLostError))
    older.close()
    younger.close()


if __name__ == "__main__":
    run()
