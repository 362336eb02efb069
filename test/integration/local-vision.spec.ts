import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import OpenAI, { APIError } from 'openai';
import sharp from 'sharp';
import { type LocalVision, startLocalVision } from '../../apps/local-vision/src/index.js';
import { VisionEngine } from '../../apps/local-vision/src/vision/vision-engine.js';
import { until } from '../support/until.js';
import { videoFrames } from '../support/video-frames.js';

const MODEL = 'local-detector';
const PREFIX = '[local detector, not a language model]';
const ROOT = join(__dirname, '../..');
const ASSETS = join(ROOT, 'docs/assets');
const FIRST_LOOK_LIMIT_MS = 60_000;

const counted = JSON.parse(readFileSync(join(ASSETS, 'people-counts.json'), 'utf8')) as {
  frames: { frame: number; people: number }[];
};
const diagram = readFileSync(join(ASSETS, '1_architecture.png'));
const blank = sharp({ create: { width: 64, height: 64, channels: 3, background: '#1e3cc8' } });

let vision: LocalVision;
let openai: OpenAI;

beforeAll(async () => {
  vision = await startLocalVision();
  openai = clientOf(vision);
});
afterAll(() => vision.close());

function clientOf({ url }: LocalVision): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any', maxRetries: 0 });
}

function dataUrl(bytes: Uint8Array, type = 'image/png'): string {
  return `data:${type};base64,${Buffer.from(bytes).toString('base64')}`;
}

function asking(prompt: string, imageUrl?: string): OpenAI.ChatCompletionCreateParamsNonStreaming {
  const image = imageUrl === undefined ? [] : [{ type: 'image_url' as const, image_url: { url: imageUrl } }];
  return { model: MODEL, messages: [{ role: 'user', content: [{ type: 'text', text: prompt }, ...image] }] };
}

function jsonOf(properties: Record<string, unknown>): OpenAI.ResponseFormatJSONSchema {
  const schema = { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
  return { type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } };
}

async function answerTo(request: OpenAI.ChatCompletionCreateParamsNonStreaming): Promise<string> {
  const { choices } = await openai.chat.completions.create(request);
  return choices[0]?.message.content ?? '';
}

async function refusalOf(request: unknown): Promise<APIError> {
  const answer = openai.chat.completions.create(request as OpenAI.ChatCompletionCreateParamsNonStreaming);
  return answer.then(
    () => Promise.reject(new Error('The request was answered.')),
    (error: unknown) => error as APIError,
  );
}

describe('what it sees', () => {
  it(
    'counts people as a person does: off by one at most in the mean, by two in any frame',
    async () => {
      const frames = await videoFrames(
        join(ASSETS, 'people.mp4'),
        counted.frames.map(({ frame }) => frame),
      );
      const errors: number[] = [];
      for (const { frame, people } of counted.frames) {
        const picture = dataUrl(frames.get(frame) ?? Buffer.of(), 'image/jpeg');
        const content = await answerTo({
          ...asking('How many people are in the picture? Return json {"num": 3}.', picture),
          response_format: jsonOf({ num: { type: 'integer' } }),
        });
        const { num } = JSON.parse(content) as { num: number };
        errors.push(Math.abs(num - people));
      }
      expect(errors).toHaveLength(6);
      expect(Math.max(...errors)).toBeLessThanOrEqual(2);
      expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThanOrEqual(1);
    },
    FIRST_LOOK_LIMIT_MS,
  );

  it(
    "reads the architecture diagram's words",
    async () => {
      const content = await answerTo(asking('Read the text.', dataUrl(diagram)));
      const parts = ['Camera', 'Device agent', 'IoT Hub', 'Blob Storage', 'Cloud API', 'AI Services', 'Swagger UI'];
      expect(parts.filter((part) => !content.includes(part))).toEqual([]);
    },
    FIRST_LOOK_LIMIT_MS,
  );

  it('names the colours', async () => {
    const content = await answerTo(asking('What colour is it?', dataUrl(await blank.clone().png().toBuffer())));
    expect(content).toContain('blue #1e3cc8 (100%)');
  });

  it('lists everything for an open question and says how to have a real explanation', async () => {
    const { choices, ...completion } = await openai.chat.completions.create(
      asking('Please explain the attached image.', dataUrl(diagram)),
    );
    expect(completion).toMatchObject({ object: 'chat.completion', model: MODEL });
    expect(completion.id).toMatch(/^chatcmpl-/);
    expect(Math.abs(completion.created - Date.now() / 1000)).toBeLessThan(60);
    expect(completion.usage?.prompt_tokens).toBe(5);
    const content = choices[0]?.message.content ?? '';
    expect(content.startsWith(PREFIX)).toBe(true);
    for (const part of ['1600 x 940', 'Cloud API', 'Main colours', 'AI_SERVICES_ENDPOINT']) {
      expect(content).toContain(part);
    }
    expect(choices[0]?.finish_reason).toBe('stop');
  });

  it.each(['jpeg', 'webp', 'gif'] as const)('looks at a %s', async (format) => {
    const bytes = await blank.clone().toFormat(format).toBuffer();
    await expect(answerTo(asking('Colours?', dataUrl(bytes, `image/${format}`)))).resolves.toContain('blue');
  });

  it('looks at the picture of an earlier message when the last one has none', async () => {
    const { messages } = asking('Look at this.', dataUrl(await blank.clone().png().toBuffer()));
    const request = { ...asking('And its colour?'), messages: [...messages, ...asking('And its colour?').messages] };
    await expect(answerTo(request)).resolves.toContain('blue');
  });

  it('fills a schema that asks for several parts', async () => {
    const strings = { type: 'array', items: { type: 'string' } };
    const response_format = jsonOf({ people: { type: 'integer' }, labels: strings, text: { type: 'string' } });
    const content = await answerTo({ ...asking('Fill it in.', dataUrl(diagram)), response_format });
    expect(JSON.parse(content)).toEqual({ people: 0, labels: [], text: expect.stringContaining('IoT Hub') });
  });

  it('answers as the prompt shows it, without a schema', async () => {
    const { messages } = asking('Look at this.', dataUrl(diagram));
    const request: typeof messages = [
      { role: 'system', content: 'Count the crowd. Return json {"num": 3}' },
      ...messages,
    ];
    await expect(answerTo({ model: MODEL, messages: request })).resolves.toBe('{"num":0}');
  });

  it('says without a picture that it cannot talk', async () => {
    const content = await answerTo(asking('Who are you?'));
    expect(content).toMatch(/^\[local detector, not a language model\] There is no picture/);
  });

  it('cuts an answer at the length asked for, and says so', async () => {
    const { choices, usage } = await openai.chat.completions.create({ ...asking('Hello'), max_completion_tokens: 8 });
    expect(choices[0]).toMatchObject({ finish_reason: 'length', message: { content: `${PREFIX} There is` } });
    expect(usage).toEqual({ prompt_tokens: 1, completion_tokens: 8, total_tokens: 9 });
  });
});

describe('streaming', () => {
  it('sends the same answer in chunks, then the usage that was asked for', async () => {
    const request = asking('Read the text.', dataUrl(diagram));
    const stream = await openai.chat.completions.create({
      ...request,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    const choices = chunks.flatMap((chunk) => chunk.choices);
    expect(choices.map(({ delta }) => delta.content ?? '').join('')).toBe(await answerTo(request));
    expect(choices[0]?.delta.role).toBe('assistant');
    expect(choices.at(-1)?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { prompt_tokens: 3 } });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('ends the stream with [DONE]', async () => {
    const response = await post({ ...asking('Hello'), stream: true });
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    const body = await response.text();
    expect(body.endsWith('data: [DONE]\n\n')).toBe(true);
    expect(body).not.toContain('"usage"');
  });

  it('refuses before it streams', async () => {
    const refusal = await refusalOf({ ...asking('x', 'https://example.com/a.png'), stream: true });
    expect(refusal).toMatchObject({ status: 400, code: 'image_url_not_supported' });
  });
});

describe('models', () => {
  it('lists the one model', async () => {
    const { data } = await openai.models.list();
    expect(data.map(({ id }) => id)).toEqual([MODEL]);
    await expect(openai.models.retrieve(MODEL)).resolves.toMatchObject({ id: MODEL, object: 'model' });
  });
});

describe('refusals', () => {
  it.each([
    ['another model', { model: 'gpt-4o' }, { status: 404, code: 'model_not_found', param: 'model' }],
    ['no messages', { messages: [] }, { status: 400, code: 'invalid_value', param: 'messages' }],
    ['an unknown role', { messages: [{ role: 'x', content: '' }] }, { status: 400, param: 'messages[0].role' }],
    ['several answers', { n: 2 }, { status: 400, param: 'n' }],
    ['tools', { tools: [{ type: 'function' }] }, { status: 400, param: 'tools' }],
    ['free JSON', { response_format: { type: 'json_object' } }, { status: 400, param: 'response_format.type' }],
    [
      'a schema without a picture',
      { response_format: jsonOf({ num: { type: 'integer' } }) },
      { code: 'image_required' },
    ],
    [
      'a schema that no detector can fill',
      { response_format: jsonOf({ mood: { type: 'string' } }) },
      { status: 400, code: 'unsupported_json_schema', message: expect.stringContaining('"mood"') },
    ],
  ])('refuses %s', async (_, change, expected) => {
    expect(await refusalOf({ ...asking('Hello'), ...change })).toMatchObject(expected);
  });

  it('names the message part at fault', async () => {
    const refusal = await refusalOf(asking('x', 'http://169.254.169.254/latest'));
    expect(refusal).toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      code: 'image_url_not_supported',
      param: 'messages[0].content[1].image_url.url',
    });
  });

  it('refuses a decompression bomb without decoding it', async () => {
    const bomb = Buffer.from(await blank.clone().png().toBuffer());
    bomb.writeUInt32BE(60_000, 16);
    bomb.writeUInt32BE(60_000, 20);
    expect(await refusalOf(asking('x', dataUrl(bomb)))).toMatchObject({ status: 400, code: 'image_too_large' });
  });

  it('refuses a lie about the type', async () => {
    const refusal = await refusalOf(asking('x', dataUrl(diagram, 'image/jpeg')));
    expect(refusal).toMatchObject({ status: 400, code: 'image_type_mismatch' });
  });

  it('refuses a damaged picture and goes on', async () => {
    const damaged = dataUrl(diagram.subarray(0, diagram.length / 2));
    expect(await refusalOf(asking('colours', damaged))).toMatchObject({ status: 400, code: 'invalid_image' });
    await expect(answerTo(asking('colours', dataUrl(diagram)))).resolves.toContain('white');
  });

  it.each([
    ['what is not JSON', 400, 'invalid_json', { body: '{' }],
    ['a JSON value that is no object', 400, 'invalid_value', { body: '[]' }],
    ['another content type', 415, 'unsupported_media_type', { headers: { 'content-type': 'text/plain' } }],
    ['a web page', 403, 'origin_not_allowed', { headers: { origin: 'http://evil.example' } }],
    ['a body beyond the limit', 413, 'request_too_large', { body: JSON.stringify('x'.repeat(15 * 1024 * 1024)) }],
    ['an unknown URL', 404, 'unknown_url', { path: '/v1/embeddings' }],
  ])('refuses %s', async (_, status, code, change) => {
    const response = await post('{}', change);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { code, message: expect.any(String) } });
  });

  it('refuses a body that turns out to be beyond the limit', async () => {
    const chunks = Array.from({ length: 16 }, () => Buffer.alloc(1024 * 1024, 'x'));
    const response = await fetch(`${vision.url}/v1/chat/completions`, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json' } },
      ...{ body: ReadableStream.from(chunks), duplex: 'half' },
    });
    expect(response.status).toBe(413);
    expect(await response.json()).toMatchObject({ error: { code: 'request_too_large' } });
  });

  it('answers the next request on the connection of a refused body', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ask = async (method: string, path: string, body?: Buffer): Promise<number | undefined> => {
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      const asked = request(`${vision.url}${path}`, { agent, method, ...(body && { headers }) });
      asked.end(body);
      const [answer] = (await once(asked, 'response')) as [IncomingMessage];
      answer.resume();
      await once(answer, 'end');
      return answer.statusCode;
    };
    try {
      expect(await ask('POST', '/v1/chat/completions', Buffer.alloc(15 * 1024 * 1024, 'x'))).toBe(413);
      expect(await ask('GET', '/health')).toBe(200);
    } finally {
      agent.destroy();
    }
  });
});

describe('load', () => {
  it('refuses with 429 and Retry-After what the queue cannot hold, and answers the rest', async () => {
    const small = await startLocalVision({ queueLimit: 1 });
    try {
      const client = clientOf(small);
      const results = await Promise.allSettled(
        Array.from({ length: 6 }, () => client.chat.completions.create(asking('Read it', dataUrl(diagram)))),
      );
      const refused = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as APIError] : []));
      expect(refused).toHaveLength(4);
      for (const { status, type, headers } of refused) {
        expect({ status, type }).toEqual({ status: 429, type: 'rate_limit_error' });
        expect(Number(headers?.get('retry-after'))).toBeGreaterThanOrEqual(1);
      }
    } finally {
      await small.close();
    }
  }, 60_000);

  it('drops the work of a client that has gone', async () => {
    const clients = Array.from({ length: 4 }, () => new AbortController());
    const answers = clients.map(({ signal }) =>
      openai.chat.completions.create(asking('Read it', dataUrl(diagram)), { signal }).catch((error: unknown) => error),
    );
    await until(async () => (await queueLength()) === 4, 'four pictures in work or waiting');
    for (const client of clients) client.abort();
    for (const answer of answers) expect(await answer).toBeInstanceOf(OpenAI.APIUserAbortError);
    await until(async () => (await queueLength()) === 0, 'an empty queue');
    await expect(answerTo(asking('colours', dataUrl(diagram)))).resolves.toContain('white');
  });

  async function queueLength(): Promise<number> {
    const health = (await (await fetch(`${vision.url}/health`)).json()) as { queue: { length: number } };
    return health.queue.length;
  }
});

describe(VisionEngine.name, () => {
  it('fails the look of a thread that dies, and looks again with a new one', async () => {
    const engine = new VisionEngine();
    const { signal } = new AbortController();
    const text = { objects: false, text: true, colours: false };
    const look = engine.look(diagram, text, signal);
    await Promise.all([expect(look).rejects.toThrow('The vision thread ended.'), engine.close()]);
    const { height } = await engine.look(diagram, { ...text, text: false, colours: true }, signal);
    expect(height).toBe(940);
    await engine.close();
  });
});

describe('the process', () => {
  const run = (port: number) =>
    spawn(process.execPath, [join(ROOT, 'dist/apps/local-vision/src/main.js')], {
      env: { ...process.env, LOCAL_VISION_PORT: String(port), LOCAL_VISION_LOG_LEVEL: 'silent' },
    });

  it('says in one line where it listens, and stops when asked', async () => {
    const child = run(0);
    const exit = once(child, 'exit');
    const [line] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
    const { ready, url } = JSON.parse(line) as { ready: string; url: string };
    expect(ready).toBe('local-vision');
    await expect((await fetch(`${url}/health`)).json()).resolves.toMatchObject({ status: 'ok' });
    child.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
  });

  it('names a busy port and its setting', async () => {
    const busy = createServer().listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const { port } = busy.address() as AddressInfo;
    const child = run(port);
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
    expect(code).toBe(1);
    expect(stderr.trim()).toBe(`Port ${port} on 127.0.0.1 is busy. Set LOCAL_VISION_PORT to a free port.`);
    busy.close();
  });
});

interface Post {
  readonly path?: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

function post(value: unknown, { path = '/v1/chat/completions', body, headers }: Post = {}): Promise<Response> {
  return fetch(vision.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body ?? JSON.stringify(value),
  });
}
