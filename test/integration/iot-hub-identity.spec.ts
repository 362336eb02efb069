import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { DefaultAzureCredential } from '@azure/identity';
import { DeviceTwins, DirectMethods, HubConnection } from '#libs/iot-hub/service';
import { trustCertificateAuthority } from '#libs/runtime';
import { type CertificateFiles, selfSignedCertificate } from '../support/self-signed-certificate.js';

describe('A hub that is reached as a managed identity', () => {
  let certificate: CertificateFiles;
  let server: Server;
  let connection: HubConnection;
  const requests: Pick<IncomingMessage, 'method' | 'url' | 'headers'>[] = [];

  beforeAll(async () => {
    certificate = await selfSignedCertificate();
    const { certFile, keyFile } = certificate;
    trustCertificateAuthority(certFile);
    server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) => {
      requests.push(request);
      const body = request.method === 'GET' ? { deviceId: 'a', etag: 'AA==' } : { status: 200, payload: 'hello' };
      response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    connection = new HubConnection({ kind: 'identity', hostName: `localhost:${port}` });
  });

  afterEach(() => jest.restoreAllMocks());

  afterAll(async () => {
    await connection.close();
    server.closeAllConnections();
    server.close();
    certificate.remove();
  });

  it('gives a token for IoT hubs with every call', async () => {
    // Entra ID cannot run here; all else is real.
    const getToken = jest
      .spyOn(DefaultAzureCredential.prototype, 'getToken')
      .mockResolvedValue({ token: 'entra-token', expiresOnTimestamp: Date.now() + 3_600_000 });
    await expect(new DeviceTwins(connection).get('a')).resolves.toMatchObject({ deviceId: 'a', etag: 'AA==' });
    await expect(new DirectMethods(connection).invoke('a', { methodName: 'm' })).resolves.toEqual({
      status: 200,
      payload: 'hello',
    });
    expect(getToken).toHaveBeenCalledWith('https://iothubs.azure.net/.default');
    expect(requests.map(({ method, headers }) => [method, headers.authorization])).toEqual([
      ['GET', 'Bearer entra-token'],
      ['POST', 'Bearer entra-token'],
    ]);
  });

  it('says so when there is no identity', async () => {
    const { port } = server.address() as AddressInfo;
    const other = new HubConnection({ kind: 'identity', hostName: `localhost:${port}` });
    jest
      .spyOn(DefaultAzureCredential.prototype, 'getToken')
      .mockRejectedValue(Object.assign(new Error('no identity'), { name: 'CredentialUnavailableError' }));
    await expect(new DeviceTwins(other).get('a')).rejects.toMatchObject({ code: 'IOT_HUB.UNAUTHORIZED' });
    await other.close();
  });
});
