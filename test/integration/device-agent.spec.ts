import { readFile } from 'node:fs/promises';
import { ContainerClient } from '@azure/storage-blob';
import { pino } from 'pino';
import { createBlobContainer } from '#libs/blob-storage';
import { captureImageFromCamera, captureImageFromFile, type CaptureReply } from '#libs/contracts';
import { trustCertificateAuthority } from '#libs/runtime';
import { AGENT_VERSION } from '../../apps/device-agent/src/agent-version.js';
import { type DeviceAgent, startDeviceAgent } from '../../apps/device-agent/src/device-agent.js';
import { loadDeviceAgentSettings } from '../../apps/device-agent/src/device-agent.config.js';
import { startAzurite } from '../support/azurite.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { selfSignedCertificate } from '../support/self-signed-certificate.js';
import { until } from '../support/until.js';

const DEVICE = 'device001';
const CONTAINER = 'dev';
const PICTURE = './docs/assets/1_architecture.png';
const VIDEO = './docs/assets/people.mp4';
const JPEG_SIGNATURE = Buffer.from('ffd8ff', 'hex');

interface Answer {
  status: number;
  payload: CaptureReply & { code: string; hint: string; problems: string[] };
}

/** One hub, one storage and one agent serve all of these tests. */
describe('the device agent', () => {
  let certificate: Awaited<ReturnType<typeof selfSignedCertificate>>;
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let hub: TestIotHub;
  let agent: DeviceAgent;
  let container: ContainerClient;
  const log: Record<string, unknown>[] = [];

  beforeAll(async () => {
    certificate = await selfSignedCertificate();
    trustCertificateAuthority(certificate.certFile);
    azurite = await startAzurite(certificate);
    const { connectionString } = azurite;
    await createBlobContainer(connectionString, CONTAINER);
    container = new ContainerClient(connectionString, CONTAINER);
    hub = await startTestIotHub({ storage: { connectionString, containerName: CONTAINER } });
    trustCertificateAuthority(hub.emulator.tls.caFile);

    const device = await hub.addDevice(DEVICE);
    agent = await startDeviceAgent(
      loadDeviceAgentSettings({
        IOT_HUB_DEVICE_CONNECTION_STRING: device.connectionString,
        CAMERA_0: VIDEO,
        CAMERA_1: 'testsrc=size=320x240:rate=5',
      }),
      pino({ level: 'info' }, { write: (line) => log.push(JSON.parse(line) as Record<string, unknown>) }),
    );
    await agent.connected();
  }, 60_000);

  afterAll(async () => {
    await agent.close();
    await hub.close();
    await azurite.close();
    certificate.remove();
  });

  const invoke = async (methodName: string, payload: unknown): Promise<Answer> => {
    const { result } = await hub.service.invokeDeviceMethod(DEVICE, { methodName, payload });
    return result as Answer;
  };
  const fromFile = (filename: string, blob_name: string): Promise<Answer> =>
    invoke(captureImageFromFile.name, { filename, blob_name });
  const fromCamera = (index: unknown, blob_name: string): Promise<Answer> =>
    invoke(captureImageFromCamera.name, { index, blob_name });
  const stored = async (name: string) => {
    const blob = container.getBlobClient(name);
    const [bytes, { contentType }] = await Promise.all([blob.downloadToBuffer(), blob.getProperties()]);
    return { bytes, contentType };
  };

  it('stores a picture of the wanted type unchanged', async () => {
    const answer = await fromFile(PICTURE, 'diagrams/one two.png');
    const original = await readFile(PICTURE);
    expect(answer).toEqual({
      status: 200,
      payload: {
        blob_name: `${DEVICE}/diagrams/one two.png`,
        size_bytes: original.length,
        content_type: 'image/png',
        width: expect.any(Number),
        height: expect.any(Number),
      },
    });
    const { bytes, contentType } = await stored(`${DEVICE}/diagrams/one two.png`);
    expect(bytes.equals(original)).toBe(true);
    expect(contentType).toBe('image/png');
  });

  it('encodes by the extension of the blob’s name', async () => {
    const { payload } = await fromFile(PICTURE, 'diagram.JPG');
    const { bytes, contentType } = await stored(payload.blob_name);
    expect(bytes.subarray(0, 3)).toEqual(JPEG_SIGNATURE);
    expect([contentType, payload.content_type]).toEqual(['image/jpeg', 'image/jpeg']);
    expect(payload.size_bytes).toBe(bytes.length);
  });

  it('takes the first frame of a video', async () => {
    const { status, payload } = await fromFile(VIDEO, 'first.jpg');
    expect([status, payload.width, payload.height]).toEqual([200, 768, 576]);
  });

  it('takes a camera’s next frame, each time another', async () => {
    const [first, second] = [await fromCamera(0, 'a.jpg'), await fromCamera('0', 'b.jpg')];
    expect([first.status, second.status]).toEqual([200, 200]);
    const [a, b] = await Promise.all([stored(`${DEVICE}/a.jpg`), stored(`${DEVICE}/b.jpg`)]);
    expect(a.bytes.equals(b.bytes)).toBe(false);
  });

  it('takes one picture at a time with a camera', async () => {
    const answers = await Promise.all([fromCamera(1, 'c.jpg'), fromCamera(1, 'd.jpg')]);
    const busy = answers.find(({ status }) => status === 409);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    expect(busy?.payload.code).toBe('CAMERA.BUSY');
  });

  it.each([
    ['an unknown method', 404, 'METHOD.NOT_FOUND', () => invoke('reboot', {})],
    ['a payload without its fields', 400, 'METHOD.PAYLOAD_INVALID', () => invoke(captureImageFromFile.name, {})],
    ['no payload', 400, 'METHOD.PAYLOAD_INVALID', () => invoke(captureImageFromFile.name, undefined)],
    ['another picture type', 400, 'METHOD.PAYLOAD_INVALID', () => fromFile(PICTURE, 'diagram.gif')],
    ['a file outside the media root', 403, 'MEDIA.OUTSIDE_ROOT', () => fromFile('package.json', 'x.png')],
    ['a way up', 403, 'MEDIA.OUTSIDE_ROOT', () => fromFile('docs/assets/../../README.md', 'x.png')],
    ['an absolute name', 403, 'MEDIA.OUTSIDE_ROOT', () => fromFile('/etc/hostname', 'x.png')],
    ['a file that is not there', 404, 'MEDIA.NOT_FOUND', () => fromFile('docs/assets/nothing.png', 'x.png')],
    ['a camera that is not there', 404, 'CAMERA.NOT_FOUND', () => fromCamera(9, 'x.jpg')],
  ])('answers %s with %d', async (_what, status, code, call) => {
    const answer = await call();
    expect({ status: answer.status, code: answer.payload.code }).toEqual({ status, code });
  });

  it('lists every problem of a payload', async () => {
    const { payload } = await invoke(captureImageFromCamera.name, { index: 'one', blob_name: '../a.jpg', zoom: 2 });
    expect(payload.problems.map((problem) => problem.split(' ').slice(0, 2).join(' '))).toEqual(
      expect.arrayContaining(['index must', 'blob_name must', 'property zoom']),
    );
  });

  it('answers 502 when the picture cannot be stored, and tells the hub so', async () => {
    await container.delete();
    try {
      const { status, payload } = await fromCamera(0, 'lost.jpg');
      expect({ status, code: payload.code }).toEqual({ status: 502, code: 'UPLOAD.FAILED' });
    } finally {
      await createBlobContainer(azurite.connectionString, CONTAINER);
    }
    // More uploads than may be open at once: each that failed was closed.
    for (let count = 0; count < 11; count += 1) expect((await fromCamera(0, 'again.jpg')).status).toBe(200);
  }, 60_000);

  it('says in the twin what it is and can do', async () => {
    const reported = await until(async () => {
      const { responseBody: twin } = await hub.registry.getTwin(DEVICE);
      const properties = twin.properties.reported as Record<string, unknown>;
      return properties.cameras ? properties : undefined;
    }, 'the cameras are reported');
    expect(reported).toMatchObject({
      agent_version: AGENT_VERSION,
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      supported_methods: expect.arrayContaining([captureImageFromFile.name, captureImageFromCamera.name]),
    });
    expect((reported.cameras as { index: number }[]).map(({ index }) => index)).toEqual(expect.arrayContaining([0, 1]));
  });

  it('lets the cloud see that a change of the desired properties has arrived', async () => {
    const twin = async () => {
      const { responseBody } = await hub.registry.getTwin(DEVICE);
      return responseBody.properties as { desired: { $version: number }; reported: { desired_version?: number } };
    };
    const before = (await twin()).desired.$version;
    await hub.registry.updateTwin(DEVICE, { properties: { desired: { label: 'north gate' } } }, '*');
    await until(async () => (await twin()).reported.desired_version === before + 1, 'the change is reported as seen');
  });

  it('logs each call once, with the correlation id of the caller', async () => {
    const asked = { correlation_id: 'walk-1', blob_name: 'x.jpg' };
    await invoke(captureImageFromCamera.name, { ...asked, index: 0 });
    await invoke(captureImageFromCamera.name, { ...asked, index: 9 });
    const method = captureImageFromCamera.name;
    expect(log.filter(({ correlation_id }) => correlation_id === 'walk-1')).toMatchObject([
      { level: 30, method, ...asked, took_ms: expect.any(Number) },
      { level: 40, method, ...asked, took_ms: expect.any(Number), code: 'CAMERA.NOT_FOUND' },
    ]);
  });
});
