import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { BlobServiceClient, BlockBlobClient, type ContainerClient } from '@azure/storage-blob';
import type { Message } from 'azure-iot-common';
import type { Client } from 'azure-iot-device';
import { Client as ServiceClient } from 'azure-iothub';
import { ensureTlsFiles } from '../../apps/iot-hub-emulator/src/tls/tls-files.js';
import { startAzurite } from '../support/azurite.js';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';
import { until } from '../support/until.js';

/** What the hub answers, as far as the SDK hands it on. */
interface Upload {
  correlationId: string;
  hostName: string;
  containerName: string;
  blobName: string;
  sasToken: string;
}

/** What services hear of an upload. */
interface FileNotification {
  readonly deviceId: string;
  readonly blobName: string;
  readonly blobUri: string;
}

describe('file uploads, through azure-iot-device-mqtt and Azurite', () => {
  const trusted = getCACertificates('default');
  let dataDirectory: string;
  let azurite: Awaited<ReturnType<typeof startAzurite>>;
  let container: ContainerClient;
  let hub: TestIotHub;
  let service: ServiceClient;
  const notifications: FileNotification[] = [];

  beforeAll(async () => {
    dataDirectory = await mkdtemp(join(tmpdir(), 'iot-hub-files-'));
    const tls = await ensureTlsFiles(join(dataDirectory, 'tls'), []);
    azurite = await startAzurite(tls);
    hub = await startTestIotHub({
      inMemory: false,
      dataDirectory,
      storage: { connectionString: azurite.connectionString, containerName: 'uploads' },
    });
    // The storage client inside the device SDK takes no certificate authority of its own.
    setDefaultCACertificates([...trusted, hub.emulator.caCertificate]);
    container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient('uploads');
    await container.create();
    service = ServiceClient.fromConnectionString(hub.emulator.serviceConnectionString);
    await service.open();
    const { result: receiver } = await service.getFileNotificationReceiver();
    receiver.on('message', (message: Message) => {
      notifications.push(JSON.parse(Buffer.from(message.getData() as Buffer).toString()) as FileNotification);
    });
  }, 60_000);
  afterAll(async () => {
    await service.close();
    setDefaultCACertificates(trusted);
    await hub.close();
    await azurite.close();
    await rm(dataDirectory, { recursive: true, force: true });
  });

  async function aDevice(deviceId: string, on = hub): Promise<Client> {
    const { connectionString } = await on.addDevice(deviceId);
    const device = await on.device(connectionString);
    await device.setOptions({ ca: on.emulator.caCertificate, http: { agent: on.agent } });
    // Only a client that was connected stops its token timer when it is closed.
    await device.open();
    return device;
  }

  const open = async (device: Client, blobName: string): Promise<Upload> =>
    (await device.getBlobSharedAccessSignature(blobName)) as unknown as Upload;
  const urlOf = ({ hostName, containerName, blobName, sasToken }: Upload): string =>
    `https://${hostName}/${containerName}/${blobName.split('/').map(encodeURIComponent).join('/')}${sasToken}`;
  const refusal = (work: Promise<unknown>) =>
    work.then(
      () => Promise.reject(new Error('It was not refused.')),
      (cause: unknown) => cause as Error & { statusCode?: number; responseBody?: string },
    );

  /** As IoT Hub writes it: JSON within JSON. */
  const codeIn = ({ responseBody = '' }: { responseBody?: string }): unknown => {
    const { Message } = JSON.parse(responseBody) as { Message: string };
    return (JSON.parse(Message) as { errorCode: unknown }).errorCode;
  };

  const notificationsOf = (deviceId: string) =>
    notifications.filter((notification) => notification.deviceId === deviceId);

  it.each(['picture.jpg', 'dir/sub dir/50%#1&2?.png', "it's+plus=.bin"])(
    'bring the file %s to its place, and the hub hears of it',
    async (blobName) => {
      const deviceId = `up-${createHash('sha256').update(blobName).digest('hex').slice(0, 8)}`;
      const device = await aDevice(deviceId);
      const content = randomBytes(100_000);
      const upload = await open(device, blobName);
      expect(upload.containerName).toBe('uploads');
      // As it is: clients other than those for Node.js encode it.
      expect(upload.blobName).toBe(`${deviceId}/${blobName}`);
      await new BlockBlobClient(urlOf(upload)).uploadData(content, {
        blobHTTPHeaders: { blobContentType: 'image/jpeg' },
      });
      await device.notifyBlobUploadStatus(upload.correlationId, true, 201, 'done');

      const blob = container.getBlockBlobClient(`${deviceId}/${blobName}`);
      expect((await blob.downloadToBuffer()).equals(content)).toBe(true);
      expect((await blob.getProperties()).contentType).toBe('image/jpeg');
      const [notification] = await until(
        () => notificationsOf(deviceId).length > 0 && notificationsOf(deviceId),
        'the notification',
      );
      const { lastModified } = await blob.getProperties();
      expect(notification).toEqual({
        deviceId,
        blobName: `${deviceId}/${blobName}`,
        blobUri: expect.any(String) as string,
        blobSizeInBytes: content.length,
        lastUpdatedTime: lastModified?.toISOString(),
        enqueuedTimeUtc: expect.any(String) as string,
      });
      // Two spellings of one URL: the storage client also encodes an apostrophe.
      expect(decodeURIComponent(notification?.blobUri ?? '')).toBe(decodeURIComponent(blob.url));
    },
  );

  it('work through the SDK’s own uploadToBlob', async () => {
    const device = await aDevice('whole');
    const content = randomBytes(300_000);
    await device.uploadToBlob('a/b c.bin', Readable.from([content]), content.length);
    const blob = container.getBlockBlobClient('whole/a/b c.bin');
    expect((await blob.downloadToBuffer()).equals(content)).toBe(true);
    await until(() => notificationsOf('whole').length > 0, 'the notification');
    expect(notificationsOf('whole')).toEqual([expect.objectContaining({ blobName: 'whole/a/b c.bin' })]);
  });

  it('log a failure that the device tells of, and notify nobody', async () => {
    const device = await aDevice('failing');
    const { correlationId } = await open(device, 'x.jpg');
    await device.notifyBlobUploadStatus(correlationId, false, 500, 'no space');
    expect(hub.log).toContainEqual(
      expect.objectContaining({ correlationId, isSuccess: false, statusCode: 500, statusDescription: 'no space' }),
    );
    // A later one comes, and none came before it.
    const later = await open(device, 'y.jpg');
    await device.notifyBlobUploadStatus(later.correlationId, true, 200, '');
    await until(() => notificationsOf('failing').length > 0, 'the notification');
    expect(notificationsOf('failing')).toEqual([expect.objectContaining({ blobName: 'failing/y.jpg' })]);
  });

  it('let the device write that one blob and nothing else', async () => {
    const device = await aDevice('curious');
    const upload = await open(device, 'mine.txt');
    const mine = new BlockBlobClient(urlOf(upload));
    await mine.upload('x', 1);
    const attempts: [string, () => Promise<unknown>][] = [
      ['read', () => mine.downloadToBuffer()],
      ['delete', () => mine.delete()],
      ['another blob', () => new BlockBlobClient(urlOf({ ...upload, blobName: 'curious/other.txt' })).upload('x', 1)],
      [
        "another device's blob",
        () => new BlockBlobClient(urlOf({ ...upload, blobName: 'whole/a/b c.bin' })).upload('x', 1),
      ],
      ['another container', () => new BlockBlobClient(urlOf({ ...upload, containerName: 'other' })).upload('x', 1)],
    ];
    for (const [name, attempt] of attempts) {
      expect({ name, status: (await refusal(attempt())).statusCode }).toEqual({ name, status: 403 });
    }
    const sas = new URLSearchParams(upload.sasToken);
    const lifetimeMs = Date.parse(sas.get('se') ?? '') - Date.now();
    expect(lifetimeMs).toBeGreaterThan(58 * 60_000);
    expect(lifetimeMs).toBeLessThanOrEqual(60 * 60_000);
  });

  it('are ten at a time', async () => {
    const device = await aDevice('eager');
    const uploads: Upload[] = [];
    for (let i = 0; i < 10; i += 1) uploads.push(await open(device, `${i}.jpg`));
    const error = await refusal(open(device, '10.jpg'));
    expect(codeIn(error)).toBe(403006);
    await device.notifyBlobUploadStatus(uploads[0]?.correlationId ?? '', true, 200, '');
    await open(device, '10.jpg');
  });

  it.each(
    ['../other/x.jpg', 'a/../../x', './x', 'a\\b', 'a\0b', 'a\nb', 'a//b', '/x', 'x/', 'x'.repeat(1100)].map(
      (blobName) => [JSON.stringify(blobName).slice(0, 20), blobName],
    ),
  )('refuse the name %s', async (_name, blobName = '') => {
    const deviceId = `names-${createHash('sha256').update(blobName).digest('hex').slice(0, 8)}`;
    const error = await refusal(open(await aDevice(deviceId), blobName));
    expect(codeIn(error)).toBe(400004);
  });

  it('refuse a name that the SDK cuts short, and live on', async () => {
    // It counts characters where bytes are wanted, so that JSON with ü in it arrives without its end.
    const device = await aDevice('cut');
    await expect(open(device, 'grün.jpg')).rejects.toThrow('Bad Request');
    await open(device, 'green.jpg');
  });

  it('refuse a notification of an upload that is not open, or is another device’s', async () => {
    const [owner, stranger] = [await aDevice('owner'), await aDevice('stranger')];
    const { correlationId } = await open(owner, 'x.jpg');
    const notify = (device: Client, id: string) => device.notifyBlobUploadStatus(id, true, 200, '');
    const refusals = () => hub.log.filter(({ error }) => error === 'InvalidFileUploadCorrelationId').length;

    await expect(notify(stranger, correlationId)).rejects.toThrow('Bad Request');
    await expect(notify(owner, 'MjAxNi8x/+==')).rejects.toThrow('Bad Request');
    expect(refusals()).toBe(2);
    await notify(owner, correlationId);
    await expect(notify(owner, correlationId)).rejects.toThrow('Bad Request');
    expect(refusals()).toBe(3);
    await until(() => notificationsOf('owner').length > 0, 'the notification');
    expect(notificationsOf('stranger')).toEqual([]);
    expect(notificationsOf('owner')).toHaveLength(1);
  });

  it('are refused by their code where no storage is configured', async () => {
    const bare = await startTestIotHub();
    try {
      const device = await aDevice('cam', bare);
      expect(codeIn(await refusal(open(device, 'x.jpg')))).toBe(400014);
    } finally {
      await bare.close();
    }
  });
});
