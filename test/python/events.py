"""Reading the built-in endpoint through azure-eventhub."""

import threading

from azure.eventhub import EventHubConsumerClient, TransportType


def consumer(config, **options):
    return EventHubConsumerClient.from_connection_string(
        config.events_connection_string,
        consumer_group=options.pop("consumer_group", "$Default"),
        connection_verify=config.ca_file,
        **options,
    )


def messages_of(config, device_id, count, limit_seconds=20, **options):
    """The first messages of a device, telemetry alone, oldest first."""
    found = []
    enough = threading.Event()
    client = consumer(config, **options)

    def take(_partition, event):
        properties = event.system_properties
        if properties.get(b"iothub-connection-device-id") != device_id.encode():
            return
        if properties.get(b"iothub-message-source") != b"Telemetry":
            return
        found.append(event)
        if len(found) >= count:
            enough.set()

    thread = threading.Thread(target=lambda: client.receive(on_event=take, starting_position="-1"), daemon=True)
    thread.start()
    if not enough.wait(limit_seconds):
        client.close()
        raise AssertionError("%d of %d messages of %s came" % (len(found), count, device_id))
    client.close()
    thread.join(5)
    return found[:count]


WEB_SOCKET = {"transport_type": TransportType.AmqpOverWebsocket}
