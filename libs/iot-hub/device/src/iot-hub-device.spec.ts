import { Logger } from '@nestjs/common';
import { CONNECTION_STRING, FakeHub } from '../test-support/fake-hub.js';
import type { DesiredPropertiesChange } from './desired-state.js';
import { LostWhileOpening } from './device-session.js';
import { IotHubDevice } from './iot-hub-device.js';
import type { ConnectionState } from './lasting-connection.js';

const refusal = Object.assign(new Error('Connection refused'), { code: 'ECONNREFUSED' });
const rejection = Object.assign(new Error('Not authorized'), {
  transportError: Object.assign(new Error('Connection refused: Not authorized'), { code: 5 }),
});

describe(IotHubDevice.name, () => {
  let hub: FakeHub;
  let device: IotHubDevice;
  let states: ConnectionState[];
  let changes: DesiredPropertiesChange[];
  let nowMs: number;
  let clockSkewMs: number | undefined;
  /** Ends the wait between two attempts. */
  let wake: () => void;

  /** The state after the present one. */
  const nextState = (): Promise<ConnectionState> =>
    new Promise((resolve) => {
      const stop = device.onStateChange((state) => {
        stop();
        resolve(state);
      });
    });

  /** The next time that the device waits between attempts. */
  const nextWait = async (): Promise<Extract<ConnectionState, { status: 'waiting' }>> => {
    for (;;) {
      const state = await nextState();
      if (state.status === 'waiting') return state;
    }
  };

  const start = (): void => {
    device.start({ onMethod: () => undefined, onDesiredProperties: (change) => changes.push(change) });
  };

  /** The hub closes the connection `livedMs` after it was made; resolves when the device waits for the next. */
  const loseAfter = (livedMs: number) => {
    nowMs += livedMs;
    const waiting = nextWait();
    hub.current.events.onLost(undefined);
    return waiting;
  };

  const reconnect = async (): Promise<void> => {
    wake();
    await device.connected();
  };

  beforeEach(() => {
    Logger.overrideLogger(false);
    hub = new FakeHub();
    states = [];
    changes = [];
    nowMs = 0;
    clockSkewMs = 0;
    device = new IotHubDevice(
      { connectionString: CONNECTION_STRING },
      {
        openSession: hub.open,
        random: () => 0.5,
        now: () => nowMs,
        measureClockSkewMs: () => Promise.resolve(clockSkewMs),
        sleep: (_ms, signal) =>
          new Promise((resolve, reject) => {
            wake = resolve;
            signal.addEventListener('abort', () => {
              reject(signal.reason as Error);
            });
          }),
      },
    );
    device.onStateChange((state) => states.push(state));
  });

  afterEach(() => device.close());

  it('tries for ever, waiting longer each time up to a minute', async () => {
    hub.failures.push(...Array.from({ length: 12 }, () => refusal));
    start();
    const delays: number[] = [];
    for (let count = 0; count < 12; count += 1) {
      delays.push((await nextWait()).delayMs);
      if (count < 11) wake();
    }
    await reconnect();
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, ...Array.from({ length: 6 }, () => 30_000)]);
    expect(hub.attempts).toBe(13);
  });

  it('starts anew with a short wait once a connection has held', async () => {
    hub.failures.push(refusal, refusal, refusal);
    start();
    for (let count = 0; count < 3; count += 1) {
      await nextWait();
      wake();
    }
    await device.connected();
    expect((await loseAfter(60_000)).delayMs).toBe(500);
  });

  it('takes a lost connection for a failure of the network', async () => {
    start();
    await device.connected();
    expect((await loseAfter(60_000)).failure.kind).toBe('unreachable');
    await reconnect();
    expect(hub.connections).toHaveLength(2);
  });

  it('does not fight another connection of the same identity', async () => {
    start();
    await device.connected();
    expect((await loseAfter(60_000)).failure.kind).toBe('unreachable');
    await reconnect();
    expect((await loseAfter(500)).failure.kind).toBe('unreachable');
    await reconnect();
    const waiting = await loseAfter(500);
    expect(waiting.failure).toMatchObject({ kind: 'replaced', hint: expect.stringContaining('device id') });
    expect(waiting.delayMs).toBeGreaterThanOrEqual(30_000);
    await reconnect();
    expect((await loseAfter(70_000)).failure.kind).toBe('replaced');
    await reconnect();
    expect((await loseAfter(300_000)).failure.kind).toBe('unreachable');
  });

  it('takes a connection that does not even get ready for one that did not hold', async () => {
    hub.failures.push(new LostWhileOpening(undefined), new LostWhileOpening(undefined));
    start();
    expect((await nextWait()).failure.kind).toBe('unreachable');
    wake();
    expect((await nextWait()).failure.kind).toBe('replaced');
  });

  it('tries slowly and points to the key when the hub refuses the device', async () => {
    hub.failures.push(rejection);
    start();
    const { failure, delayMs } = await nextWait();
    expect(failure).toMatchObject({ kind: 'rejected', hint: expect.stringContaining('"device001"') });
    expect(delayMs).toBeGreaterThanOrEqual(5_000);
  });

  it.each([
    [3_600_000, '60 min ahead of'],
    [-86_400_000, '1440 min behind'],
  ])('points to the clock when it is %d ms off', async (skewMs, hint) => {
    clockSkewMs = skewMs;
    hub.failures.push(rejection);
    start();
    expect((await nextWait()).failure.hint).toContain(hint);
  });

  it('gives the desired properties anew after each connect', async () => {
    hub.desired = { zoom: 1, $version: 5 };
    start();
    await device.connected();
    hub.desired = { zoom: 4, $version: 9 };
    await loseAfter(60_000);
    await reconnect();
    expect(changes).toEqual([
      { desired: { zoom: 1, $version: 5 }, patch: undefined },
      { desired: { zoom: 4, $version: 9 }, patch: undefined },
    ]);
  });

  it('leaves out a change that the twin as read holds already', async () => {
    hub.desired = { zoom: 1, $version: 5 };
    start();
    await device.connected();
    hub.current.events.onDesiredPatch({ zoom: 0, $version: 5 });
    hub.current.events.onDesiredPatch({ zoom: 2, $version: 6 });
    expect(changes.map(({ desired }) => desired.zoom)).toEqual([1, 2]);
  });

  it('reports after each connect all that was reported, also removals', async () => {
    await device.reportProperties({ version: '1', cameras: [{ index: 0 }], network: { name: 'lan', speed: 1 } });
    start();
    await device.connected();
    await device.reportProperties({ version: '2', network: { speed: null } });
    await loseAfter(60_000);
    await device.reportProperties({ cameras: [] });
    await reconnect();
    expect(hub.connections.map(({ reports }) => reports)).toEqual([
      [
        { version: '1', cameras: [{ index: 0 }], network: { name: 'lan', speed: 1 } },
        { version: '2', network: { speed: null } },
      ],
      [{ version: '2', cameras: [], network: { name: 'lan', speed: null } }],
    ]);
  });

  it('disconnects when it is closed', async () => {
    start();
    await device.connected();
    await device.close();
    expect(hub.current.closed).toBe(true);
    expect(states.map(({ status }) => status)).toEqual(['connecting', 'connected', 'closed']);
  });

  it('can be closed while it waits', async () => {
    hub.failures.push(refusal);
    start();
    await nextWait();
    await device.close();
    expect(hub.attempts).toBe(1);
  });

  it('can be closed before it was started', async () => {
    await device.close();
    expect(device.state).toEqual({ status: 'closed' });
  });

  it.each([
    '',
    'x',
    'HostName=h;DeviceId=d',
    'HostName=h;SharedAccessKey=c2VjcmV0',
    'HostName=a b;DeviceId=d;SharedAccessKey=c2VjcmV0',
  ])('refuses the connection string %j without repeating its key', (connectionString) => {
    expect(() => new IotHubDevice({ connectionString })).toThrow(
      expect.objectContaining({ code: 'SETTINGS.INVALID', message: expect.not.stringContaining('c2VjcmV0') }),
    );
  });

  it('sends messages over the connection that there is, and none without', async () => {
    const message = { messageId: 'm1', body: '{}', properties: { kind: 'test' }, createdAt: '2026-11-23T06:00:00Z' };
    await expect(device.sendMessage(message)).rejects.toMatchObject({ code: 'DEVICE.OFFLINE' });
    start();
    await device.connected();
    await device.sendMessage(message);
    expect(hub.current.messages).toEqual([message]);
    await loseAfter(60_000);
    await expect(device.sendMessage(message)).rejects.toMatchObject({ code: 'DEVICE.OFFLINE' });
  });
});
