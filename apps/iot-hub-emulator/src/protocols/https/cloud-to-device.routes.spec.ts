import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { aDeviceBoundMessage as aMessage, takenFeedback } from '../../../test-support/device-messages.js';
import { aHub, aToken, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { utcText } from '../../hub/clock.js';
import { sendToDevice } from '../../hub/cloud-to-device/send-to-device.js';
import { createIdentity, updateIdentity } from '../../hub/registry/identities.js';
import { appendFileNotification } from '../../hub/service-bound/append-file-notification.js';
import { cloudToDeviceRoutes } from './cloud-to-device.routes.js';
import { createHttpServer } from './http-server.js';
import { serviceBoundRoutes } from './service-bound.routes.js';

const KEY = Buffer.alloc(32, 7).toString('base64');
const QUEUE = '/devices/d1/messages/deviceBound';
const FEEDBACK = '/messages/serviceBound/feedback';
const LOCK_MS = 60_000;

describe('queues over HTTPS', () => {
  let hub: TestHub;
  let server: Server;
  beforeEach(async () => {
    hub = aHub();
    for (const deviceId of ['d1', 'd2']) await createIdentity(hub, identity(deviceId));
    server = createHttpServer(hub).listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
    hub.store.close();
  });

  const identity = (deviceId: string) => ({
    deviceId,
    authentication: { type: 'sas', symmetricKey: { primaryKey: KEY, secondaryKey: KEY } },
  });
  const tokenOf = (name: string) => {
    const policy = hub.policies.find((known) => known.name === name);
    return policy === undefined
      ? aToken(`localhost%2Fdevices%2F${name}`, KEY, START_MS + 86_400_000)
      : aToken('localhost', policy.primaryKey, START_MS + 86_400_000, name);
  };
  const call = async (method: string, path: string, as = 'd1') => {
    const { port } = server.address() as AddressInfo;
    const reply = await fetch(
      `http://127.0.0.1:${port}${path}${path.includes('?') ? '&' : '?'}api-version=2021-04-12`,
      {
        method,
        headers: { authorization: tokenOf(as) },
      },
    );
    return { status: reply.status, headers: reply.headers, text: await reply.text() };
  };
  const errorOf = async (reply: ReturnType<typeof call>) => (await reply).headers.get('iothub-errorcode');
  const lockOf = ({ headers }: { headers: Headers }) => (headers.get('etag') ?? '').replaceAll('"', '');
  const send = (id: string) => sendToDevice(hub, 'd1', aMessage(id, { ack: 'full' }));

  describe(cloudToDeviceRoutes[0]?.path ?? '', () => {
    it('gives a message with its properties as headers, and nothing when there is none', async () => {
      expect((await call('GET', QUEUE)).status).toBe(204);
      await sendToDevice(hub, 'd1', {
        body: Buffer.from('{"a":"é"}'),
        systemProperties: {
          messageId: 'm',
          correlationId: 'c',
          userId: 'u',
          contentType: 'application/json',
          contentEncoding: 'utf-8',
          ack: 'full',
          expiryTimeUtc: utcText(START_MS + 1000),
        },
        properties: { Colour: 'a b', none: null },
      });
      const reply = await call('GET', QUEUE);
      expect([reply.status, reply.text]).toEqual([200, '{"a":"é"}']);
      expect(Object.fromEntries(reply.headers)).toMatchObject({
        etag: expect.stringMatching(/^"[^"]+"$/) as string,
        'content-type': 'application/json',
        'iothub-messageid': 'm',
        'iothub-correlationid': 'c',
        'iothub-userid': 'u',
        'iothub-to': '/devices/d1/messages/devicebound',
        'iothub-contenttype': 'application/json',
        'iothub-contentencoding': 'utf-8',
        contenttype: 'application/json',
        contentencoding: 'utf-8',
        'iothub-ack': 'full',
        'iothub-expiry': utcText(START_MS + 1000),
        'iothub-enqueuedtime': utcText(START_MS),
        'iothub-sequencenumber': '1',
        'iothub-deliverycount': '0',
        'iothub-app-colour': 'a b',
        'iothub-app-none': '',
      });
    });

    it('lets no property break out of its header', async () => {
      const properties = { 'a b\r\nx: y': 'v\r\nset-cookie: z', 'ü:': '字' };
      await sendToDevice(hub, 'd1', { ...aMessage('m'), properties });
      const { headers } = await call('GET', QUEUE);
      expect(headers.get('iothub-app-a%20b%0d%0ax%3a%20y')).toBe('v%0D%0Aset-cookie: z');
      expect(headers.get('set-cookie')).toBeNull();
      expect(Buffer.from(headers.get('iothub-app-%c3%bc%3a') ?? '', 'latin1').toString()).toBe('字');
    });

    it('completes, rejects and abandons what it gave', async () => {
      for (const id of ['done', 'unwanted', 'later']) await send(id);
      const [done, unwanted, later] = [await call('GET', QUEUE), await call('GET', QUEUE), await call('GET', QUEUE)];
      expect((await call('DELETE', `${QUEUE}/${lockOf(done)}`)).status).toBe(204);
      expect((await call('DELETE', `${QUEUE}/${lockOf(unwanted)}?reject`)).status).toBe(204);
      expect((await call('POST', `${QUEUE}/${lockOf(later)}/abandon`)).status).toBe(204);
      expect(takenFeedback(hub)).toEqual(['done Success', 'unwanted Rejected']);
      const again = await call('GET', QUEUE);
      expect([again.text, again.headers.get('iothub-deliverycount')]).toEqual(['later', '1']);
    });

    it('refuses a lock that has lapsed, or is of another device', async () => {
      await send('m');
      const lock = lockOf(await call('GET', QUEUE));
      const others = `/devices/d2/messages/devicebound/${lock}`;
      expect(await errorOf(call('DELETE', others, 'd2'))).toBe('DeviceMessageLockLost');
      expect(await errorOf(call('POST', `${others}/abandon`, 'd2'))).toBe('DeviceMessageLockLost');
      hub.clock.advance(LOCK_MS);
      expect((await call('DELETE', `${QUEUE}/${lock}`)).status).toBe(412);
      expect((await call('GET', QUEUE)).text).toBe('m');
    });

    it('is for the device itself while it is enabled', async () => {
      await send('m');
      expect((await call('GET', QUEUE, 'd2')).status).toBe(401);
      expect((await call('GET', QUEUE, 'service')).status).toBe(401);
      await updateIdentity(hub, { ...identity('d1'), status: 'disabled' });
      expect(await errorOf(call('GET', QUEUE))).toBe('DeviceDisabled');
    });
  });

  it('purges a queue for a service', async () => {
    await send('a');
    await send('b');
    expect((await call('DELETE', '/devices/d1/commands', 'registryReadWrite')).status).toBe(401);
    const reply = await call('DELETE', '/devices/d1/commands', 'service');
    expect(JSON.parse(reply.text)).toEqual({ deviceId: 'd1', moduleId: null, totalMessagesPurged: 2 });
    expect(takenFeedback(hub)).toEqual(['a Purged', 'b Purged']);
    expect(await errorOf(call('DELETE', '/devices/nobody/commands', 'service'))).toBe('DeviceNotFound');
  });

  describe(serviceBoundRoutes[0]?.path ?? '', () => {
    const ended = async (...ids: string[]) => {
      for (const id of ids) {
        await send(id);
        await call('DELETE', `${QUEUE}/${lockOf(await call('GET', QUEUE))}`);
      }
    };
    const idsOf = ({ text }: { text: string }) =>
      (JSON.parse(text) as { originalMessageId: string }[]).map(({ originalMessageId }) => originalMessageId);

    it('gives what there is in batches of 64, each to one receiver', async () => {
      const ids = Array.from({ length: 70 }, (_, index) => `m${index}`);
      await ended(...ids);
      const [first, second] = [await call('GET', FEEDBACK, 'service'), await call('GET', FEEDBACK, 'service')];
      expect(first.headers.get('content-type')).toBe('application/vnd.microsoft.iothub.feedback.json');
      expect([idsOf(first), idsOf(second)]).toEqual([ids.slice(0, 64), ids.slice(64)]);
      expect((await call('GET', FEEDBACK, 'service')).status).toBe(204);
      expect((await call('DELETE', `${FEEDBACK}/${lockOf(first)}`, 'service')).status).toBe(204);
      hub.clock.advance(LOCK_MS);
      expect(idsOf(await call('GET', FEEDBACK, 'service'))).toEqual(ids.slice(64));
      expect(await errorOf(call('DELETE', `${FEEDBACK}/${lockOf(second)}`, 'service'))).toBe('DeviceMessageLockLost');
    });

    it('gives an abandoned batch again, ten times in all', async () => {
      await ended('a', 'b');
      for (let deliveries = 0; deliveries < 10; deliveries += 1) {
        const batch = await call('GET', FEEDBACK, 'service');
        expect([idsOf(batch), batch.headers.get('iothub-deliverycount')]).toEqual([['a', 'b'], String(deliveries)]);
        await call('POST', `${FEEDBACK}/${lockOf(batch)}/abandon`, 'service');
      }
      expect((await call('GET', FEEDBACK, 'service')).status).toBe(204);
    });

    it('is for services alone', async () => {
      expect((await call('GET', FEEDBACK, 'registryRead')).status).toBe(401);
      expect((await call('GET', FEEDBACK, 'd1')).status).toBe(401);
    });
  });

  it('gives notifications of uploaded files one by one', async () => {
    const path = '/messages/serviceBound/fileNotifications';
    for (const blobName of ['d1/a', 'd1/b']) {
      await hub.store.write(() => {
        appendFileNotification(hub, { deviceId: 'd1', blobName, blobUri: `https://s/${blobName}`, facts: undefined });
      });
    }
    const first = await call('GET', path, 'service');
    expect(JSON.parse(first.text)).toMatchObject({ deviceId: 'd1', blobName: 'd1/a', blobUri: 'https://s/d1/a' });
    expect((await call('DELETE', `${path}/${lockOf(first)}`, 'service')).status).toBe(204);
    expect(JSON.parse((await call('GET', path, 'service')).text)).toMatchObject({ blobName: 'd1/b' });
    expect((await call('GET', path, 'service')).status).toBe(204);
  });
});
