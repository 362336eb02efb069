import { type LoggedRun, unpackRun } from '../../hub/messages/message-run.js';
import { once } from 'node:events';
import { Agent, request } from 'node:https';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { connect } from 'node:tls';
import { DatabaseSync } from 'node:sqlite';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { aToken } from '../../../test-support/test-hub.js';
import { developmentPolicies } from '../../hub/access/policies.js';
import { type IotHubEmulator, startIotHubEmulator } from '../../index.js';

interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: ReplyBody;
}
/** The members of JSON replies that these tests look into. */
interface ReplyBody {
  readonly Message: string;
  readonly ExceptionMessage: string;
  readonly etag: string;
  readonly deviceId: string;
  readonly statusUpdatedTime: string;
  readonly lastActivityTime: string;
  readonly authentication: { readonly symmetricKey: { readonly primaryKey: string; readonly secondaryKey: string } };
  readonly properties: { readonly desired: { a?: number; readonly $metadata: object } };
  readonly tags: object;
  readonly errors: readonly { readonly deviceId: string; readonly errorCode: string; readonly operation: string }[];
  readonly isSuccessful: boolean;
  readonly totalDeviceCount: number;
  readonly enabledDeviceCount: number;
  readonly disabledDeviceCount: number;
  readonly correlationId: string;
}
interface Call {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** Policy that signs, or a whole Authorization header. */
  readonly as?: string;
}

const HOUR_MS = 3_600_000;
const STORAGE =
  'DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=a2V5;BlobEndpoint=https://127.0.0.1:10000/devstoreaccount1;';

describe('HTTPS routes', () => {
  let directory: string;
  let emulator: IotHubEmulator;
  let agent: Agent;
  const log: { reason?: string; error?: string; request?: string }[] = [];

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'https-spec-'));
    emulator = await startIotHubEmulator({
      port: 0,
      dataDirectory: directory,
      storage: { connectionString: STORAGE, containerName: 'dev' },
      logger: pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line) as (typeof log)[number]) }),
    });
    agent = new Agent({ host: 'localhost', port: emulator.port, ca: emulator.caCertificate, keepAlive: true });
  });
  afterAll(async () => {
    agent.destroy();
    await emulator.close();
    await rm(directory, { recursive: true, force: true });
  });

  const policyToken = (name: string) => {
    const policy = developmentPolicies().find((known) => known.name === name);
    return aToken('localhost', policy?.primaryKey ?? '', Date.now() + HOUR_MS, name);
  };
  const deviceToken = (deviceId: string, resource = `localhost%2Fdevices%2F${encodeURIComponent(deviceId)}`) => {
    const key = /SharedAccessKey=(.+)$/.exec(emulator.deviceConnectionString(deviceId))?.[1] ?? '';
    return aToken(resource, key, Date.now() + HOUR_MS);
  };
  async function call(
    method: string,
    target: string,
    { headers = {}, body, as = 'iothubowner' }: Call = {},
  ): Promise<Reply> {
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const sent = request({
      agent,
      method,
      path: `${target}${target.includes('?') ? '&' : '?'}api-version=2021-04-12`,
      headers: {
        ...(as === '' ? {} : { authorization: as.includes(' ') ? as : policyToken(as) }),
        ...(bytes ? { 'content-length': bytes.length } : {}),
        ...headers,
      },
    });
    sent.end(bytes);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    const content = await text(response);
    const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: content,
      body: (isJson ? JSON.parse(content) : undefined) as ReplyBody,
    };
  }
  const idsOf = ({ body }: Reply) => (body as unknown as ReplyBody[]).map(({ deviceId }) => deviceId);
  const create = (deviceId: string, more: object = {}) =>
    call('PUT', `/devices/${encodeURIComponent(deviceId)}`, { body: { deviceId, ...more } });

  describe('access', () => {
    it.each([
      ['', 'there is no Authorization header'],
      ['Bearer abc', 'Entra ID tokens are not implemented'],
      ['SharedAccessSignature sr=a', 'the token is not a shared access signature'],
      [aToken('localhost', 'a2V5', 1000, 'iothubowner'), 'the token has expired'],
      [aToken('localhost', 'a2V5', Date.now() + HOUR_MS, 'nobody'), 'the token names no shared access policy'],
      [aToken('localhost', 'a2V5', Date.now() + HOUR_MS, 'iothubowner'), 'not signed with the keys'],
      ['device', 'policy device lacks RegistryRead'],
      ['service', 'policy service lacks RegistryRead'],
    ])('refuses %j and logs why', async (as, reason) => {
      const reply = await call('GET', '/devices', { as });
      expect(reply.status).toBe(401);
      expect(reply.headers['iothub-errorcode']).toBe('IotHubUnauthorizedAccess');
      expect(reply.body.Message).toBe('ErrorCode:IotHubUnauthorizedAccess;Unauthorized');
      expect(log.at(-1)?.reason).toContain(reason);
    });

    it('refuses a token for another hub, and takes one for this hub under any of its names', async () => {
      const key = developmentPolicies()[0]?.primaryKey ?? '';
      const token = (resource: string) => aToken(resource, key, Date.now() + HOUR_MS, 'iothubowner');
      expect((await call('GET', '/devices', { as: token('other.azure-devices.net') })).status).toBe(401);
      for (const name of [
        `LOCALHOST:${emulator.port}`,
        '127.0.0.1',
        '%3A%3A1',
        '%5B%3A%3A1%5D%3A8443',
        'localhub.azure-devices.net',
        'localhost%2F',
      ]) {
        expect((await call('GET', '/devices', { as: token(name) })).status).toBe(200);
      }
    });

    it.each([
      ['registryRead', 'GET', '/devices/nobody', 404],
      ['registryRead', 'DELETE', '/devices/nobody', 401],
      ['registryReadWrite', 'DELETE', '/devices/nobody', 404],
      ['registryReadWrite', 'GET', '/twins/nobody', 401],
      ['service', 'GET', '/twins/nobody', 404],
      ['service', 'POST', '/devices/nobody/messages/events', 401],
      ['device', 'POST', '/devices/nobody/messages/events', 401],
      ['service', 'GET', '/jobs/v2/query', 200],
      ['registryReadWrite', 'GET', '/jobs/v2/query', 401],
      ['service', 'POST', '/jobs/v2/nothing/cancel', 404],
      ['device', 'PUT', '/jobs/v2/nothing', 401],
      ['registryRead', 'GET', '/configurations', 200],
      ['service', 'GET', '/configurations', 401],
      ['registryRead', 'DELETE', '/configurations/none', 401],
      ['registryReadWrite', 'DELETE', '/configurations/none', 404],
      ['device', 'POST', '/devices/query', 401],
    ])('%s: %s %s gives %i', async (as, method, target, status) => {
      expect((await call(method, target, { as })).status).toBe(status);
    });
  });

  describe('registry', () => {
    it('creates a device with generated keys and reads the same back', async () => {
      const created = await create('reg-1', { authentication: { symmetricKey: { primaryKey: '', secondaryKey: '' } } });
      expect(created.status).toBe(200);
      expect(created.headers.etag).toBe(`"${created.body.etag}"`);
      expect(created.body).toEqual({
        deviceId: 'reg-1',
        generationId: expect.stringMatching(/^\d+$/),
        etag: expect.stringMatching(/^[A-Za-z0-9+/]+=*$/),
        connectionState: 'Disconnected',
        status: 'enabled',
        statusReason: null,
        connectionStateUpdatedTime: '0001-01-01T00:00:00Z',
        statusUpdatedTime: '0001-01-01T00:00:00Z',
        lastActivityTime: '0001-01-01T00:00:00Z',
        cloudToDeviceMessageCount: 0,
        authentication: {
          symmetricKey: { primaryKey: expect.any(String), secondaryKey: expect.any(String) },
          x509Thumbprint: { primaryThumbprint: null, secondaryThumbprint: null },
          type: 'sas',
        },
        capabilities: { iotEdge: false },
      });
      expect(Buffer.from(created.body.authentication.symmetricKey.primaryKey, 'base64')).toHaveLength(32);
      expect((await call('GET', '/devices/reg-1')).body).toEqual(created.body);
    });

    it('does not create twice, updates by etag, deletes by etag', async () => {
      const first = (await create('reg-2')).body;
      const again = await create('reg-2');
      expect([again.status, again.headers['iothub-errorcode']]).toEqual([409, 'DeviceAlreadyExists']);
      expect(again.body.Message).toMatch(/^ErrorCode:DeviceAlreadyExists;/);
      expect(again.body.ExceptionMessage).toMatch(
        /^Tracking ID:[0-9A-F]{32}-G:0-TimeStamp:\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d$/,
      );

      const disable = (ifMatch: string) =>
        call('PUT', '/devices/reg-2', {
          headers: { 'if-match': ifMatch },
          body: { deviceId: 'reg-2', status: 'disabled' },
        });
      const updated = await disable(`"${first.etag}"`);
      expect(updated.body).toMatchObject({ status: 'disabled', authentication: first.authentication });
      expect(updated.body.etag).not.toBe(first.etag);
      expect(updated.body.statusUpdatedTime).not.toMatch(/^0001/);
      const stale = await disable(`"${first.etag}"`);
      expect([stale.status, stale.headers['iothub-errorcode']]).toEqual([412, 'PreconditionFailed']);
      expect((await disable('"*"')).status).toBe(200);

      const remove = (ifMatch: string) => call('DELETE', '/devices/reg-2', { headers: { 'if-match': ifMatch } });
      expect((await remove('"bm8="')).status).toBe(412);
      expect(await remove('*')).toMatchObject({ status: 204, text: '' });
      const gone = await remove('*');
      expect([gone.status, gone.headers['iothub-errorcode']]).toEqual([404, 'DeviceNotFound']);
    });

    it('keeps ids apart that differ in case or need encoding', async () => {
      const ids = ["a%_#*?!(),:=@$'", 'case', 'Case', 'query', '..'];
      for (const id of ids) expect((await create(id)).status).toBe(200);
      for (const id of ids) expect((await call('GET', `/devices/${encodeURIComponent(id)}`)).body.deviceId).toBe(id);
    });

    it('lists by id, with a slash at the end too, as many as asked for', async () => {
      await create('list-1');
      await create('list-2');
      const all = idsOf(await call('GET', '/devices/'));
      expect(all).toEqual([...all].sort());
      expect(all).toEqual(expect.arrayContaining(['list-1', 'list-2']));
      expect((await call('GET', '/devices?top=1')).body).toHaveLength(1);
      for (const top of ['0', '-1', '1001']) expect(idsOf(await call('GET', `/devices?top=${top}`))).toEqual(all);
      for (const top of ['x', '1.5']) expect((await call('GET', `/devices?top=${top}`)).status).toBe(400);
    });

    it('changes many at once, each for itself', async () => {
      const bulk = (items: object[]) => call('POST', '/devices', { body: items });
      const created = await bulk([
        { id: 'bulk-1', importMode: 'create', tags: { a: 1 }, properties: { desired: { b: 2 } } },
        { id: 'bulk-2', importMode: 'Create', status: 'disabled' },
      ]);
      expect(created).toMatchObject({ status: 200, body: { isSuccessful: true, errors: [], warnings: [] } });
      expect((await call('GET', '/twins/bulk-1')).body).toMatchObject({
        version: 2,
        tags: { a: 1 },
        properties: { desired: { b: 2, $version: 1 } },
      });
      await bulk([{ id: 'bulk-3', importMode: 'create' }]);
      const mixed = await bulk([
        { id: 'bulk-1', importMode: 'create' },
        { id: 'bulk-2', importMode: 'updateifmatchetag', eTag: 'bm8=', status: 'enabled' },
        { id: 'bulk-3', importMode: 'UpdateTwin', tags: { a: null, c: 3 } },
        { id: 'bad id', importMode: 'create' },
      ]);
      expect(mixed.status).toBe(400);
      expect(mixed.body.isSuccessful).toBe(false);
      expect(mixed.body.errors.map(({ deviceId, errorCode, operation }) => [deviceId, errorCode, operation])).toEqual([
        ['bulk-1', 'DeviceAlreadyExists', 'create'],
        ['bulk-2', 'PreconditionFailed', 'updateIfMatchETag'],
        ['bad id', 'ArgumentInvalid', 'create'],
      ]);
      expect((await call('GET', '/twins/bulk-3')).body.tags).toEqual({ c: 3 });
      expect((await bulk([{ id: 'bulk-2', importMode: 'Delete' }])).status).toBe(200);
      expect((await call('GET', '/devices/bulk-2')).status).toBe(404);
      expect((await bulk(Array.from({ length: 101 }, (_, index) => ({ id: `x${index}` })))).status).toBe(400);
      expect((await bulk([{ id: 'x', importMode: 'frobnicate' }])).status).toBe(400);
    });

    it('refuses a list that names a device twice, and changes nothing', async () => {
      const twice = await call('POST', '/devices', {
        body: [
          { id: 'twice', importMode: 'create' },
          { id: 'twice', moduleId: 'm', importMode: 'create' },
          { id: 'twice', importMode: 'update' },
        ],
      });
      expect([twice.status, twice.headers['iothub-errorcode']]).toEqual([400, 'DeviceDefinedMultipleTimes']);
      expect((await call('GET', '/devices/twice')).status).toBe(404);
    });

    it('makes keys anew, of those that have some', async () => {
      const keysOf = async (path: string) => (await call('GET', path)).body.authentication.symmetricKey;
      await create('rotate-1', { status: 'disabled', statusReason: 'moving' });
      await call('PUT', '/devices/rotate-1/modules/m', { body: { deviceId: 'rotate-1', moduleId: 'm' } });
      await create('rotate-2', { authentication: { type: 'certificateAuthority' } });
      const before = [await keysOf('/devices/rotate-1'), await keysOf('/devices/rotate-1/modules/m')];
      const regenerate = (policyKey: string, devices: object[]) =>
        call('POST', '/devices/keys/regenerate', { body: { policyKey, devices } });
      const second = await regenerate('secondaryKey', [{ id: 'rotate-1' }, { id: 'rotate-1', moduleId: 'm' }]);
      const after = [await keysOf('/devices/rotate-1'), await keysOf('/devices/rotate-1/modules/m')];
      expect(second).toMatchObject({
        status: 200,
        body: {
          policyKey: 'secondaryKey',
          rotatedKeys: [
            { id: 'rotate-1', primaryKey: null, secondaryKey: after[0]?.secondaryKey },
            { id: 'rotate-1', moduleId: 'm', primaryKey: null, secondaryKey: after[1]?.secondaryKey },
          ],
          errors: [],
        },
      });
      for (const index of [0, 1]) {
        expect(after[index]?.primaryKey).toBe(before[index]?.primaryKey);
        expect(after[index]?.secondaryKey).not.toBe(before[index]?.secondaryKey);
      }
      const mixed = await regenerate('both', [{ id: 'rotate-1' }, { id: 'rotate-2' }, { id: 'nobody' }]);
      expect(mixed.status).toBe(207);
      expect(mixed.body).toMatchObject({
        rotatedKeys: [{ id: 'rotate-1', ...(await keysOf('/devices/rotate-1')) }],
        errors: [
          { id: 'rotate-2', errorCode: 'ArgumentInvalid' },
          { id: 'nobody', errorCode: 'DeviceNotFound' },
        ],
      });
      expect((await call('GET', '/devices/rotate-1')).body).toMatchObject({
        status: 'disabled',
        statusReason: 'moving',
      });
      expect((await regenerate('both', [{ id: 'rotate-2' }])).status).toBe(400);
      expect((await regenerate('third', [{ id: 'rotate-1' }])).headers['iothub-errorcode']).toBe('InvalidPolicyKey');
    });

    it('changes modules among many', async () => {
      const bulk = (items: object[]) => call('POST', '/devices', { body: items });
      const created = await bulk([
        { id: 'bulk-m', importMode: 'create' },
        { id: 'bulk-m', moduleId: 'm1', importMode: 'create', tags: { a: 1 }, properties: { desired: { b: 2 } } },
        { id: 'nobody', moduleId: 'm1', importMode: 'create' },
      ]);
      expect(created).toMatchObject({
        status: 400,
        body: { errors: [{ deviceId: 'nobody', moduleId: 'm1', errorCode: 'DeviceNotFound', operation: 'create' }] },
      });
      expect((await call('GET', '/twins/bulk-m/modules/m1')).body).toMatchObject({ tags: { a: 1 }, version: 2 });
      expect((await call('GET', '/twins/bulk-m')).body).not.toHaveProperty('tags');
      await bulk([{ id: 'bulk-m', moduleId: 'm1', importMode: 'updateTwin', tags: { a: null } }]);
      expect((await call('GET', '/twins/bulk-m/modules/m1')).body).not.toHaveProperty('tags');
      await bulk([{ id: 'bulk-m', moduleId: 'm1', importMode: 'delete' }]);
      expect((await call('GET', '/devices/bulk-m/modules/m1')).headers['iothub-errorcode']).toBe('ModuleNotFound');
      expect((await call('GET', '/devices/bulk-m')).status).toBe(200);
    });

    it('counts devices', async () => {
      const before = (await call('GET', '/statistics/devices')).body;
      await create('count-1', { status: 'disabled' });
      const after = (await call('GET', '/statistics/devices')).body;
      expect(after).toEqual({
        totalDeviceCount: before.totalDeviceCount + 1,
        enabledDeviceCount: before.enabledDeviceCount,
        disabledDeviceCount: before.disabledDeviceCount + 1,
      });
      expect((await call('GET', '/statistics/service')).body).toEqual({ connectedDeviceCount: 0 });
    });

    it.each([
      [{ deviceId: 'other' }, 400],
      [{}, 400],
      [[], 400],
      [{ deviceId: 'bad', status: 'asleep' }, 400],
      [{ deviceId: 'bad', authentication: { symmetricKey: { primaryKey: 'short' } } }, 400],
      [{ deviceId: 'bad', authentication: { type: 'none' } }, 400],
      [{ deviceId: 'bad', capabilities: { iotEdge: true } }, 501],
    ])('refuses the identity %j', async (body, status) => {
      expect((await call('PUT', '/devices/bad', { body })).status).toBe(status);
    });
  });

  describe('twins', () => {
    it('merges, counts versions, stamps metadata and guards by etag', async () => {
      await create('twin-1');
      const fresh = (await call('GET', '/twins/twin-1')).body;
      expect(fresh).toMatchObject({ version: 2, etag: 'AAAAAAAAAAE=' });
      expect(fresh).not.toHaveProperty('tags');
      expect(fresh.properties.desired).toEqual({ $metadata: { $lastUpdated: expect.any(String) }, $version: 1 });
      const patch = (body: object, headers = {}) => call('PATCH', '/twins/twin-1', { body, headers });
      const first = await patch({ tags: { t: 1 }, properties: { desired: { a: { b: 1, c: 2 }, d: [1, 2] } } });
      expect(first).toMatchObject({ status: 200, body: { version: 3, etag: 'AAAAAAAAAAI=', tags: { t: 1 } } });
      const second = (
        await patch({ properties: { desired: { a: { b: null }, d: [3] } } }, { 'if-match': '"AAAAAAAAAAI="' })
      ).body;
      expect(second.properties.desired).toMatchObject({ a: { c: 2 }, d: [3], $version: 3 });
      expect(second.properties.desired.$metadata).toMatchObject({
        $lastUpdatedVersion: 3,
        a: { $lastUpdatedVersion: 3, c: { $lastUpdatedVersion: 2 } },
        d: { $lastUpdatedVersion: 3 },
      });
      expect(second.properties.desired.$metadata).not.toHaveProperty(['a', 'b']);
      const stale = await patch({ tags: {} }, { 'if-match': '"AAAAAAAAAAI="' });
      expect([stale.status, stale.headers['iothub-errorcode']]).toEqual([412, 'PreconditionFailed']);
      const untagged = (await patch({ tags: { t: null } }, { 'if-match': '"*"' })).body;
      expect(untagged).toMatchObject({ properties: { desired: { $version: 3 } } });
      expect(untagged).not.toHaveProperty('tags');
    });

    it('loses all of a section that is patched with null', async () => {
      await create('twin-null');
      await call('PATCH', '/twins/twin-null', {
        body: { tags: { t: 1 }, properties: { desired: { a: 1, b: { c: 2 } } } },
      });
      const body = { tags: null, properties: { desired: null } };
      const emptied = (await call('PATCH', '/twins/twin-null', { body })).body;
      expect(emptied).not.toHaveProperty('tags');
      const { $metadata, ...desired } = emptied.properties.desired;
      expect(desired).toEqual({ $version: 3 });
      expect($metadata).toEqual({ $lastUpdated: expect.any(String), $lastUpdatedVersion: 3 });
      expect((await call('PUT', '/twins/twin-null', { body })).status).toBe(200);
    });

    it('replaces tags and desired properties with PUT, even by the twin just read', async () => {
      await create('twin-2');
      await call('PATCH', '/twins/twin-2', { body: { tags: { t: 1 }, properties: { desired: { a: 1, b: 2 } } } });
      const read = (await call('GET', '/twins/twin-2')).body;
      delete read.properties.desired.a;
      const replaced = (await call('PUT', '/twins/twin-2', { body: read })).body;
      expect(replaced.tags).toEqual({ t: 1 });
      expect(replaced.properties.desired).toMatchObject({ b: 2, $version: 3 });
      expect(replaced.properties.desired).not.toHaveProperty('a');
      expect(Object.keys(replaced.properties.desired.$metadata)).not.toContain('a');
      expect((await call('PUT', '/twins/twin-2', { body: {} })).body).not.toHaveProperty('tags');
    });

    it.each([
      [[]],
      [{ tags: [] }],
      [{ properties: { desired: 5 } }],
      [{ tags: { 'a b': 1 } }],
      [{ tags: { $x: 1 } }],
      [{ tags: { big: 'x'.repeat(4097) } }],
      [{ tags: Object.fromEntries(Array.from({ length: 3 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])) }],
    ])('refuses a patch that breaks a rule, and changes nothing: %#', async (body) => {
      await create('twin-3');
      const before = (await call('GET', '/twins/twin-3')).text;
      const reply = await call('PATCH', '/twins/twin-3', { body });
      expect([reply.status, reply.headers['iothub-errorcode']]).toEqual([400, 'ArgumentInvalid']);
      expect((await call('GET', '/twins/twin-3')).text).toBe(before);
    });
  });

  describe('direct methods', () => {
    it.each([
      ['nobody', 404001, 'DeviceNotFound', {}],
      ['offline', 404103, 'DeviceNotOnline', { info: { timeout: '00:00:00' } }],
    ])('answers for %s with %i within a nested body', async (deviceId, code, name, more) => {
      await create('offline');
      const reply = await call('POST', `/twins/${deviceId}/methods`, { body: { methodName: 'm' } });
      expect([reply.status, reply.headers['iothub-errorcode']]).toEqual([404, name]);
      expect(reply.body.ExceptionMessage).toBe('');
      expect(JSON.parse(reply.body.Message)).toEqual({
        errorCode: code,
        trackingId: expect.any(String),
        message: expect.any(String),
        timestampUtc: expect.stringMatching(/^\d{4}-/),
        ...more,
      });
    });
  });

  describe('queries', () => {
    it('pages through headers', async () => {
      for (const index of [1, 2, 3]) await create(`page-${index}`);
      const body = { query: "SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, 'page-')" };
      const found = [];
      let continuation: string | undefined;
      do {
        const page = await call('POST', '/devices/query', {
          body: { query: "SELECT * FROM devices WHERE deviceId IN ['page-1', 'page-2', 'page-3']" },
          headers: { 'x-ms-max-item-count': '2', ...(continuation && { 'x-ms-continuation': continuation }) },
        });
        expect([page.status, page.headers['x-ms-item-type']]).toEqual([200, 'Twin']);
        found.push(idsOf(page));
        continuation = page.headers['x-ms-continuation'] as string | undefined;
      } while (continuation !== undefined);
      expect(found).toEqual([['page-1', 'page-2'], ['page-3']]);
      const all = await call('POST', '/devices/query', { body, headers: { 'x-ms-max-item-count': '-1' } });
      expect(all).toMatchObject({ status: 200, body: [{}, {}, {}] });
      expect((await call('POST', '/devices/query', { body, headers: { 'x-ms-max-item-count': 'x' } })).status).toBe(
        400,
      );
      expect((await call('POST', '/devices/query', { body: { query: 5 } })).status).toBe(400);
      expect((await call('POST', '/devices/query', { body: { query: 'DROP TABLE devices' } })).status).toBe(400);
    });
  });

  describe('device messages', () => {
    const stored = (deviceId: string) => {
      const reader = new DatabaseSync(path.join(directory, 'iot-hub.db'), { readOnly: true });
      const runs = reader.prepare('SELECT * FROM message_runs ORDER BY last_sequence').all();
      reader.close();
      return runs
        .flatMap((run) => unpackRun(run as unknown as LoggedRun))
        .filter(({ message }) => message.deviceId === deviceId)
        .map(({ message: { body, systemProperties: system, properties } }) => ({
          body: Buffer.from(body).toString(),
          system,
          properties,
        }));
    };
    const send = (deviceId: string, body: Buffer, headers: Record<string, string> = {}, as = deviceToken(deviceId)) =>
      call('POST', `/devices/${deviceId}/messages/events`, { as, body, headers });

    it('stores a message with its properties before it answers', async () => {
      await create('sender');
      const reply = await send('sender', Buffer.from('hello'), {
        'iothub-to': '/devices/sender/messages/events',
        'iothub-messageid': 'm1',
        'iothub-contenttype': 'application/json',
        'iothub-app-MixedCase': 'Value',
      });
      expect(reply).toMatchObject({ status: 204, text: '' });
      expect(stored('sender')).toEqual([
        {
          body: 'hello',
          system: { to: '/devices/sender/messages/events', messageId: 'm1', contentType: 'application/json' },
          properties: { MixedCase: 'Value' },
        },
      ]);
      expect((await call('GET', '/devices/sender')).body.lastActivityTime).not.toMatch(/^0001/);
    });

    it('stores a batch in its order, or nothing of it', async () => {
      await create('batcher');
      const headers = { 'content-type': 'application/vnd.microsoft.iothub.json; charset=utf-8' };
      const batch = (items: unknown) => send('batcher', Buffer.from(JSON.stringify(items)), headers);
      const item = (body: string, properties?: object) => ({ body: Buffer.from(body).toString('base64'), properties });
      expect((await batch([item('one', { 'iothub-app-k': 'v' }), item('two')])).status).toBe(204);
      expect(stored('batcher').map(({ body, properties }) => [body, properties])).toEqual([
        ['one', { k: 'v' }],
        ['two', {}],
      ]);
      const odd = JSON.parse('{"constructor":"c","__proto__":"p","iothub-app-__proto__":"kept"}') as object;
      expect((await batch([item('odd', odd)])).status).toBe(204);
      expect(stored('batcher').at(-1)).toEqual({
        body: 'odd',
        system: {},
        properties: JSON.parse('{"__proto__":"kept"}'),
      });
      for (const broken of [
        [],
        {},
        [{ body: 5 }],
        [item('ok'), { body: '!!' }],
        [item('ok'), { body: 'YQ==', properties: { a: 1 } }],
      ]) {
        expect((await batch(broken)).status).toBe(400);
      }
      const half = 'x'.repeat(130 * 1024);
      expect((await batch([item(half), item(half)])).status).toBe(413);
      expect(stored('batcher')).toHaveLength(3);
    });

    it('takes text in a batch as it is where the client says that it is no base64', async () => {
      await create('texter');
      const batch = [
        { body: 'abcd', base64Encoded: false },
        { body: '{"t":"21 °C"}', base64Encoded: false, properties: { 'iothub-app-k': 'v' } },
        { body: Buffer.from('abcd').toString('base64'), base64Encoded: true },
      ];
      const headers = { 'content-type': 'application/vnd.microsoft.iothub.json' };
      expect((await send('texter', Buffer.from(JSON.stringify(batch)), headers)).status).toBe(204);
      expect(stored('texter').map(({ body }) => body)).toEqual(['abcd', '{"t":"21 °C"}', 'abcd']);
    });

    it('takes 256 KB and not a byte more', async () => {
      await create('big');
      expect((await send('big', Buffer.alloc(256 * 1024))).status).toBe(204);
      const refused = await send('big', Buffer.alloc(256 * 1024 + 1));
      expect([refused.status, refused.headers['iothub-errorcode']]).toEqual([413, 'MessageTooLarge']);
      expect((await send('big', Buffer.alloc(256 * 1024), { 'iothub-app-a': 'b' })).status).toBe(413);
      expect(stored('big')).toHaveLength(1);
    });

    it('lets a device speak for itself alone', async () => {
      await create('me');
      await create('you');
      const refused = [
        deviceToken('you'),
        deviceToken('me', 'localhost'),
        deviceToken('me', 'localhost%2Fdevices%2Fyou'),
      ];
      for (const as of refused) expect((await send('me', Buffer.from('x'), {}, as)).status).toBe(401);
      expect((await send('me', Buffer.from('x'), {}, policyToken('device'))).status).toBe(204);
      await call('PUT', '/devices/me', { headers: { 'if-match': '*' }, body: { deviceId: 'me', status: 'disabled' } });
      const disabled = await send('me', Buffer.from('x'));
      expect([disabled.status, disabled.headers['iothub-errorcode']]).toEqual([403, 'DeviceDisabled']);
      expect(log.at(-1)?.reason).toBe('the device is disabled');
      expect(stored('me')).toHaveLength(1);
    });
  });

  it('opens and closes file uploads', async () => {
    await create('uploader');
    const as = deviceToken('uploader');
    const files = '/devices/uploader/files';
    const { status, body } = await call('POST', files, { as, body: { blobName: 'a b.jpg' } });
    expect(status).toBe(200);
    expect(body).toMatchObject({ hostName: '127.0.0.1:10000/devstoreaccount1', blobName: 'uploader/a b.jpg' });
    const notify = (id: string) =>
      call('POST', `${files}/notifications/${encodeURIComponent(id)}`, {
        as,
        body: { isSuccess: true, statusCode: 200 },
      });
    expect((await notify('YWJj/w==')).headers['iothub-errorcode']).toBe('InvalidFileUploadCorrelationId');
    expect((await notify(body.correlationId)).status).toBe(204);
    expect((await notify(body.correlationId)).status).toBe(400);
    expect((await call('POST', files, { as, body: { blobName: '../x' } })).status).toBe(400);
    // A client that counts characters instead of bytes cuts its JSON short.
    expect((await call('POST', files, { as, body: Buffer.from('{"blobName":"ü') })).headers['iothub-errorcode']).toBe(
      'IotHubFormatError',
    );
  });

  describe('what it does not have', () => {
    it.each([
      ['POST', '/devices/d/modules/m/messages/events'],
      ['POST', '/devices/d/modules/m/files'],
      ['GET', '/devices/d/modules/m/messages/deviceBound'],
      ['GET', '/devices/d/modules/$edgeHub/devicesAndModulesInDeviceScope?deviceCount=10'],
      ['POST', '/twins/d/streams/s'],
      ['POST', '/jobs/create'],
      ['GET', '/digitaltwins/d'],
    ])('refuses %s %s by name', async (method, target) => {
      const reply = await call(method, target);
      expect([reply.status, reply.headers['iothub-errorcode']]).toEqual([501, 'NotImplemented']);
      expect(reply.body.Message).toMatch(/^ErrorCode:NotImplemented;.+: not implemented by this emulator\.$/);
    });

    it.each([
      ['GET', '/nothing', 404],
      ['GET', '/', 404],
      ['PATCH', '/devices/d', 405],
      ['GET', '/devices/%ZZ', 400],
      ['GET', '/devices//modules', 404],
    ])('answers %s %s with %i', async (method, target, status) => {
      expect((await call(method, target)).status).toBe(status);
    });
  });

  it('answers broken JSON, broken UTF-8 and endless bodies, and lives on', async () => {
    const bodies = [
      Buffer.from('{'),
      Buffer.from([0x22, 0xff, 0x22]),
      Buffer.alloc(0),
      Buffer.from('['.repeat(100_000)),
    ];
    for (const body of bodies) {
      expect((await call('PATCH', '/twins/x', { body })).status).toBe(400);
    }
    expect((await call('PATCH', '/twins/x', { body: Buffer.alloc(2 * 1024 * 1024, ' ') })).status).toBe(413);
    const garbage = connect({ host: 'localhost', port: emulator.port, ca: emulator.caCertificate });
    garbage.end('\u0000\u0001garbage\r\n\r\n');
    expect(await text(garbage)).toMatch(/^HTTP\/1\.1 400/);
    expect((await call('GET', '/health', { as: '' })).body).toEqual({
      status: 'ok',
      hub: 'localhub',
      connectedDevices: 0,
      endpoints: [],
    });
  });

  it.each([
    ['GET', '/health', undefined, 200],
    ['GET', '/nothing', undefined, 404],
    ['POST', '/devices', Buffer.alloc(512 * 1024), 401],
    ['PATCH', '/twins/x', Buffer.alloc(2 * 1024 * 1024), 413],
  ])('keeps the connection of %s %s for the next request', async (method, target, body, status) => {
    const reply = await call(method, target, { as: status === 401 ? '' : 'iothubowner', body });
    expect([reply.status, reply.headers.connection]).toEqual([status, 'keep-alive']);
  });

  it('ends a connection that will not stop sending', async () => {
    const socket = connect({ host: 'localhost', port: emulator.port, ca: emulator.caCertificate });
    socket.on('error', () => undefined);
    socket.write(`PATCH /twins/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n`);
    const more = () => {
      while (socket.writable && socket.write(Buffer.alloc(64 * 1024)));
    };
    socket.on('drain', more);
    more();
    await new Promise((resolve) => socket.resume().once('close', resolve));
    expect(log.at(-1)?.error).toBe('IotHubUnauthorizedAccess');
  });
});
