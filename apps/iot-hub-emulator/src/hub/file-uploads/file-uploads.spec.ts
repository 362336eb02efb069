import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { openUploadStorage } from '../../storage/azure-upload-storage.js';
import { utcText } from '../clock.js';
import { receiveServiceMessage } from '../service-bound/service-messages.js';
import type { BlobFacts } from './upload-storage.js';
import type { DeviceIdentity } from '../access/device-identity.js';
import { HubError } from '../errors/hub-errors.js';
import { createIdentity } from '../registry/identities.js';
import { MAX_OPEN_UPLOADS, notifyFileUpload, openFileUpload, UPLOAD_TTL_MS } from './file-uploads.js';

const ACCOUNT = 'DefaultEndpointsProtocol=https;AccountName=devstoreaccount1;AccountKey=a2V5;';
const azurite = (protocol: string) => `${ACCOUNT}BlobEndpoint=${protocol}://127.0.0.1:10000/devstoreaccount1;`;
const device: DeviceIdentity = {
  deviceId: 'd1',
  generationId: '1',
  authScope: 'device',
  authType: 'sas',
  expiresAtMs: Infinity,
};
const codeOf = (promise: Promise<unknown>): Promise<number> =>
  promise.then(
    () => 0,
    (cause: unknown) => {
      if (cause instanceof HubError) return cause.code;
      throw cause;
    },
  );

describe('file uploads', () => {
  let hub: TestHub;
  let facts: BlobFacts | undefined;
  beforeEach(async () => {
    const connectionString = azurite('https');
    const storage = await openUploadStorage({ connectionString, containerName: 'dev' });
    facts = { sizeBytes: 5, lastUpdatedMs: START_MS - 1000 };
    hub = aHub({ uploadStorage: { ...storage, lookUp: () => Promise.resolve(facts) } });
    await createIdentity(hub, { deviceId: 'd1' });
    await createIdentity(hub, { deviceId: 'd2' });
  });
  afterEach(() => {
    hub.store.close();
  });
  const open = (blobName = 'a.jpg') => openFileUpload(hub, device, { blobName });
  const notification = () => receiveServiceMessage(hub, 'fileNotifications')?.body;

  it('allows one blob to be created and written for one hour, over https alone', async () => {
    const upload = await open('some dir/50%.jpg');
    expect(upload).toMatchObject({
      hostName: '127.0.0.1:10000/devstoreaccount1',
      containerName: 'dev',
      blobName: 'd1/some dir/50%.jpg',
    });
    expect(upload.sasToken).toMatch(/^\?/);
    const token = new URLSearchParams(upload.sasToken);
    expect(token.get('sr')).toBe('b');
    expect(token.get('sp')).toBe('cw');
    expect(token.get('spr')).toBe('https');
    expect(Date.parse(token.get('se') ?? '')).toBe(START_MS + UPLOAD_TTL_MS);
  });

  it('allows http where the storage speaks http', async () => {
    const storage = await openUploadStorage({ connectionString: azurite('http'), containerName: 'dev' });
    const grant = { blobName: 'b', startsAtMs: START_MS, expiresAtMs: START_MS };
    expect(new URLSearchParams(storage.sign(grant)).get('spr')).toBe('https,http');
  });

  it('does not quote a connection string that it cannot use', async () => {
    const unusable = ['nonsense-secret', 'BlobEndpoint=https://a;SharedAccessSignature=secret'];
    for (const connectionString of unusable) {
      const cause: unknown = await openUploadStorage({ connectionString, containerName: 'dev' }).catch(
        (e: unknown) => e,
      );
      expect(cause).toBeInstanceOf(Error);
      expect((cause as Error).message).not.toContain('secret');
    }
  });

  it('tells services of an upload that went well, once', async () => {
    const { correlationId } = await open();
    const body = { isSuccess: true, statusCode: 201, statusDescription: 'Created' };
    await notifyFileUpload(hub, device, body, correlationId);
    expect(notification()).toEqual({
      deviceId: 'd1',
      blobName: 'd1/a.jpg',
      blobUri: 'https://127.0.0.1:10000/devstoreaccount1/dev/d1/a.jpg',
      blobSizeInBytes: 5,
      lastUpdatedTime: utcText(START_MS - 1000),
      enqueuedTimeUtc: utcText(START_MS),
    });
    expect(notification()).toBeUndefined();
    expect(await codeOf(notifyFileUpload(hub, device, body, correlationId))).toBe(400015);
  });

  it('tells of an upload also when storage cannot be asked for its size', async () => {
    facts = undefined;
    const { correlationId } = await open();
    await notifyFileUpload(hub, device, { isSuccess: true }, correlationId);
    expect(notification()).toEqual(expect.not.objectContaining({ blobSizeInBytes: expect.anything() as unknown }));
    expect(notification()).toBeUndefined();
  });

  it('takes the correlation id from the body too, but never another device’s', async () => {
    const { correlationId } = await open();
    const body = { correlationId, isSuccess: false, statusCode: 500, statusDescription: 'no' };
    expect(await codeOf(notifyFileUpload(hub, { ...device, deviceId: 'd2' }, body))).toBe(400015);
    await notifyFileUpload(hub, device, body);
    expect(notification()).toBeUndefined();
  });

  it('refuses the eleventh open upload, until one is finished or has expired', async () => {
    const uploads = await Promise.all(Array.from({ length: MAX_OPEN_UPLOADS }, (_, index) => open(`${index}`)));
    expect(await codeOf(open())).toBe(403006);
    expect(await codeOf(openFileUpload(hub, { ...device, deviceId: 'd2' }, { blobName: 'a' }))).toBe(0);
    await notifyFileUpload(hub, device, { isSuccess: true }, uploads[0]?.correlationId);
    await open();
    expect(await codeOf(open())).toBe(403006);
    hub.clock.advance(UPLOAD_TTL_MS);
    expect(await codeOf(notifyFileUpload(hub, device, { isSuccess: true }, uploads[1]?.correlationId))).toBe(400016);
    await open();
  });

  it('says when no storage is configured', async () => {
    const bare = aHub();
    expect(await codeOf(openFileUpload(bare, device, { blobName: 'a' }))).toBe(400014);
    bare.store.close();
  });

  it.each([
    undefined,
    '',
    5,
    '..',
    '../d2/a.jpg',
    'a/../../d2/a.jpg',
    'a/..',
    './a',
    'a//b',
    '/a',
    'a/',
    'a\\b',
    '..\\a',
    'nul\u0000',
    'line\nbreak',
    'del\u007f',
    'c1\u0090',
    'half \ud800',
    'x'.repeat(1022),
  ])('refuses the blob name %j', async (blobName) => {
    expect(await codeOf(openFileUpload(hub, device, { blobName }))).toBe(400004);
  });

  it.each(['a..b', '...', 'ü/字.png', '%2e%2e/a', 'x'.repeat(1021), "q'()*!~"])(
    'takes the blob name %j',
    async (name) => {
      const { blobName } = await open(name);
      expect(blobName).toBe(`d1/${name}`);
    },
  );
});
