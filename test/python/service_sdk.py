"""azure-iot-hub as a service uses it: REST over HTTPS, and cloud-to-device messages over AMQP or AMQP over WebSocket."""

import uuid
from datetime import datetime, timezone

from azure.iot.device import IoTHubDeviceClient, MethodResponse
from azure.iot.hub import (
    DigitalTwinClient,
    IoTHubConfigurationManager,
    IoTHubHttpRuntimeManager,
    IoTHubJobManager,
    IoTHubRegistryManager,
)
from azure.iot.hub.models import (
    CloudToDeviceMethod,
    Configuration,
    ConfigurationContent,
    ExportImportDevice,
    JobProperties,
    JobRequest,
    QuerySpecification,
    Twin,
    TwinProperties,
)
from msrest.exceptions import HttpOperationError
from uamqp import TransportType

from conformance import Box, operation, raises, run, until


def registry(config):
    transport = TransportType.AmqpOverWebsocket if config.transport == "amqp-ws" else TransportType.Amqp
    return IoTHubRegistryManager.from_connection_string(config.service_connection_string, transport_type=transport)


def a_device(config, name):
    device_id = config.prefix + name
    return device_id, registry(config).create_device_with_sas(device_id, "", "", "enabled")


def connected(config, device_id):
    key = registry(config).get_device(device_id).authentication.symmetric_key.primary_key
    text = "HostName=%s;DeviceId=%s;SharedAccessKey=%s" % (config.setting("HostName"), device_id, key)
    client = IoTHubDeviceClient.create_from_connection_string(text, server_verification_cert=config.ca)
    client.connect()
    return client


def status_of(error):
    return error.response.status_code


@operation("Create, read, change and delete a device")
def manage_device(config):
    hub = registry(config)
    device_id, created = a_device(config, "managed")
    assert created.status == "enabled" and created.authentication.symmetric_key.primary_key
    assert hub.get_device(device_id).generation_id == created.generation_id
    keys = created.authentication.symmetric_key
    changed = hub.update_device_with_sas(
        device_id, created.etag, keys.primary_key, keys.secondary_key, "disabled", status_reason="lost"
    )
    assert changed.status == "disabled" and changed.status_reason == "lost" and changed.etag != created.etag
    error = raises(HttpOperationError, lambda: hub.delete_device(device_id, created.etag))
    assert status_of(error) == 412, error
    hub.delete_device(device_id)
    assert status_of(raises(HttpOperationError, lambda: hub.get_device(device_id))) == 404


@operation("Create devices that prove themselves by certificate")
def certificate_devices(config):
    hub = registry(config)
    thumbprint = "A" * 40
    own = hub.create_device_with_x509(config.prefix + "own", thumbprint, thumbprint, "enabled")
    assert own.authentication.type == "selfSigned"
    assert own.authentication.x509_thumbprint.primary_thumbprint == thumbprint
    signed = hub.create_device_with_certificate_authority(config.prefix + "signed", "enabled")
    assert signed.authentication.type == "certificateAuthority"


@operation("List and count devices")
def list_devices(config):
    hub = registry(config)
    device_id, _ = a_device(config, "listed")
    assert device_id in [device.device_id for device in hub.get_devices()]
    assert hub.get_device_registry_statistics().total_device_count >= 1
    assert hub.get_service_statistics().connected_device_count >= 0


@operation("Create and delete devices in bulk")
def bulk_devices(config):
    hub = registry(config)
    ids = [config.prefix + "bulk-%d" % number for number in range(3)]
    created = hub.bulk_create_or_update_devices(
        [ExportImportDevice(id=name, import_mode="create", status="enabled") for name in ids]
    )
    assert created.is_successful, created
    removed = hub.bulk_create_or_update_devices([ExportImportDevice(id=name, import_mode="delete") for name in ids])
    assert removed.is_successful, removed


@operation("Create, list, read and delete a module")
def manage_module(config):
    hub = registry(config)
    device_id, _ = a_device(config, "host")
    created = hub.create_module_with_sas(device_id, "m1", "somebody", "", "")
    assert created.authentication.symmetric_key.primary_key and created.managed_by == "somebody"
    assert [module.module_id for module in hub.get_modules(device_id)] == ["m1"]
    hub.delete_module(device_id, "m1")
    assert status_of(raises(HttpOperationError, lambda: hub.get_module(device_id, "m1"))) == 404


@operation("Read, change and replace a twin")
def change_twin(config):
    hub = registry(config)
    device_id, _ = a_device(config, "twin")
    twin = hub.update_twin(device_id, Twin(tags={"site": "a"}, properties=TwinProperties(desired={"rate": 5})), "*")
    assert twin.tags == {"site": "a"} and twin.properties.desired["rate"] == 5
    assert hub.get_twin(device_id).version == twin.version
    error = raises(HttpOperationError, lambda: hub.update_twin(device_id, Twin(tags={"x": 1}), "AAAAAAAAAAk="))
    assert status_of(error) == 412
    replaced = hub.replace_twin(device_id, Twin(tags={"room": 1}, properties=TwinProperties(desired={})), twin.etag)
    assert replaced.tags == {"room": 1} and "rate" not in replaced.properties.desired


@operation("Read and change a module's twin")
def change_module_twin(config):
    hub = registry(config)
    device_id, _ = a_device(config, "module-twin")
    hub.create_module_with_sas(device_id, "m1", "", "", "")
    twin = hub.update_module_twin(device_id, "m1", Twin(properties=TwinProperties(desired={"rate": 5})), "*")
    assert twin.module_id == "m1" and hub.get_module_twin(device_id, "m1").properties.desired["rate"] == 5


@operation("Query twins, page by page")
def query_twins(config):
    hub = registry(config)
    for number in range(3):
        device_id, _ = a_device(config, "query-%d" % number)
        hub.update_twin(device_id, Twin(tags={"run": config.prefix}), "*")
    query = QuerySpecification(query="SELECT * FROM devices WHERE tags.run = '%s'" % config.prefix)
    # msrest gives None for the header that the last page does not have.
    first = hub.query_iot_hub(query, None, 2)
    assert first.type.lower() == "twin" and len(first.items) == 2 and first.continuation_token
    second = hub.query_iot_hub(query, first.continuation_token, 2)
    assert len(second.items) == 1 and not second.continuation_token


@operation("Call a direct method")
def call_method(config):
    hub = registry(config)
    device_id, _ = a_device(config, "callee")
    call = CloudToDeviceMethod(
        method_name="m", payload={"a": 1}, response_timeout_in_seconds=15, connect_timeout_in_seconds=0
    )
    error = raises(HttpOperationError, lambda: hub.invoke_device_method(device_id, call))
    assert status_of(error) == 404 and error.response.headers["iothub-errorcode"] == "DeviceNotOnline"
    client = connected(config, device_id)
    client.on_method_request_received = lambda request: client.send_method_response(
        MethodResponse.create_from_method_request(request, 200, request.payload)
    )
    call.connect_timeout_in_seconds = 10
    assert hub.invoke_device_method(device_id, call).payload == {"a": 1}
    client.shutdown()


@operation("Send a cloud-to-device message")
def send_to_device(config):
    hub = registry(config)
    device_id, _ = a_device(config, "receiver")
    hub.send_c2d_message(device_id, "first", {"messageId": "1", "key": "value"})
    hub.send_c2d_message(device_id, "second", {})
    assert hub.get_device(device_id).cloud_to_device_message_count == 2
    received = Box()
    client = connected(config, device_id)
    client.on_message_received = received.put
    message = received.get(lambda found: found.data == b"first")
    assert message.message_id == "1" and message.custom_properties["key"] == "value"
    received.get(lambda found: found.data == b"second")
    client.shutdown()


@operation("Be refused a message to a device that there is not")
def send_to_nobody(config):
    raises(Exception, lambda: registry(config).send_c2d_message(config.prefix + "nobody", "x", {}))


@operation("Purge the queue of a device")
def purge_queue(config):
    hub = registry(config)
    device_id, _ = a_device(config, "purged")
    hub.send_c2d_message(device_id, "x", {})
    assert hub.protocol.cloud_to_device_messages.purge_cloud_to_device_message_queue(device_id).total_messages_purged == 1


@operation("Receive and complete feedback over HTTPS")
def receive_feedback(config):
    hub = registry(config)
    device_id, _ = a_device(config, "acknowledging")
    client = connected(config, device_id)
    client.on_message_received = lambda message: None
    hub.send_c2d_message(device_id, "x", {"messageId": "wanted", "iothub-ack": "full"})
    runtime = IoTHubHttpRuntimeManager.from_connection_string(config.service_connection_string)

    def feedback():
        # The SDK's own function throws the body away.
        found = []
        response = runtime.protocol._client.send(
            runtime.protocol._client.get("/messages/serviceBound/feedback", {"api-version": "2021-04-12"})
        )
        if response.status_code == 200:
            found = response.json()
            runtime.complete_feedback_notification(response.headers["etag"].strip('"'))
        return [record for record in found if record["originalMessageId"] == "wanted"]

    (record,) = until(feedback, "feedback")
    assert record["deviceId"] == device_id and record["statusCode"] == "Success", record
    client.shutdown()


@operation("Keep, list and delete a configuration")
def manage_configuration(config):
    configurations = IoTHubConfigurationManager.from_connection_string(config.service_connection_string)
    name = config.prefix.lower() + "winter"
    content = ConfigurationContent(device_content={"properties.desired.heating": {"on": True}})
    created = configurations.create_configuration(
        Configuration(id=name, content=content, target_condition="tags.site='a'", priority=3, schema_version="1.0")
    )
    assert created.priority == 3 and created.etag
    created.priority = 4
    assert configurations.update_configuration(created, created.etag).priority == 4
    assert name in [found.id for found in configurations.get_configurations(20)]
    configurations.delete_configuration(name)
    assert status_of(raises(HttpOperationError, lambda: configurations.get_configuration(name))) == 404


@operation("Run a scheduled job over twins")
def run_job(config):
    jobs = IoTHubJobManager.from_connection_string(config.service_connection_string)
    device_id, _ = a_device(config, "job")
    job_id = "job-" + uuid.uuid4().hex
    request = JobRequest(
        job_id=job_id,
        type="scheduleUpdateTwin",
        update_twin=Twin(etag="*", tags={"by": job_id}),
        query_condition="deviceId = '%s'" % device_id,
        start_time=datetime.now(timezone.utc),
        max_execution_time_in_seconds=60,
    )
    jobs.create_scheduled_job(job_id, request)
    until(lambda: jobs.get_scheduled_job(job_id).status == "completed", "the job is done")
    assert registry(config).get_twin(device_id).tags == {"by": job_id}


@operation("Be refused digital twins, by name")
def refuse_digital_twins(config):
    device_id, _ = a_device(config, "plain")
    twins = DigitalTwinClient.from_connection_string(config.service_connection_string)
    error = raises(HttpOperationError, lambda: twins.get_digital_twin(device_id))
    assert status_of(error) == 501 and error.response.headers["iothub-errorcode"] == "NotImplemented"


@operation("Be refused import and export of devices, by name")
def refuse_import_export(config):
    jobs = IoTHubJobManager.from_connection_string(config.service_connection_string)
    error = raises(
        HttpOperationError,
        lambda: jobs.create_import_export_job(JobProperties(type="export", output_blob_container_uri="https://x/y")),
    )
    assert status_of(error) == 501, error


if __name__ == "__main__":
    run()
