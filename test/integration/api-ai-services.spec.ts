import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { BlobStorage, createBlobContainer } from '#libs/blob-storage';
import { trustCertificateAuthority } from '#libs/runtime';
import sharp from 'sharp';
import { type LocalVision, startLocalVision } from '../../apps/local-vision/src/index.js';
import { type RunningApi, startApi } from '../support/api.js';
import { startAzurite } from '../support/azurite.js';
import { type ChatServer, piece, refuse, startChatServer } from '../support/chat-server.js';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';
import { until } from '../support/until.js';

const ASSETS = join(__dirname, '../../docs/assets');
const MAX_IMAGE_BYTES = 1024 * 1024;
const FIRST_LOOK_LIMIT_MS = 60_000;
const NUMBER_SCHEMA = {
  type: 'object',
  properties: { num: { type: 'integer' } },
  required: ['num'],
  additionalProperties: false,
};

let certificate: CertificateFiles;
let azurite: Awaited<ReturnType<typeof startAzurite>>;
let storage: BlobStorage;
let server: ChatServer;
let api: RunningApi;
let png: Buffer;

beforeAll(async () => {
  certificate = await selfSignedCertificate();
  trustCertificateAuthority(certificate.certFile);
  azurite = await startAzurite(certificate);
  await createBlobContainer(azurite.connectionString, 'dev');
  const credentials = { kind: 'connection-string', connectionString: azurite.connectionString } as const;
  storage = new BlobStorage({ containerName: 'dev', credentials });
  server = await startChatServer();
  api = await startWith({ AI_SERVICES_ENDPOINT: `${server.url}/v1`, AI_SERVICES_API_KEY: 'the-key' });
  png = await sharp({ create: { width: 40, height: 20, channels: 3, background: 'red' } })
    .png()
    .toBuffer();
  await put('device001/front.png', png);
}, 60_000);

afterAll(async () => {
  await api.close();
  await server.close();
  await azurite.close();
  certificate.remove();
});

beforeEach(() => {
  server.seen.length = 0;
  server.answers.length = 0;
});

function startWith(settings: Record<string, string>): Promise<RunningApi> {
  return startApi({
    BLOB_STORAGE_CONNECTION_STRING: azurite.connectionString,
    AI_SERVICES_MODEL_GPT: 'model-1',
    AI_SERVICES_MAX_IMAGE_BYTES: String(MAX_IMAGE_BYTES),
    AI_SERVICES_TIMEOUT_SECONDS: '20',
    ...settings,
  });
}

function put(name: string, bytes: Buffer, contentType = 'image/png') {
  return storage.upload(name, Readable.from([bytes]), { contentType });
}

function post(path: string, body: object, { url } = api, init: RequestInit = {}): Promise<Response> {
  const headers = { 'content-type': 'application/json' };
  return fetch(`${url}/ai_services/${path}`, { method: 'POST', headers, body: JSON.stringify(body), ...init });
}

function postForm(fields: Record<string, string>, picture?: Buffer, { url } = api): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  if (picture) form.set('file', new Blob([Uint8Array.from(picture)], { type: 'image/jpeg' }), 'picture.jpg');
  return fetch(`${url}/ai_services/chat/completions_with_image`, { method: 'POST', body: form });
}

interface Answer {
  status: number;
  // What the API answers is looked at field by field.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  body: any;
}

async function answerOf(response: Response | Promise<Response>): Promise<Answer> {
  const { status } = await response;
  return { status, body: await (await response).json() };
}

async function codeOf(response: Promise<Response>): Promise<[number, string]> {
  const { status, body } = await answerOf(response);
  return [status, body.code];
}

/** The picture in a request to the model, as it was sent. */
function pictureIn(body: Record<string, unknown>): { contentType: string; bytes: Buffer } {
  const [, user] = body.messages as [unknown, { content: { type: string; image_url?: { url: string } }[] }];
  expect(user.content.map(({ type }) => type)).toEqual(['image_url', 'text']);
  const [, contentType = '', data = ''] =
    /^data:([^;]+);base64,(.+)$/.exec(user.content[0]?.image_url?.url ?? '') ?? [];
  return { contentType, bytes: Buffer.from(data, 'base64') };
}

describe('POST /ai_services/chat/completions', () => {
  it('asks with both prompts, and gives the whole completion', async () => {
    const { status, body } = await answerOf(post('chat/completions', { prompt: 'Hi', system_prompt: 'Be brief.' }));
    expect(status).toBe(200);
    expect(body).toMatchObject({ object: 'chat.completion', extra_of_server: 1, usage: { total_tokens: 2 } });
    expect(body.choices[0].message.content).toBe('hello');
    expect(server.seen[0]).toMatchObject({ url: '/v1/chat/completions', headers: { authorization: 'Bearer the-key' } });
    expect(server.seen[0]?.body).toEqual({
      model: 'model-1',
      stream: false,
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
      ],
    });
  });

  it('has a system prompt of its own', async () => {
    await post('chat/completions', { prompt: 'Hi' });
    expect(server.seen[0]?.body).toMatchObject({ messages: [{ content: 'You are a helpful assistant.' }, {}] });
  });

  it('streams the answer as it comes', async () => {
    let goOn = (): void => undefined;
    server.answers.push((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('hel'));
      goOn = () => response.end(`${piece('lo')}data: [DONE]\n\n`);
    });
    const response = await post('chat/completions', { prompt: 'Hi', stream: true });
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    // The first piece is here although the server has not said the second.
    const first = Buffer.from((await reader.read()).value ?? []).toString();
    expect(JSON.parse(first.replace('data: ', ''))).toMatchObject({ choices: [{ delta: { content: 'hel' } }] });
    goOn();
    let rest = '';
    for (let next = await reader.read(); !next.done; next = await reader.read())
      rest += Buffer.from(next.value).toString();
    expect(rest).toMatch(/"lo".*\n\ndata: \[DONE\]\n\n$/s);
  });

  it('ends a stream that breaks with an event that says so', async () => {
    server.answers.push((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('hel'), () => response.destroy());
    });
    const text = await (await post('chat/completions', { prompt: 'Hi', stream: true })).text();
    expect(text).toMatch(
      /^data: .*\n\nevent: error\ndata: \{"error":\{"code":"AI\.UNAVAILABLE".*"hint":".*"request_id":"/s,
    );
    expect(text).not.toContain('[DONE]');
  });

  it.each([false, true])('hangs up on the server when the client leaves (stream %s)', async (stream) => {
    server.answers.push((response) => {
      if (!stream) return;
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(piece('hel'));
    });
    const leave = new AbortController();
    const answer = post('chat/completions', { prompt: 'Hi', stream }, api, { signal: leave.signal }).then((r) =>
      r.text(),
    );
    await until(() => server.seen.length === 1, 'the server is asked');
    leave.abort();
    await expect(answer).rejects.toThrow();
    await until(() => server.seen[0]?.aborted, 'the server sees the connection end');
  });

  it.each([
    [401, 502, 'AI.UNAUTHORIZED', 1],
    [403, 502, 'AI.UNAUTHORIZED', 1],
    [404, 502, 'AI.MODEL_NOT_FOUND', 1],
    [400, 422, 'AI.BAD_REQUEST', 1],
    [500, 502, 'AI.FAILED', 3],
    [503, 502, 'AI.UNAVAILABLE', 3],
  ])('tells a refusal with %d as %d %s, after %d tries', async (theirs, ours, code, tries) => {
    for (const stream of [false, true]) {
      server.seen.length = 0;
      server.answers.push(...Array.from({ length: tries }, () => refuse(theirs)));
      expect(await codeOf(post('chat/completions', { prompt: 'Hi', stream }))).toEqual([ours, code]);
      expect(server.seen).toHaveLength(tries);
    }
  });

  it('passes on how long to wait, and does not wait itself', async () => {
    server.answers.push(refuse(429, { 'retry-after': '30' }));
    const response = await post('chat/completions', { prompt: 'Hi' });
    expect(response.headers.get('retry-after')).toBe('30');
    expect(await codeOf(Promise.resolve(response))).toEqual([429, 'AI.RATE_LIMITED']);
    expect(server.seen).toHaveLength(1);
  });

  it('tries again when a busy server frees up', async () => {
    server.answers.push(refuse(429, { 'retry-after': '0' }));
    expect((await post('chat/completions', { prompt: 'Hi' })).status).toBe(200);
    expect(server.seen).toHaveLength(2);
  });

  it('gives up after its time', async () => {
    const hasty = await startWith({ AI_SERVICES_ENDPOINT: `${server.url}/v1`, AI_SERVICES_TIMEOUT_SECONDS: '1' });
    try {
      for (const stream of [false, true]) {
        server.answers.push(() => undefined);
        expect(await codeOf(post('chat/completions', { prompt: 'Hi', stream }, hasty))).toEqual([504, 'AI.TIMEOUT']);
      }
    } finally {
      await hasty.close();
    }
  });

  it.each([
    [{ AI_SERVICES_ENDPOINT: 'http://127.0.0.1:9/v1' }, 502, 'AI.UNAVAILABLE'],
    [{}, 503, 'AI.NOT_CONFIGURED'],
  ])('says what is wrong with the settings %j', async (settings, status, code) => {
    const broken = await startWith(settings);
    try {
      expect(await codeOf(post('chat/completions', { prompt: 'Hi' }, broken))).toEqual([status, code]);
    } finally {
      await broken.close();
    }
  });

  it.each([{}, { prompt: '' }, { prompt: 1 }, { prompt: 'x', stream: 'yes' }, { prompt: 'x', unknown: 1 }])(
    'refuses %j',
    async (body) => {
      expect(await codeOf(post('chat/completions', body))).toEqual([400, 'REQUEST.INVALID']);
      expect(server.seen).toHaveLength(0);
    },
  );

  it("speaks Azure OpenAI's classic API when an API version is set", async () => {
    const azure = await startWith({
      AI_SERVICES_ENDPOINT: `${server.url}/`,
      AI_SERVICES_API_KEY: 'azure-key',
      AI_SERVICES_API_VERSION: '2024-10-01-preview',
    });
    try {
      expect((await post('chat/completions', { prompt: 'Hi' }, azure)).status).toBe(200);
      expect(server.seen[0]).toMatchObject({
        url: '/openai/deployments/model-1/chat/completions?api-version=2024-10-01-preview',
        headers: { 'api-key': 'azure-key' },
      });
    } finally {
      await azure.close();
    }
  });
});

describe('POST /ai_services/chat/completions_with_image', () => {
  it('shows the picture under its real type, whatever the form says', async () => {
    expect((await postForm({ prompt: 'What is it?' }, png)).status).toBe(200);
    const { contentType, bytes } = pictureIn(server.seen[0]?.body ?? {});
    expect(contentType).toBe('image/png');
    expect(bytes.equals(png)).toBe(true);
  });

  it('scales down what is larger than models see, and converts what they do not read', async () => {
    const large = await sharp({ create: { width: 3000, height: 1500, channels: 3, background: 'blue' } })
      .jpeg()
      .toBuffer();
    const tiff = await sharp(png).tiff().toBuffer();
    await postForm({ prompt: 'x' }, large);
    await postForm({ prompt: 'x' }, tiff);
    const shown = server.seen.map(({ body }) => pictureIn(body));
    expect(shown.map(({ contentType }) => contentType)).toEqual(['image/jpeg', 'image/jpeg']);
    expect(await sharp(shown[0]?.bytes).metadata()).toMatchObject({ width: 1024, height: 512 });
    expect(await sharp(shown[1]?.bytes).metadata()).toMatchObject({ width: 40, height: 20 });
  });

  it('asks for an answer by a JSON schema', async () => {
    const fields = { prompt: 'Count', system_prompt: 'Count well.', json_schema: JSON.stringify(NUMBER_SCHEMA) };
    expect((await postForm(fields, png)).status).toBe(200);
    expect(server.seen[0]?.body).toMatchObject({
      messages: [{ content: 'Count well.' }, {}],
      response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: NUMBER_SCHEMA } },
    });
  });

  it('refuses what it cannot show', async () => {
    const bomb = await sharp({ create: { width: 7000, height: 7000, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    expect(await codeOf(postForm({ prompt: 'x' }))).toEqual([400, 'AI.FILE_MISSING']);
    expect(await codeOf(postForm({}, png))).toEqual([400, 'REQUEST.INVALID']);
    expect(await codeOf(postForm({ prompt: 'x', json_schema: '{' }, png))).toEqual([400, 'REQUEST.INVALID']);
    expect(await codeOf(postForm({ prompt: 'x' }, Buffer.from('no picture')))).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await codeOf(postForm({ prompt: 'x' }, png.subarray(0, 60)))).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await codeOf(postForm({ prompt: 'x' }, bomb))).toEqual([413, 'IMAGE.TOO_LARGE']);
    expect(await codeOf(postForm({ prompt: 'x' }, Buffer.alloc(MAX_IMAGE_BYTES + 1)))).toEqual([
      413,
      'REQUEST.TOO_LARGE',
    ]);
    expect(server.seen).toHaveLength(0);
  });
});

describe('POST /ai_services/explain_image', () => {
  it('explains a stored picture', async () => {
    const { status, body } = await answerOf(post('explain_image', { blob_name: 'device001/front.png' }));
    expect(status).toBe(200);
    expect(body).toMatchObject({
      blob_name: 'device001/front.png',
      response: 'hello',
      completion: { object: 'chat.completion' },
    });
    const asked = server.seen[0]?.body ?? {};
    expect(pictureIn(asked).bytes.equals(png)).toBe(true);
    expect(JSON.stringify(asked)).toContain('Please explain the attached image.');
  });

  it('refuses what is not stored, no picture or too large', async () => {
    await put('device001/notes.txt', Buffer.from('hello'));
    await put('device001/huge.png', Buffer.alloc(MAX_IMAGE_BYTES + 1));
    const explain = (blob_name?: string) => codeOf(post('explain_image', { blob_name }));
    expect(await explain('device001/missing.png')).toEqual([404, 'BLOB.NOT_FOUND']);
    expect(await explain('../x')).toEqual([400, 'BLOB.NAME_INVALID']);
    expect(await explain()).toEqual([400, 'REQUEST.INVALID']);
    expect(await explain('device001/notes.txt')).toEqual([415, 'IMAGE.NOT_AN_IMAGE']);
    expect(await explain('device001/huge.png')).toEqual([413, 'BLOB.TOO_LARGE']);
    expect(server.seen).toHaveLength(0);
  });
});

describe('with the local detector', () => {
  let vision: LocalVision;
  let local: RunningApi;

  beforeAll(async () => {
    vision = await startLocalVision();
    local = await startWith({
      AI_SERVICES_ENDPOINT: `${vision.url}/v1`,
      AI_SERVICES_MODEL_GPT: 'local-detector',
      AI_SERVICES_MAX_IMAGE_BYTES: String(20 * MAX_IMAGE_BYTES),
      AI_SERVICES_TIMEOUT_SECONDS: '60',
    });
  });

  afterAll(async () => {
    await local.close();
    await vision.close();
  });

  it(
    'reads the words of a stored picture, and counts by a schema',
    async () => {
      await put('docs/architecture.png', readFileSync(join(ASSETS, '1_architecture.png')));
      const prompt = 'Read the text in the image.';
      const explained = await answerOf(post('explain_image', { blob_name: 'docs/architecture.png', prompt }, local));
      expect(explained.status).toBe(200);
      expect(explained.body.response).toMatch(/IoT Hub/i);

      const count = {
        blob_name: 'device001/front.png',
        prompt: 'How many people are there?',
        json_schema: NUMBER_SCHEMA,
      };
      const counted = await answerOf(post('explain_image', count, local));
      expect(JSON.parse(counted.body.response)).toEqual({ num: 0 });

      const streamed = await (await post('chat/completions', { prompt: 'Hi', stream: true }, local)).text();
      expect(streamed).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s);
    },
    FIRST_LOOK_LIMIT_MS,
  );
});
