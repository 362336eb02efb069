import { Logger } from '@nestjs/common';
import type { DeviceMessageContract } from '#libs/contracts';
import type { ConnectionState, DeviceMessage, IotHubDevice, TwinProperties } from '#libs/iot-hub/device';
import { MessageSender } from './message-sender.js';
import { Outbox } from './outbox.js';

class Note {
  text: string;
}
const note: DeviceMessageContract<'note', Note> = { kind: 'note', body: Note };

/** The connection to the hub, played by a test. */
class FakeDevice {
  state: ConnectionState = { status: 'connecting' };
  readonly attempts: DeviceMessage[] = [];
  readonly reports: TwinProperties[] = [];
  /** How the next attempts fail, in their order; without an entry the hub confirms. */
  readonly failures: (Error | undefined)[] = [];
  private listener: (state: ConnectionState) => void = () => undefined;

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.listener = listener;
    return () => undefined;
  }

  change(state: ConnectionState): void {
    this.state = state;
    this.listener(state);
  }

  sendMessage(message: DeviceMessage): Promise<void> {
    this.attempts.push(message);
    const failure = this.failures.shift();
    return failure ? Promise.reject(failure) : Promise.resolve();
  }

  reportProperties(patch: TwinProperties): Promise<void> {
    this.reports.push(patch);
    return Promise.resolve();
  }
}

const LOST: ConnectionState = { status: 'connecting' };
const CONNECTED: ConnectionState = { status: 'connected' };

describe(MessageSender.name, () => {
  let device: FakeDevice;
  let outbox: Outbox;
  let sender: MessageSender;

  beforeEach(() => {
    jest.useFakeTimers();
    Logger.overrideLogger(false);
    device = new FakeDevice();
    outbox = new Outbox({ maxBytes: 10_000 });
    sender = new MessageSender(device as unknown as IotHubDevice, outbox);
    sender.onApplicationBootstrap();
  });
  afterEach(() => {
    sender.onModuleDestroy();
    jest.useRealTimers();
  });

  const say = (...texts: string[]): void => {
    for (const text of texts) sender.send(note, { text });
  };
  const attempted = (): unknown[] => device.attempts.map(({ body }) => (JSON.parse(body) as Note).text);
  const settled = (): Promise<void> => jest.advanceTimersByTimeAsync(0).then(() => undefined);

  it('sends at once what there is when there is a connection', async () => {
    device.change(CONNECTED);
    say('a');
    await settled();
    expect(device.attempts).toEqual([
      {
        messageId: expect.any(String),
        body: '{"text":"a"}',
        properties: { kind: 'note' },
        createdAt: expect.stringMatching(/Z$/),
      },
    ]);
    expect(outbox.oldest(1)).toEqual([]);
  });

  it('keeps messages until there is a connection, and sends them in order, once', async () => {
    const texts = Array.from({ length: 50 }, (_, index) => String(index));
    say(...texts);
    await settled();
    expect(attempted()).toEqual([]);
    device.change(CONNECTED);
    await settled();
    expect(attempted()).toEqual(texts);
    device.change(CONNECTED);
    await settled();
    expect(attempted()).toHaveLength(50);
  });

  it('repeats under the same id what a lost connection left unconfirmed', async () => {
    say('a', 'b', 'c');
    device.failures.push(undefined, new Error('lost'), new Error('lost'));
    device.change(CONNECTED);
    device.state = LOST;
    await settled();
    expect(attempted()).toEqual(['a', 'b', 'c']);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(attempted()).toHaveLength(3);
    device.change(CONNECTED);
    await settled();
    expect(attempted()).toEqual(['a', 'b', 'c', 'b', 'c']);
    const ids = device.attempts.map(({ messageId }) => messageId);
    expect(ids.slice(3)).toEqual(ids.slice(1, 3));
  });

  it('tries again after a while when the connection stands and the hub does not confirm', async () => {
    device.change(CONNECTED);
    device.failures.push(new Error('not acknowledged'));
    say('a');
    await settled();
    await jest.advanceTimersByTimeAsync(4_999);
    expect(attempted()).toEqual(['a']);
    await jest.advanceTimersByTimeAsync(1);
    expect(attempted()).toEqual(['a', 'a']);
    expect(outbox.oldest(1)).toEqual([]);
  });

  it('leaves nothing behind that comes while it sends', async () => {
    device.change(CONNECTED);
    for (const text of ['a', 'b', 'c', 'd']) {
      say(text);
      await Promise.resolve();
    }
    await settled();
    expect(attempted()).toEqual(['a', 'b', 'c', 'd']);
    expect(outbox.oldest(1)).toEqual([]);
  });

  it('reports how many messages were dropped, at the start and when there are more', () => {
    expect(device.reports).toEqual([{ messages_dropped: 0 }]);
    const text = 'x'.repeat(4_000);
    say(text, text);
    expect(device.reports).toHaveLength(1);
    say(text);
    expect(device.reports).toEqual([{ messages_dropped: 0 }, { messages_dropped: 1 }]);
  });

  it('fails no work when the disk does not take a message', () => {
    outbox.add = () => {
      throw new Error('ENOSPC');
    };
    expect(() => {
      say('a');
    }).not.toThrow();
  });

  it('takes nothing more once it is closed', async () => {
    device.change(CONNECTED);
    sender.onModuleDestroy();
    say('a');
    await settled();
    expect(attempted()).toEqual([]);
    outbox = new Outbox({ maxBytes: 1_000 });
    sender = new MessageSender(device as unknown as IotHubDevice, outbox);
  });
});
