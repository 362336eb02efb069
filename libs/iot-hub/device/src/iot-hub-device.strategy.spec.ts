import { Controller, ForbiddenException, type INestMicroservice, Logger } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { IsInt, IsString, Max, Min } from 'class-validator';
import { from, NEVER, of, throwError } from 'rxjs';
import type { DirectMethodContract } from '#libs/contracts';
import { AppError } from '#libs/runtime';
import { CONNECTION_STRING, FakeHub } from '../test-support/fake-hub.js';
import type { DesiredPropertiesContext } from './desired-properties.context.js';
import { DesiredProperties } from './desired-properties.decorator.js';
import type { DirectMethodContext } from './direct-method.context.js';
import { DirectMethod } from './direct-method.decorator.js';
import { IotHubDevice } from './iot-hub-device.js';
import { IotHubDeviceStrategy } from './iot-hub-device.strategy.js';
import type { TwinProperties } from './twin-patch.js';

class ZoomPayload {
  @IsInt()
  @Min(1)
  @Max(10)
  factor: number;

  @IsString()
  lens: string;
}

class ZoomReply {
  factor: number;
}

const zoom: DirectMethodContract<ZoomPayload, ZoomReply> = { name: 'zoom', payload: ZoomPayload, reply: ZoomReply };
const named = (name: string): DirectMethodContract<object, object> => ({ name, payload: Object, reply: Object });

@Controller()
class CameraController {
  seen: [unknown, DirectMethodContext][] = [];
  desired: { properties: TwinProperties; patch: TwinProperties | undefined }[] = [];

  @DirectMethod(zoom)
  zoom(payload: ZoomPayload, context: DirectMethodContext): ZoomReply {
    this.seen.push([payload, context]);
    return { factor: payload.factor };
  }

  @DirectMethod(named('many'))
  many() {
    return from([{ first: true }, { second: true }]);
  }

  @DirectMethod(named('nothing'))
  nothing() {
    return from<object[]>([]);
  }

  @DirectMethod(named('busy'))
  busy(): Promise<object> {
    return Promise.reject(new AppError('CAMERA.BUSY', 'Another shot is being taken.', { hint: 'Try again.' }));
  }

  @DirectMethod(named('unlisted'))
  unlisted(): object {
    throw new AppError('CAMERA.ON_FIRE', 'The camera burns.');
  }

  @DirectMethod(named('bug'))
  bug(): object {
    throw new TypeError('secret detail');
  }

  @DirectMethod(named('late_bug'))
  lateBug() {
    return throwError(() => new Error('secret detail'));
  }

  @DirectMethod(named('forbidden'))
  forbidden(): object {
    throw new ForbiddenException('Not for you.');
  }

  @DirectMethod(named('huge'))
  huge() {
    return of({ text: 'x'.repeat(128 * 1024) });
  }

  @DirectMethod(named('circular'))
  circular(): object {
    const reply: Record<string, unknown> = {};
    reply.self = reply;
    return reply;
  }

  @DirectMethod(named('stuck'))
  stuck() {
    return NEVER;
  }

  @DesiredProperties()
  async onDesired(properties: TwinProperties, context: DesiredPropertiesContext): Promise<void> {
    // Later ones are handled faster: their order must not change for that.
    await Promise.all(Array.from({ length: 10 - Number(properties.$version) }, () => Promise.resolve()));
    if (properties.broken) throw new Error('cannot apply');
    this.desired.push({ properties, patch: context.patch });
  }
}

describe(IotHubDeviceStrategy.name, () => {
  let app: INestMicroservice;
  let hub: FakeHub;
  let strategy: IotHubDeviceStrategy;
  let controller: CameraController;

  beforeEach(async () => {
    Logger.overrideLogger(false);
    hub = new FakeHub();
    const device = new IotHubDevice({ connectionString: CONNECTION_STRING }, { openSession: hub.open });
    strategy = new IotHubDeviceStrategy(device, { failureStatuses: { 'CAMERA.BUSY': 409 } });
    const module = await Test.createTestingModule({ controllers: [CameraController] }).compile();
    app = module.createNestMicroservice({ strategy, logger: false });
    await app.listen();
    await device.connected();
    controller = app.get(CameraController);
  });

  afterEach(async () => {
    await app.close();
    for (const { name, replies } of hub.answers.filter(({ name }) => name !== 'stuck')) {
      expect([name, replies.length]).toEqual([name, 1]);
    }
  });

  it('answers with what the handler returns', async () => {
    await expect(hub.call('zoom', { factor: 3, lens: 'left' })).resolves.toEqual({
      status: 200,
      payload: { factor: 3 },
    });
    const [payload, context] = controller.seen[0] ?? [];
    expect(payload).toBeInstanceOf(ZoomPayload);
    expect(context).toMatchObject({ methodName: 'zoom', requestId: '1' });
  });

  it('answers a method without a handler with 404 and the names that there are', async () => {
    const { status, payload } = await hub.call('explode', {});
    expect(status).toBe(404);
    expect(payload).toMatchObject({ code: 'METHOD.NOT_FOUND', hint: expect.stringContaining('zoom') });
  });

  it.each(['toString', '__proto__', 'twin/desired', ''])('has no method %j', async (name) => {
    expect((await hub.call(name, {})).status).toBe(404);
  });

  it('answers an invalid payload with 400 and every problem', async () => {
    const { status, payload } = await hub.call('zoom', { factor: 11, extra: true });
    expect(status).toBe(400);
    expect(payload).toMatchObject({
      code: 'METHOD.PAYLOAD_INVALID',
      problems: expect.arrayContaining([
        'factor must not be greater than 10',
        'lens must be a string',
        'property extra should not exist',
      ]),
    });
  });

  it.each([
    ['nothing', Buffer.alloc(0)],
    ['null', null],
    ['a list', []],
    ['text', 'zoom'],
    ['what is not JSON', Buffer.from('{"factor":')],
  ])('answers %s instead of a JSON object with 400', async (_what, body) => {
    expect(await hub.call('zoom', body)).toMatchObject({ status: 400, payload: { code: 'METHOD.PAYLOAD_INVALID' } });
    expect(controller.seen).toEqual([]);
  });

  it('names no more problems than fit into an answer', async () => {
    const payload = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`${'x'.repeat(500)}${index}`, 1]));
    const reply = await hub.call('zoom', payload);
    expect(reply.status).toBe(400);
    expect(JSON.stringify(reply).length).toBeLessThan(64 * 1024);
  });

  it('answers the status that is set for the code of a failure', async () => {
    await expect(hub.call('busy', {})).resolves.toEqual({
      status: 409,
      payload: { code: 'CAMERA.BUSY', message: 'Another shot is being taken.', hint: 'Try again.' },
    });
  });

  it('answers 500 for a code that has no status', async () => {
    expect(await hub.call('unlisted', {})).toMatchObject({ status: 500, payload: { code: 'CAMERA.ON_FIRE' } });
  });

  it.each(['bug', 'late_bug', 'circular'])('answers 500 to %s and keeps the reason for the log', async (name) => {
    const reply = await hub.call(name, {});
    expect(reply).toMatchObject({ status: 500, payload: { code: 'METHOD.FAILED' } });
    expect(JSON.stringify(reply)).not.toContain('secret');
  });

  it('answers the status of an HTTP exception, as Nest’s own guards and pipes throw it', async () => {
    expect(await hub.call('forbidden', {})).toMatchObject({ status: 403, payload: { message: 'Not for you.' } });
  });

  it('answers once, with the first value of a stream', async () => {
    expect((await hub.call('many', {})).payload).toEqual({ first: true });
  });

  it('answers null for a stream that ends without a value', async () => {
    expect(await hub.call('nothing', {})).toEqual({ status: 200, payload: null });
  });

  it('does not send an answer that the hub would not take', async () => {
    expect(await hub.call('huge', {})).toMatchObject({ status: 500, payload: { code: 'METHOD.REPLY_TOO_LARGE' } });
  });

  it('refuses calls beyond its limit', async () => {
    for (let count = 0; count < 16; count += 1) void hub.call('stuck', {});
    expect(await hub.call('zoom', { factor: 1, lens: 'left' })).toMatchObject({
      status: 429,
      payload: { code: 'METHOD.TOO_MANY_CALLS' },
    });
    jest.useFakeTimers();
    const closing = app.close();
    await jest.advanceTimersByTimeAsync(5_000);
    jest.useRealTimers();
    await closing;
  });

  it('survives an answer that cannot be sent', async () => {
    hub.current.events.onMethod({
      name: 'zoom',
      requestId: 'lost',
      body: Buffer.from('{}'),
      respond: () => Promise.reject(new Error('gone')),
    });
    expect((await hub.call('many', {})).status).toBe(200);
  });

  it('knows the names of its methods', () => {
    expect(strategy.methodNames).toEqual(expect.arrayContaining(['zoom', 'busy']));
    expect(strategy.methodNames).not.toContain('twin/desired');
  });

  it('gives desired properties whole, one change after the other', async () => {
    hub.current.events.onDesiredPatch({ zoom: 2, lens: { name: 'left', clean: true }, $version: 2 });
    hub.current.events.onDesiredPatch({ broken: true, $version: 3 });
    hub.current.events.onDesiredPatch({ broken: null, lens: { clean: null }, $version: 4 });
    await app.close();
    expect(controller.desired).toEqual([
      { properties: { $version: 1 }, patch: undefined },
      { properties: { zoom: 2, lens: { name: 'left', clean: true }, $version: 2 }, patch: expect.anything() },
      {
        properties: { zoom: 2, lens: { name: 'left' }, $version: 4 },
        patch: { broken: null, lens: { clean: null }, $version: 4 },
      },
    ]);
  });

  it('tells each change of the connection', async () => {
    const statuses: string[] = [];
    strategy.on('state', ({ status }) => {
      statuses.push(status);
    });
    await app.close();
    expect(statuses).toEqual(['closed']);
  });
});
