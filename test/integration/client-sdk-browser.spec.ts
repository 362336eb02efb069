import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { piece } from '../support/chat-server.js';
import { API_KEY, DEVICE, type SdkWorld, startSdkWorld } from '../support/sdk-world.js';
import { until } from '../support/until.js';

const SDK = readFileSync(join(__dirname, '../../client-sdk/dist/index.mjs'));
const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

/** One grey pixel. */
const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==';

const HTML = `<!doctype html><script type="module">
  import * as sdk from '/sdk.mjs';
  Object.assign(globalThis, { sdk });
</script>`;

type Sdk = typeof import('#client-sdk');

/** What the page keeps for the tests. */
interface PageWindow {
  sdk: Sdk;
  client: ReturnType<Sdk['createClient']>;
}

/** The SDK in a web page of another origin than the API's. */
describe('the client SDK in Chromium', () => {
  let pages: Server;
  let world: SdkWorld;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    pages = createServer((request, response) => {
      const isSdk = request.url === '/sdk.mjs';
      response.setHeader('content-type', isSdk ? 'text/javascript' : 'text/html');
      response.end(isSdk ? SDK : HTML);
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    [world, browser] = await Promise.all([
      startSdkWorld({ CORS_ORIGINS: origin }),
      chromium.launch({ executablePath: CHROMIUM, args: FLAGS }),
    ]);
    page = await browser.newPage();
    await page.goto(origin);
    await page.evaluate(
      ({ baseUrl, apiKey }) => {
        const { sdk } = globalThis as unknown as PageWindow;
        Object.assign(globalThis, { client: sdk.createClient({ baseUrl, apiKey }) });
      },
      { baseUrl: world.api.url, apiKey: API_KEY },
    );
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await world.close();
    pages.close();
    pages.closeAllConnections();
  });

  it('calls a device and lists devices', async () => {
    const seen = await page.evaluate(async () => {
      const { client } = globalThis as unknown as PageWindow;
      const { payload } = await client.iotHub.callDirectMethod({ method_name: 'echo', payload: { from: 'a page' } });
      const devices: string[] = [];
      for await (const { device_id } of client.iotHub.listDevices({ limit: 1 })) devices.push(device_id);
      return { payload, devices };
    });
    expect(seen).toEqual({ payload: { echoed: { from: 'a page' } }, devices: [DEVICE] });
  });

  it('changes a twin, and is told why it may not', async () => {
    const seen = await page.evaluate(async () => {
      const { client, sdk } = globalThis as unknown as PageWindow;
      const { tags, etag } = await client.iotHub.updateDeviceTwin({ tags: { page: true } });
      await client.iotHub.updateDeviceTwin({ tags: { page: 2 }, if_match: etag });
      const error: unknown = await client.iotHub
        .updateDeviceTwin({ tags: {}, if_match: etag })
        .catch((e: unknown) => e);
      if (!(error instanceof sdk.SpyglassError)) throw error;
      return { tags, code: error.code, status: error.status, hint: error.hint, requestId: error.requestId };
    });
    expect(seen).toEqual({
      tags: { page: true },
      code: 'DEVICE_TWIN.CHANGED',
      status: 412,
      hint: expect.stringMatching(/.{10}/),
      requestId: expect.stringMatching(/.{10}/),
    });
  });

  it('stores a file, and downloads all, a part, and only what is new', async () => {
    const seen = await page.evaluate(async () => {
      const { blobStorage } = (globalThis as unknown as PageWindow).client;
      const blob_name = 'from a page/grüße.txt';
      const stored = await blobStorage.uploadBlob({ blob_name, file: new File(['0123456789'], 'local.txt') });
      const whole = await blobStorage.getBlob({ blob_name });
      const part = await blobStorage.getBlob({ blob_name, range: { start: 2, end: 4 } });
      const same = await blobStorage.getBlob({ blob_name, if_none_match: stored.etag });
      const head = await blobStorage.headBlob({ blob_name });
      const names: string[] = [];
      for await (const { name } of blobStorage.listBlobs({ prefix: 'from a page/' })) names.push(name);
      const result = {
        stored,
        properties: whole.properties,
        text: await whole.text(),
        part: [part.range, await part.text(), part.properties.size_bytes],
        same: same === undefined,
        head,
        names,
      };
      await blobStorage.deleteBlob({ blob_name });
      return result;
    });
    const name = 'from a page/grüße.txt';
    expect(seen).toMatchObject({
      stored: { name, size_bytes: 10 },
      text: '0123456789',
      part: [{ start: 2, end: 4 }, '234', 10],
      same: true,
      names: [name],
    });
    expect(seen.properties).toEqual({
      name,
      size_bytes: 10,
      content_type: 'application/octet-stream',
      etag: seen.stored.etag,
      last_modified: expect.stringMatching(/^\d{4}-.*Z$/),
    });
    expect(seen.head).toEqual(seen.properties);
  });

  it('shows an answer piece by piece, and hangs up when the page has enough', async () => {
    world.chat.seen.length = 0;
    world.chat.answers.push((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${piece('hel')}${piece('lo')}`);
    });
    const pieces = await page.evaluate(async () => {
      const { aiServices } = (globalThis as unknown as PageWindow).client;
      const heard: unknown[] = [];
      for await (const { choices } of await aiServices.completeChat({ prompt: 'Hi', stream: true })) {
        heard.push(choices[0]?.delta.content);
        if (heard.length === 2) break;
      }
      return heard;
    });
    expect(pieces).toEqual(['hel', 'lo']);
    await until(() => world.chat.seen[0]?.aborted, 'the API hangs up on the model');
  });

  it('sends a picture along with a question', async () => {
    world.chat.seen.length = 0;
    const answer = await page.evaluate(async (picture) => {
      const file = await (await fetch(picture)).blob();
      const { aiServices } = (globalThis as unknown as PageWindow).client;
      return aiServices.completeChatWithImage({ prompt: 'What is it?', file });
    }, PICTURE);
    expect(answer.choices[0]?.message.content).toBe('hello');
    expect(JSON.stringify(world.chat.seen[0]?.body)).toContain('data:image/');
  });

  it('is stopped by its signal, its time, and a page that may not call', async () => {
    const seen = await page.evaluate(async (elsewhere) => {
      const { client, sdk } = globalThis as unknown as PageWindow;
      const nameOf = (call: Promise<unknown>) =>
        call.then(
          () => 'nothing',
          (error: unknown) => (error instanceof sdk.SpyglassError ? error.code : (error as Error).name),
        );
      return [
        await nameOf(client.core.getInfo({ signal: AbortSignal.abort() })),
        await nameOf(client.iotHub.callDirectMethod({ method_name: 'silent' }, { timeoutMs: 50 })),
        await nameOf(sdk.createClient({ baseUrl: elsewhere, retries: 0 }).core.getInfo()),
      ];
    }, 'http://127.0.0.1:9');
    expect(seen).toEqual(['AbortError', 'CLIENT.TIMEOUT', 'CLIENT.CONNECTION_FAILED']);
  });
});
