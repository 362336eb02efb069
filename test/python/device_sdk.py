"""azure-iot-device as a device's program uses it, over MQTT or MQTT over WebSocket; the services' side is azure-iot-hub."""

import json

from azure.iot.device import IoTHubDeviceClient, IoTHubModuleClient, Message, MethodResponse, X509
from azure.iot.device.exceptions import ClientError, CredentialError, ConnectionFailedError
from azure.iot.hub import IoTHubRegistryManager
from azure.iot.hub.models import CloudToDeviceMethod, Twin, TwinProperties

from conformance import Box, operation, raises, run, until
from events import messages_of


def registry(config):
    return IoTHubRegistryManager.from_connection_string(config.service_connection_string)


def options(config):
    return {"websockets": config.transport == "mqtt-ws", "server_verification_cert": config.ca}


def a_device(config, name):
    """A registered device's client, connected."""
    device_id = config.prefix + name
    created = registry(config).create_device_with_sas(device_id, "", "", "enabled")
    key = created.authentication.symmetric_key.primary_key
    text = "HostName=%s;DeviceId=%s;SharedAccessKey=%s" % (config.setting("HostName"), device_id, key)
    client = IoTHubDeviceClient.create_from_connection_string(text, **options(config))
    client.connect()
    return device_id, client


def a_message():
    message = Message(json.dumps({"level": 1}))
    message.message_id = "m-1"
    message.correlation_id = "c/1"
    message.content_type = "application/json"
    message.content_encoding = "utf-8"
    message.custom_properties["alert"] = "yes & no = 100 %"
    message.custom_properties["ort"] = "K\u00f6ln"
    return message


@operation("Send a device-to-cloud message")
def send_message(config):
    device_id, client = a_device(config, "sender")
    client.send_message(a_message())
    client.send_message("second")
    first, second = messages_of(config, device_id, 2)
    assert json.loads(first.body_as_str()) == {"level": 1}
    assert first.message_id == "m-1" and first.correlation_id == "c/1"
    assert first.content_type == "application/json"
    properties = {key.decode(): value.decode() for key, value in first.properties.items()}
    assert properties == {"alert": "yes & no = 100 %", "ort": "K\u00f6ln"}, properties
    assert second.body_as_str() == "second"
    client.shutdown()


@operation("Receive a cloud-to-device message")
def receive_message(config):
    device_id, client = a_device(config, "receiver")
    received = Box()
    client.on_message_received = received.put
    registry(config).send_c2d_message(
        device_id, "turn left", {"messageId": "order-1", "why": "because & so", "contentType": "text/plain"}
    )
    message = received.get()
    assert message.data == b"turn left"
    assert message.message_id == "order-1"
    assert message.custom_properties["why"] == "because & so"
    until(
        lambda: registry(config).get_device(device_id).cloud_to_device_message_count == 0,
        "the message is completed",
    )
    client.shutdown()


@operation("Answer a direct method")
def answer_method(config):
    device_id, client = a_device(config, "callee")

    def answer(request):
        client.send_method_response(MethodResponse.create_from_method_request(request, 207, {"got": request.payload}))

    client.on_method_request_received = answer
    call = CloudToDeviceMethod(
        method_name="reboot", payload={"in": 5}, response_timeout_in_seconds=15, connect_timeout_in_seconds=10
    )
    result = registry(config).invoke_device_method(device_id, call)
    assert result.status == 207 and result.payload == {"got": {"in": 5}}, result
    client.shutdown()


@operation("Read the own twin")
def read_twin(config):
    device_id, client = a_device(config, "reader")
    registry(config).update_twin(device_id, Twin(tags={"site": "a"}, properties=TwinProperties(desired={"rate": 5})), "*")
    twin = client.get_twin()
    assert twin["desired"] == {"rate": 5, "$version": 2}, twin
    assert twin["reported"] == {"$version": 1}, twin
    client.shutdown()


@operation("Report properties")
def report_properties(config):
    device_id, client = a_device(config, "reporter")
    client.patch_twin_reported_properties({"camera": {"width": 640, "height": 480}, "old": 1})
    client.patch_twin_reported_properties({"camera": {"width": 1280}, "old": None})
    reported = registry(config).get_twin(device_id).properties.reported
    assert reported["camera"] == {"width": 1280, "height": 480} and "old" not in reported, reported
    raises(ClientError, lambda: client.patch_twin_reported_properties({"a.b": 1}))
    client.shutdown()


@operation("Hear of changed desired properties")
def hear_of_desired(config):
    device_id, client = a_device(config, "listener")
    patches = Box()
    client.on_twin_desired_properties_patch_received = patches.put
    registry(config).update_twin(device_id, Twin(properties=TwinProperties(desired={"rate": 7})), "*")
    assert patches.get() == {"rate": 7, "$version": 2}
    client.shutdown()


@operation("Connect again, where subscriptions are kept")
def connect_again(config):
    device_id, client = a_device(config, "returning")
    received = Box()
    client.on_message_received = received.put
    client.disconnect()
    registry(config).send_c2d_message(device_id, "while you were out", {})
    client.connect()
    assert received.get().data == b"while you were out"
    client.shutdown()


@operation("Open and finish a file upload")
def upload_file(config):
    device_id, client = a_device(config, "uploader")
    info = client.get_storage_info_for_blob("picture.jpg")
    assert info["blobName"] == device_id + "/picture.jpg", info
    assert info["sasToken"].startswith("?") and info["containerName"] and info["hostName"], info
    client.notify_blob_upload_status(info["correlationId"], True, 201, "done")
    client.shutdown()


@operation("Be refused with a key that is not its own")
def refuse_key(config):
    device_id = config.prefix + "forged"
    registry(config).create_device_with_sas(device_id, "", "", "enabled")
    text = "HostName=%s;DeviceId=%s;SharedAccessKey=%s" % (config.setting("HostName"), device_id, "AAAA" * 10)
    client = IoTHubDeviceClient.create_from_connection_string(text, connection_retry=False, **options(config))
    raises((CredentialError, ConnectionFailedError), client.connect)
    client.shutdown()


@operation("Connect by certificate")
def connect_by_certificate(config):
    device_id = config.prefix + "certified"
    thumbprint = config.certificate["thumbprint"]
    registry(config).create_device_with_x509(device_id, thumbprint, thumbprint, "enabled")
    client = IoTHubDeviceClient.create_from_x509_certificate(
        X509(config.certificate["certFile"], config.certificate["keyFile"]),
        config.setting("HostName"),
        device_id,
        **options(config),
    )
    client.connect()
    client.send_message("certified")
    (message,) = messages_of(config, device_id, 1)
    assert message.body_as_str() == "certified"
    client.shutdown()


@operation("Work as a module: messages, twin and direct methods")
def work_as_module(config):
    device_id = config.prefix + "host"
    hub = registry(config)
    hub.create_device_with_sas(device_id, "", "", "enabled")
    module = hub.create_module_with_sas(device_id, "m1", "", "", "")
    text = "HostName=%s;DeviceId=%s;ModuleId=m1;SharedAccessKey=%s" % (
        config.setting("HostName"),
        device_id,
        module.authentication.symmetric_key.primary_key,
    )
    client = IoTHubModuleClient.create_from_connection_string(text, **options(config))
    client.connect()
    client.on_method_request_received = lambda request: client.send_method_response(
        MethodResponse.create_from_method_request(request, 200, "module")
    )
    call = CloudToDeviceMethod(method_name="m", payload=None, response_timeout_in_seconds=15, connect_timeout_in_seconds=10)
    assert hub.invoke_device_module_method(device_id, "m1", call).payload == "module"
    client.patch_twin_reported_properties({"ready": True})
    assert hub.get_module_twin(device_id, "m1").properties.reported["ready"] is True
    client.send_message("from a module")
    (message,) = messages_of(config, device_id, 1)
    assert message.system_properties[b"iothub-connection-module-id"] == b"m1"
    client.shutdown()


if __name__ == "__main__":
    run()
