import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { installPackedSdk, outside } from '../support/packed-sdk.js';
import { compileStrictly, FOR_NODE } from '../support/strict-compile.js';

const ROOT = join(__dirname, '../..');
const SDK = join(ROOT, 'client-sdk');
const MAX_BUNDLE_BYTES = 20 * 1024;

const PROGRAM = `
const { version } = await client.core.getInfo();
const devices: string[] = [];
for await (const device of client.iotHub.listDevices({ limit: 2 })) devices.push(device.device_id);
const { status, payload } = await client.iotHub.callDirectMethod<{ blob_name: string }>({ method_name: 'm', payload: [1] });
const error: unknown = await client.iotHub.getDevice({ device_id: 'nobody' }).catch((reason: unknown) => reason);
if (!(error instanceof SpyglassError)) throw error;
const code: string = error.code;
console.log(JSON.stringify({ version, devices, status, blob: payload.blob_name, code, requestId: error.requestId ?? '' }));
`;
const MODULE = `import { createClient, SpyglassError, type SpyglassClient } from '@spyglass-iot/client';
const client: SpyglassClient = createClient({ baseUrl: process.argv[2] ?? '' });
${PROGRAM}
export {};
`;
const COMMON = `import { createClient, SpyglassError } from '@spyglass-iot/client';
async function main(): Promise<void> {
  const client = createClient({ baseUrl: process.argv[2] ?? '' });
${PROGRAM}}
main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
`;
const PAGE = `import { createClient, type Download } from '@spyglass-iot/client';
const { blobStorage, aiServices } = createClient({ baseUrl: location.origin });
export async function show(image: HTMLImageElement): Promise<string> {
  const picture: Download = await blobStorage.getImage({ device_name: 'd', file_name: 'f.jpg', width: 320 });
  image.src = URL.createObjectURL(await picture.blob());
  const newer = await blobStorage.getBlob({ blob_name: 'd/f.jpg', if_none_match: picture.properties.etag ?? '' });
  let text = newer?.properties.name ?? '';
  for await (const { choices } of await aiServices.completeChat({ prompt: 'Hi', stream: true }))
    text += choices[0]?.delta.content ?? '';
  // @ts-expect-error a blob has a name
  await blobStorage.deleteBlob({});
  // @ts-expect-error what a device answers is not known
  (await createClient({ baseUrl: '' }).iotHub.callDirectMethod({ method_name: 'm' })).payload.blob_name;
  return text;
}
`;

/** Answers as the API does, for a program that was made from the package. */
function startStandIn(): Server {
  const answers: Record<string, [number, object]> = {
    'GET /core/info': [200, { version: '1.2.3', node_version: '24' }],
    'GET /iot_hub/devices?limit=2': [200, { items: [{ device_id: 'a' }, { device_id: 'b' }], continuation_token: 't' }],
    'GET /iot_hub/devices?limit=2&continuation_token=t': [
      200,
      { items: [{ device_id: 'c' }], continuation_token: null },
    ],
    'POST /iot_hub/call_direct_method': [200, { status: 200, payload: { blob_name: 'd/f.jpg' } }],
    'GET /iot_hub/devices/nobody': [404, { code: 'DEVICE.NOT_FOUND', hint: 'h', detail: 'd', request_id: 'r' }],
  };
  return createServer((request, response) => {
    const [status, body] = answers[`${request.method ?? ''} ${request.url ?? ''}`] ?? [500, {}];
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
}

describe('the package of the client SDK', () => {
  let project: Awaited<ReturnType<typeof installPackedSdk>>;
  let server: Server;
  let baseUrl: string;

  beforeAll(async () => {
    server = startStandIn();
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    project = await installPackedSdk();
  }, 60_000);

  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await project.remove();
  });

  it('holds what users need and nothing else', () => {
    expect(project.packed.toSorted()).toEqual(
      [
        'CHANGELOG.md',
        'LICENSE',
        'README.md',
        'dist/index.cjs',
        'dist/index.d.cts',
        'dist/index.d.mts',
        'dist/index.mjs',
        'package.json',
      ].toSorted(),
    );
  });

  it('brings no other package', () => {
    const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(
      readFileSync(join(SDK, 'package.json'), 'utf8'),
    ) as Record<string, unknown>;
    expect([dependencies, peerDependencies, optionalDependencies]).toEqual([undefined, undefined, undefined]);
  });

  it('is small', async () => {
    const { outputFiles } = await build({
      entryPoints: [join(SDK, 'dist/index.mjs')],
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
    });
    const bytes = gzipSync(outputFiles[0]?.contents ?? '').length;
    expect(bytes).toBeGreaterThan(1_000);
    expect(bytes).toBeLessThanOrEqual(MAX_BUNDLE_BYTES);
  });

  describe('in an empty project', () => {
    it.each(['node', process.execPath])(
      'type-checks strictly and runs with %s, as ES module and as CommonJS',
      async (node) => {
        await compileStrictly(project.folder, { 'module.mts': MODULE, 'common.cts': COMMON }, FOR_NODE);
        for (const program of ['module.mjs', 'common.cjs']) {
          const said = JSON.parse(await outside(node, [program, baseUrl], project.folder)) as unknown;
          expect(said).toEqual({
            version: '1.2.3',
            devices: ['a', 'b', 'c'],
            status: 200,
            blob: 'd/f.jpg',
            code: 'DEVICE.NOT_FOUND',
            requestId: 'r',
          });
        }
      },
      60_000,
    );

    it('type-checks what the README shows', async () => {
      const readme = await readFile(join(SDK, 'README.md'), 'utf8');
      const blocks = Array.from(readme.matchAll(/```ts\n(.*?)```/gs), ([, code = '']) => code);
      expect(blocks.length).toBeGreaterThanOrEqual(5);
      const ready = `import { createClient } from '@spyglass-iot/client';
const { iotHub, blobStorage, aiServices, telemetry } = createClient({ baseUrl: 'http://127.0.0.1:8000' });\n`;
      const files = blocks.map((code, index) => [`readme-${index}.mts`, index === 0 ? code : ready + code] as const);
      await compileStrictly(project.folder, Object.fromEntries(files), {
        ...FOR_NODE,
        noPropertyAccessFromIndexSignature: false,
        noEmit: true,
      });
    }, 60_000);

    it('type-checks strictly in a web page, the declarations of the package included', async () => {
      await compileStrictly(
        project.folder,
        { 'page.ts': PAGE },
        {
          module: 'esnext',
          moduleResolution: 'bundler',
          lib: ['ES2022', 'DOM', 'DOM.AsyncIterable'],
          types: [],
          noEmit: true,
        },
      );
    }, 60_000);
  });

  it('could be published', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'spyglass-publish-'));
    try {
      await cp(SDK, folder, { recursive: true });
      // No registry is asked: a dry run only looks there whether a later version was published.
      const registry = ['--registry=http://127.0.0.1:9', '--fetch-retries=0'];
      const said = await outside('npm', ['publish', '--dry-run', '--ignore-scripts', '--json', ...registry], folder);
      expect(said).toContain('"@spyglass-iot/client@0.1.0"');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it('says in its changelog what its version brings', async () => {
    const { version } = JSON.parse(await readFile(join(SDK, 'package.json'), 'utf8')) as { version: string };
    expect(await readFile(join(SDK, 'CHANGELOG.md'), 'utf8')).toContain(`## ${version}`);
  });
});
