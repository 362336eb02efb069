import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, chromium, type Page } from 'playwright-core';
import { type RunningApi, startApi } from '../support/api.js';
import { until } from '../support/until.js';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];

/** Pages of another site than the API's, in a real browser: what the API answers to what they do without a key. */
describe('the API, to foreign pages in Chromium', () => {
  let pages: Server;
  let listed: string;
  let unlisted: string;
  let api: RunningApi;
  let browser: Browser;
  let page: Page;
  /** What the API has answered, as `destination status`, by path and query. */
  const answers = new Map<string, string>();

  beforeAll(async () => {
    pages = createServer(({ url = '' }, response) => {
      response.setHeader('content-type', 'text/html').end(decodeURIComponent(url.split('?')[1] ?? ''));
    });
    pages.listen(0, '127.0.0.1');
    await once(pages, 'listening');
    const { port } = pages.address() as AddressInfo;
    listed = `http://localhost:${port}`;
    unlisted = `http://other.localhost:${port}`;
    api = await startApi({ CORS_ORIGINS: listed });
    api.app.getHttpServer().prependListener('request', (request, response) => {
      response.once('finish', () => {
        answers.set(String(request.url), `${String(request.headers['sec-fetch-dest'])} ${response.statusCode}`);
      });
    });
    browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    page = await browser.newPage();
  }, 60_000);

  afterAll(async () => {
    await browser.close();
    await api.close();
    pages.close();
    pages.closeAllConnections();
  });

  beforeEach(() => {
    answers.clear();
  });

  const answerTo = (path: string) => until(() => answers.get(path), `the answer to ${path}`);

  const show = (origin: string, html: string) => page.goto(`${origin}/?${encodeURIComponent(html)}`);

  it.each(['listed', 'unlisted'])('refuses what a page of a %s origin embeds', async (kind) => {
    await show(
      kind === 'listed' ? listed : unlisted,
      `<img src="${api.url}/favicon-32x32.png"><iframe src="${api.url}/?frame"></iframe>`,
    );
    expect(await answerTo('/favicon-32x32.png')).toBe('image 403');
    expect(await answerTo('/?frame')).toBe('iframe 403');
  });

  it('shows pictures to the page of a listed origin alone, which asks for them by CORS', async () => {
    // Once the page has loaded, its pictures have come or failed.
    const widthIn = async (origin: string) => {
      await show(origin, `<img crossorigin src="${api.url}/favicon-32x32.png">`);
      return page.evaluate<number>('document.images[0].naturalWidth');
    };
    expect(await widthIn(listed)).toBe(32);
    expect(await answerTo('/favicon-32x32.png')).toBe('image 200');
    answers.clear();
    expect(await widthIn(unlisted)).toBe(0);
    expect(await answerTo('/favicon-32x32.png')).toBe('image 403');
  });

  it('lets the links and searches of a foreign page lead to Swagger UI, and refuses its forms that write', async () => {
    await show(unlisted, `<a href="${api.url}/">API</a>`);
    await page.click('a');
    await page.waitForSelector('.swagger-ui .opblock');
    expect(answers.get('/')).toBe('document 200');

    await show(unlisted, `<form action="${api.url}/"><button name="q" value="1">Search</button></form>`);
    await page.click('button');
    await page.waitForSelector('.swagger-ui .opblock');
    expect(answers.get('/?q=1')).toBe('document 200');

    await show(unlisted, `<form method="post" action="${api.url}/iot_hub/devices"><button>Write</button></form>`);
    await page.click('button');
    expect(await answerTo('/iot_hub/devices')).toBe('document 403');
  });
});
