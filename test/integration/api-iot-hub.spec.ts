import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { Client as DeviceClient, DeviceMethodResponse, Twin } from 'azure-iot-device';
import { SharedAccessSignature } from 'azure-iot-common';
import { connectAsync, type MqttClient } from 'mqtt';
import request from 'supertest';
import { trustCertificateAuthority } from '#libs/runtime';
import { loadApiConfig } from '../../apps/api/src/api.config.js';
import { createApp } from '../../apps/api/src/create-app.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

const DEVICE = 'device001';

describe('The API with an IoT Hub', () => {
  let hub: TestIotHub;
  let app: NestExpressApplication;
  let api: ReturnType<typeof request>;
  let device: DeviceClient;

  beforeAll(async () => {
    hub = await startTestIotHub();
    trustCertificateAuthority(hub.emulator.tls.caFile);
    const { connectionString } = await hub.addDevice(DEVICE);
    app = await startApi({
      IOT_HUB_CONNECTION_STRING: hub.emulator.serviceConnectionString,
      IOT_HUB_DEVICE_ID: DEVICE,
    });
    api = request(app.getHttpServer());
    device = await hub.device(connectionString);
    device.onDeviceMethod('echo', (call, response) => {
      answer(response, 200, { echoed: call.payload as unknown });
    });
    device.onDeviceMethod('fail', (_call, response) => {
      answer(response, 409, { code: 'CAMERA.BUSY', message: 'busy' });
    });
    device.onDeviceMethod('silent', () => undefined);
    await device.open();
    await until(() => callMethod('echo', null).then(({ status }) => status === 200), 'the device listens to methods');
  });

  afterAll(async () => {
    await app.close();
    await hub.close();
  });

  const callMethod = (method_name: string, payload: unknown, more: object = {}) =>
    api.post('/iot_hub/call_direct_method').send({ method_name, payload, ...more });

  describe('POST /iot_hub/call_direct_method', () => {
    it.each([{ a: 1 }, [1, 'zwei', null], 'text', 7, true, null, { ä: { '€': ['🎥'] } }])(
      'carries %j to the device and its answer back',
      async (payload) => {
        const { body } = await callMethod('echo', payload).expect(200);
        expect(body).toEqual({ status: 200, payload: { echoed: payload } });
      },
    );

    it("gives the device's own failure as the status in the body", async () => {
      const { body } = await callMethod('fail', {}).expect(200);
      expect(body).toEqual({ status: 409, payload: { code: 'CAMERA.BUSY', message: 'busy' } });
    });

    it('calls the named device in place of the default', async () => {
      await hub.addDevice('offline');
      const { body } = await callMethod('echo', {}, { device_id: 'offline' }).expect(404);
      expect(body).toMatchObject({
        code: 'DEVICE.NOT_ONLINE',
        details: { device_id: 'offline', hub_error_number: 404103 },
      });
      expect(body.hint).toContain('connect_timeout_seconds');
    });

    it('tells an unknown device from one that is offline', async () => {
      const { body } = await callMethod('echo', {}, { device_id: 'nobody' }).expect(404);
      expect(body).toMatchObject({ code: 'DEVICE.NOT_FOUND', details: { device_id: 'nobody' } });
    });

    it('tells a device that is connected but listens to no methods', async () => {
      const { connectionString } = await hub.addDevice('deaf');
      const deaf = await hub.device(connectionString);
      await deaf.open();
      const { body } = await callMethod('echo', {}, { device_id: 'deaf' }).expect(404);
      expect(body).toMatchObject({ code: 'DEVICE.NOT_LISTENING' });
    });

    it('waits for a device that comes in time', async () => {
      const { connectionString } = await hub.addDevice('late');
      const call = callMethod('echo', 1, { device_id: 'late', connect_timeout_seconds: 20 }).then(
        ({ body }) => body as unknown,
      );
      const late = await hub.device(connectionString);
      late.onDeviceMethod('echo', (_call, response) => {
        answer(response, 200, 'here');
      });
      await late.open();
      expect(await call).toEqual({ status: 200, payload: 'here' });
    });

    it('says so when the device does not answer in time', async () => {
      const { body } = await callMethod('silent', {}, { response_timeout_seconds: 5 }).expect(504);
      expect(body).toMatchObject({ code: 'DEVICE.TIMEOUT', details: { hub_error_number: 504101 } });
    });

    it('says so when the answer is not JSON', async () => {
      await hub.addDevice('babbling');
      const client = await connectPlainMqtt(hub, 'babbling');
      await client.subscribeAsync('$iothub/methods/POST/#');
      client.on('message', (topic) => {
        const id = /\$rid=(.+)$/.exec(topic)?.[1] ?? '';
        client.publish(`$iothub/methods/res/200/?$rid=${id}`, 'not json');
      });
      const { body } = await callMethod('echo', {}, { device_id: 'babbling' }).expect(502);
      expect(body.code).toBe('DEVICE.BAD_REPLY');
      await client.endAsync(true);
    });

    it('refuses a payload that is larger than the hub takes', async () => {
      const { body } = await callMethod('echo', 'x'.repeat(140 * 1024));
      expect(body.status).toBeGreaterThanOrEqual(400);
      expect(body.code).toMatch(/^IOT_HUB\.(?:REQUEST_TOO_LARGE|REJECTED)$/);
    });
  });

  describe('/iot_hub/devices', () => {
    it('registers a device whose connection string works at once, and shows that string only then', async () => {
      const { body, headers } = await api.post('/iot_hub/devices').send({ device_id: 'new:one' }).expect(201);
      expect(body).toMatchObject({ device_id: 'new:one', status: 'enabled', connection_state: 'Disconnected' });
      expect(headers.location).toBe('/iot_hub/devices/new%3Aone');
      const client = await hub.device(String(body.connection_string));
      await client.open();
      const shown = await api.get('/iot_hub/devices/new%3Aone').expect(200);
      expect(shown.body).toMatchObject({ device_id: 'new:one', connection_state: 'Connected' });
      expect(JSON.stringify(shown.body)).not.toContain('SharedAccessKey');
    });

    it('refuses an id that is taken', async () => {
      const { body } = await api.post('/iot_hub/devices').send({ device_id: DEVICE }).expect(409);
      expect(body.code).toBe('DEVICE.ALREADY_EXISTS');
    });

    it('registers a disabled device', async () => {
      const { body } = await api.post('/iot_hub/devices').send({ device_id: 'off', status: 'disabled' }).expect(201);
      expect(body).toMatchObject({ status: 'disabled', last_activity_time: null });
    });

    it('removes a device', async () => {
      await hub.addDevice('gone');
      await api.delete('/iot_hub/devices/gone').expect(204);
      const { body } = await api.delete('/iot_hub/devices/gone').expect(404);
      expect(body.code).toBe('DEVICE.NOT_FOUND');
      await api.get('/iot_hub/devices/gone').expect(404);
    });

    it('lists all devices page by page, each once', async () => {
      for (const name of ['a', 'b', 'c']) await hub.addDevice(`page-${name}`);
      const { body: whole } = await api.get('/iot_hub/devices').expect(200);
      expect(whole.continuation_token).toBeNull();
      const seen: string[] = [];
      let token: string | null = '';
      while (token !== null) {
        const query: Record<string, string> = token ? { limit: '2', continuation_token: token } : { limit: '2' };
        const { body } = await api.get('/iot_hub/devices').query(query).expect(200);
        expect(body.items.length).toBeLessThanOrEqual(2);
        seen.push(...(body.items as { device_id: string }[]).map(({ device_id }) => device_id));
        token = body.continuation_token as string | null;
      }
      expect(seen.sort()).toEqual((whole.items as { device_id: string }[]).map(({ device_id }) => device_id).sort());
      expect(new Set(seen).size).toBe(seen.length);
      expect(whole.items).toContainEqual(
        expect.objectContaining({ device_id: DEVICE, connection_state: 'Connected', status: 'enabled' }),
      );
    });

    it('refuses a continuation token that the hub has not given', async () => {
      const { body } = await api.get('/iot_hub/devices?continuation_token=nonsense').expect(400);
      expect(body.code).toBe('IOT_HUB.REJECTED');
    });
  });

  describe('/iot_hub/device_twin', () => {
    it('changes desired properties and tags, and the device sees it', async () => {
      const twin: Twin = await device.getTwin();
      const seen: unknown[] = [];
      twin.on('properties.desired', (delta: unknown) => seen.push(delta));
      const patch = { tags: { site: 'lab' }, properties: { desired: { interval: 30, deep: { list: [1, 2] } } } };
      const { body, headers } = await api.patch('/iot_hub/device_twin').send(patch).expect(200);
      expect(body).toMatchObject({ device_id: DEVICE, ...patch });
      expect(headers.etag).toBe(`"${String(body.etag)}"`);
      await until(() => seen.some((delta) => (delta as { interval?: number }).interval === 30), 'the device sees it');

      await report(twin, { interval: 30 });
      const { body: after } = await api.get(`/iot_hub/device_twin?device_id=${DEVICE}`).expect(200);
      expect(after.properties.reported).toMatchObject({ interval: 30 });
      expect(JSON.stringify(after)).not.toContain('$metadata');
      expect(Object.keys(after)).toEqual(['device_id', 'etag', 'tags', 'properties']);
    });

    it('removes what is set to null', async () => {
      await api
        .patch('/iot_hub/device_twin')
        .send({ properties: { desired: { gone: 1, kept: 2 } } })
        .expect(200);
      const { body } = await api
        .patch('/iot_hub/device_twin')
        .send({ properties: { desired: { gone: null } } })
        .expect(200);
      expect(body.properties.desired).toMatchObject({ kept: 2 });
      expect(body.properties.desired).not.toHaveProperty('gone');
    });

    it('changes the twin only if it is still the one that was read', async () => {
      const { headers } = await api.get('/iot_hub/device_twin').expect(200);
      const etag = String(headers.etag);
      const change = (count: number) =>
        api.patch('/iot_hub/device_twin').set('If-Match', etag).send({ tags: { count } });
      await change(1).expect(200);
      const { body } = await change(2).expect(412);
      expect(body.code).toBe('DEVICE_TWIN.CHANGED');
      await api
        .patch('/iot_hub/device_twin')
        .set('If-Match', '*')
        .send({ tags: { count: 3 } })
        .expect(200);
    });

    it('shows what the device reports even to a caller that knows the tag', async () => {
      const { headers } = await api.get('/iot_hub/device_twin').expect(200);
      await report(await device.getTwin(), { news: true });
      const { body } = await api.get('/iot_hub/device_twin').set('If-None-Match', String(headers.etag)).expect(200);
      expect(body.properties.reported).toMatchObject({ news: true });
    });

    it('names an unknown device', async () => {
      for (const call of [
        api.get('/iot_hub/device_twin?device_id=nobody'),
        api.patch('/iot_hub/device_twin?device_id=nobody').send({ tags: { a: 1 } }),
      ])
        expect((await call.expect(404)).body.code).toBe('DEVICE.NOT_FOUND');
    });
  });

  it('is ready as far as the hub goes, and reports the device', async () => {
    const { body } = await api.get('/health/ready');
    expect(body.checks).toEqual(
      expect.arrayContaining([
        { name: 'iot_hub', required: true, healthy: true, reason: 'The IoT Hub answers.' },
        { name: 'devices', required: false, healthy: true, reason: `The device ${DEVICE} is connected.` },
      ]),
    );
  });

  it('names the default device that is not registered', async () => {
    const other = await startApi({
      IOT_HUB_CONNECTION_STRING: hub.emulator.serviceConnectionString,
      IOT_HUB_DEVICE_ID: 'nobody',
    });
    const { body } = await request(other.getHttpServer()).get('/health/ready');
    expect(body.checks).toContainEqual({
      name: 'devices',
      required: false,
      healthy: false,
      reason: 'The device nobody is not registered.',
    });
    await other.close();
  });

  describe('when the hub refuses', () => {
    it.each([
      [429, { 'iothub-errorcode': 'ThrottlingException', 'retry-after': '3' }, 'IOT_HUB.THROTTLED', 429],
      [403, { 'iothub-errorcode': 'IotHubQuotaExceeded' }, 'IOT_HUB.QUOTA_EXCEEDED', 429],
      [401, {}, 'IOT_HUB.UNAUTHORIZED', 502],
      [500, {}, 'IOT_HUB.FAILED', 502],
      [503, {}, 'IOT_HUB.FAILED', 502],
    ])('translates %i %j to %s', async (hubStatus, headers, code, status) => {
      const stub = createServer(
        { cert: readFileSync(hub.emulator.tls.certFile), key: readFileSync(hub.emulator.tls.keyFile) },
        (_request, response) => response.writeHead(hubStatus, headers).end(),
      );
      const other = await startApi({
        IOT_HUB_CONNECTION_STRING: await connectionStringOf(stub),
        IOT_HUB_DEVICE_ID: 'a',
      });
      const answered = await request(other.getHttpServer())
        .post('/iot_hub/call_direct_method')
        .send({ method_name: 'a' });
      expect(answered.body).toMatchObject({ code, status, details: { hub_status: hubStatus } });
      expect(answered.headers['retry-after']).toBe(hubStatus === 429 ? '3' : undefined);
      await other.close();
      stub.closeAllConnections();
      stub.close();
    });

    it('refuses a wrong key', async () => {
      const wrong = hub.emulator.serviceConnectionString.replace(/SharedAccessKey=.*/, 'SharedAccessKey=d3Jvbmc=');
      const other = await startApi({ IOT_HUB_CONNECTION_STRING: wrong, IOT_HUB_DEVICE_ID: DEVICE });
      const { body } = await request(other.getHttpServer()).get('/iot_hub/device_twin').expect(502);
      expect(body.code).toBe('IOT_HUB.UNAUTHORIZED');
      await other.close();
    });

    it('says that nothing listens there', async () => {
      const stub = createServer();
      const connectionString = await connectionStringOf(stub);
      stub.close();
      await once(stub, 'close');
      const other = await startApi({ IOT_HUB_CONNECTION_STRING: connectionString, IOT_HUB_DEVICE_ID: DEVICE });
      const { body } = await request(other.getHttpServer()).get('/iot_hub/device_twin').expect(502);
      expect(body.code).toBe('IOT_HUB.UNREACHABLE');
      await other.close();
    });
  });
});

function startApi(env: Record<string, string>): Promise<NestExpressApplication> {
  return createApp(loadApiConfig({ CORE_LOG_LEVEL: 'silent', ...env }));
}

function answer(response: DeviceMethodResponse, status: number, payload: unknown): void {
  response.send(status, payload, () => undefined);
}

/** What the device says of itself, once the hub has it. */
async function report(twin: Twin, patch: object): Promise<void> {
  const properties = twin.properties.reported as { update(patch: object, done: (error?: Error) => void): void };
  await promisify(properties.update.bind(properties))(patch);
}

async function connectionStringOf(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return `HostName=localhost:${port};SharedAccessKeyName=iothubowner;SharedAccessKey=QUJD`;
}

/** A device that speaks MQTT without the SDK, and so may answer what the SDK would not. */
function connectPlainMqtt({ emulator }: TestIotHub, deviceId: string): Promise<MqttClient> {
  const { HostName = '', SharedAccessKey = '' } = Object.fromEntries(
    emulator
      .deviceConnectionString(deviceId)
      .split(';')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  const expiry = Math.floor(Date.now() / 1000) + 3600;
  const resource = encodeURIComponent(`${HostName}/devices/${deviceId}`);
  return connectAsync({
    protocol: 'mqtts',
    host: 'localhost',
    port: emulator.port,
    ca: emulator.caCertificate,
    clientId: deviceId,
    username: `${HostName}/${deviceId}/?api-version=2021-04-12`,
    password: SharedAccessSignature.create(resource, '', SharedAccessKey, expiry).toString(),
    clean: false,
    reconnectPeriod: 0,
  });
}
