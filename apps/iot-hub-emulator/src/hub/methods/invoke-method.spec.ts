import { aHub, type TestHub } from '../../../test-support/test-hub.js';
import type { DeviceConnection, Listening, MethodCall } from '../connections/device-connection.js';
import { HubError } from '../errors/hub-errors.js';
import type { Identity } from '../identity.js';
import { createIdentity } from '../registry/identities.js';
import { answerMethod } from './answer-method.js';
import { invokeMethod } from './invoke-method.js';

class FakeDevice implements DeviceConnection {
  readonly description = 'fake';
  readonly calls: MethodCall[] = [];
  readonly listening = new Set<Listening>(['methods']);

  constructor(readonly identity: Identity) {}

  listensTo(kind: Listening): boolean {
    return this.listening.has(kind);
  }
  close(): void {
    return;
  }
  invokeMethod(call: MethodCall): void {
    this.calls.push(call);
  }
  desiredChanged(): void {
    throw new Error('Nothing desired changes here.');
  }
  messagesWaiting(): void {
    throw new Error('No messages are sent here.');
  }
  get lastCall(): MethodCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('The device was not called.');
    return call;
  }
}

const codeOf = (promise: Promise<unknown>): Promise<number> =>
  promise.then(
    () => 0,
    (cause: unknown) => {
      if (cause instanceof HubError) return cause.code;
      throw cause;
    },
  );

describe(invokeMethod.name, () => {
  let hub: TestHub;
  let device: FakeDevice;
  beforeEach(async () => {
    hub = aHub();
    device = new FakeDevice({ deviceId: 'd1' });
    await createIdentity(hub, { deviceId: 'd1' });
  });
  afterEach(() => {
    hub.store.close();
  });
  const answer = (status: number, body: string, deviceId = 'd1') =>
    answerMethod(hub, { deviceId }, device.lastCall.requestId, { status, body: Buffer.from(body) });

  it('hands the payload to the device and its answer back', async () => {
    hub.connections.attach(device);
    const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'reboot', payload: { a: [1, null] } });
    await Promise.resolve();
    expect(device.lastCall).toMatchObject({ methodName: 'reboot', payload: '{"a":[1,null]}' });
    expect(device.lastCall.requestId).toMatch(/^[0-9a-f]+$/);
    expect(answer(202, '{"ok":true}')).toBe(true);
    await expect(result).resolves.toEqual({ status: 202, payload: { ok: true } });
    expect(hub.clock.timers).toBe(0);
    expect(answer(200, 'null')).toBe(false);
  });

  it('sends null for no payload, and takes an empty answer for null', async () => {
    hub.connections.attach(device);
    const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' });
    await Promise.resolve();
    expect(device.lastCall.payload).toBe('null');
    answer(200, '');
    await expect(result).resolves.toEqual({ status: 200, payload: null });
  });

  it('tells an unknown device from one that is not there and one that does not listen', async () => {
    expect(await codeOf(invokeMethod(hub, { deviceId: 'nobody' }, { methodName: 'm' }))).toBe(404001);
    expect(await codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' }))).toBe(404103);
    device.listening.clear();
    hub.connections.attach(device);
    expect(await codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' }))).toBe(404103);
  });

  it('waits for the device to connect and to subscribe, as long as the connect timeout', async () => {
    device.listening.clear();
    const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm', connectTimeoutInSeconds: 10 });
    hub.clock.advance(9_000);
    hub.connections.attach(device);
    expect(device.calls).toEqual([]);
    device.listening.add('methods');
    hub.connections.listeningChanged({ deviceId: 'd1' });
    await Promise.resolve();
    await Promise.resolve();
    answer(200, '1');
    await expect(result).resolves.toEqual({ status: 200, payload: 1 });

    hub.connections.detach(device);
    const late = codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm', connectTimeoutInSeconds: 10 }));
    hub.clock.advance(10_000);
    expect(await late).toBe(404103);
  });

  it('gives up when the device does not answer in time, and drops what comes later', async () => {
    hub.connections.attach(device);
    const result = codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm', responseTimeoutInSeconds: 5 }));
    await Promise.resolve();
    hub.clock.advance(5_000);
    expect(await result).toBe(504101);
    expect(answer(200, '1')).toBe(false);
  });

  it('takes an answer from the called device alone', async () => {
    hub.connections.attach(device);
    const result = invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' });
    await Promise.resolve();
    expect(answer(200, '"forged"', 'd2')).toBe(false);
    expect(answer(200, '"own"')).toBe(true);
    await expect(result).resolves.toEqual({ status: 200, payload: 'own' });
  });

  it('tells of an answer that is no JSON, too large, or nested so deeply that nobody could be told of it', async () => {
    hub.connections.attach(device);
    const bottomless = '['.repeat(60_000) + ']'.repeat(60_000);
    for (const body of ['{', `"${'x'.repeat(128 * 1024)}"`, bottomless]) {
      const result = codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' }));
      await Promise.resolve();
      answer(200, body);
      expect(await result).toBe(502001);
    }
  });

  it('stops waiting when the caller goes', async () => {
    hub.connections.attach(device);
    const caller = new AbortController();
    const result = codeOf(invokeMethod(hub, { deviceId: 'd1' }, { methodName: 'm' }, caller.signal));
    await Promise.resolve();
    caller.abort();
    expect(await result).toBe(504101);
    expect(hub.clock.timers).toBe(0);
  });

  it.each([
    [{}, 400004],
    [[], 400004],
    [{ methodName: '' }, 400004],
    [{ methodName: 'with space' }, 400004],
    [{ methodName: 'a/b' }, 400004],
    [{ methodName: 'a#' }, 400004],
    [{ methodName: 'm', responseTimeoutInSeconds: 4 }, 400004],
    [{ methodName: 'm', responseTimeoutInSeconds: 301 }, 400004],
    [{ methodName: 'm', responseTimeoutInSeconds: '30' }, 400004],
    [{ methodName: 'm', connectTimeoutInSeconds: -1 }, 400004],
    [{ methodName: 'm', connectTimeoutInSeconds: 301 }, 400004],
    [{ methodName: 'm', payload: 'x'.repeat(128 * 1024) }, 413001],
    [JSON.parse(`{"methodName":"m","payload":${'['.repeat(60_000)}${']'.repeat(60_000)}}`), 400004],
  ])('refuses request %#', async (request, code) => {
    expect(await codeOf(invokeMethod(hub, { deviceId: 'd1' }, request))).toBe(code);
  });
});
