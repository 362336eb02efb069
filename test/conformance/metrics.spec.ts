import { Message } from 'azure-iot-device';
import { httpsCall } from '../support/https-call.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { serviceToken, signedBy } from '../support/service-token.js';
import { until } from '../support/until.js';

describe('GET /metrics', () => {
  let hub: TestIotHub;
  beforeEach(async () => {
    hub = await startTestIotHub();
  });
  afterEach(() => hub.close());

  const scrape = (authorization?: string) =>
    httpsCall(hub.agent, {
      method: 'GET',
      path: '/metrics',
      headers: authorization === undefined ? {} : { authorization },
    });
  /** Values by name and labels. */
  const metrics = async () => {
    const { body } = await scrape(serviceToken(hub));
    const lines = body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  };

  it('is for a policy with all rights', async () => {
    const { status, headers, body } = await scrape(serviceToken(hub));
    expect(status).toBe(200);
    expect(headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(body).toContain('# TYPE iot_hub_messages_received_total counter');
    expect((await scrape()).status).toBe(401);
    const owner = hub.emulator.serviceConnectionString;
    expect((await scrape(signedBy(owner.replace('KeyName=iothubowner', 'KeyName=service')))).status).toBe(401);
    const device = await hub.addDevice('cam');
    const key = /SharedAccessKey=(.*)/.exec(device.connectionString)?.[1] ?? '';
    expect((await scrape(signedBy(owner.replace(/SharedAccessKey=.*/, `SharedAccessKey=${key}`)))).status).toBe(401);
  });

  it('tells what happens: connections, messages, methods, twins, refusals and commits', async () => {
    const { connectionString } = await hub.addDevice('cam');
    const device = await hub.device(connectionString);
    device.onDeviceMethod('m', (_request, response) => void response.send(200, 1));
    await device.sendEvent(new Message('one'));
    await device.sendEvent(new Message('two'));
    await device.getTwin();
    await hub.registry.getTwin('cam');
    await hub.service.invokeDeviceMethod('cam', { methodName: 'm', connectTimeoutInSeconds: 10 });
    await expect(hub.registry.get('nobody')).rejects.toThrow();
    const found = await metrics();
    for (const [series, value] of [
      ['iot_hub_connections{protocol="mqtt"}', 1],
      ['iot_hub_connected_devices', 1],
      ['iot_hub_messages_received_total{source="Telemetry",protocol="mqtt"}', 2],
      ['iot_hub_twin_operations_total{actor="device",operation="get"}', 1],
      ['iot_hub_twin_operations_total{actor="service",operation="get"}', 1],
      ['iot_hub_direct_methods_total{outcome="ok"}', 1],
      ['iot_hub_direct_method_duration_seconds_count', 1],
      ['iot_hub_refusals_total{protocol="https",error="DeviceNotFound"}', 1],
    ] as const) {
      expect([series, found.get(series)]).toEqual([series, value]);
    }
    expect(found.get('iot_hub_message_log_messages')).toBeGreaterThanOrEqual(2);
    expect(found.get('iot_hub_store_commit_duration_seconds_count')).toBeGreaterThan(2);
    expect(found.get('process_cpu_seconds_total')).toBeGreaterThan(0);
    // The clients' own, kept open.
    expect(found.get('iot_hub_connections{protocol="https"}')).toBeGreaterThanOrEqual(1);
    await device.close();
    await until(async () => (await metrics()).get('iot_hub_connections{protocol="mqtt"}') === 0, 'the device is gone');
  });

  it('has no labels that devices choose', async () => {
    const { connectionString } = await hub.addDevice('cam-with-a-name');
    await (await hub.device(connectionString)).sendEvent(new Message('x'));
    expect((await scrape(serviceToken(hub))).body).not.toContain('cam-with-a-name');
  });
});
