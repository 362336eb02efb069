import { once } from 'node:events';
import { connect, type ConnectionOptions } from 'node:tls';
import { startTestIotHub, type TestIotHub } from '../support/iot-hub.js';

/** Lets the client offer what OpenSSL holds for too weak: whether the hub takes it is the question. */
const ANYTHING = '@SECLEVEL=0';

describe('TLS', () => {
  let hub: TestIotHub;
  beforeAll(async () => {
    hub = await startTestIotHub();
  });
  afterAll(() => hub.close());

  /** @returns version and suite of a handshake that succeeds. @throws what OpenSSL says of one that does not */
  async function handshake(options: ConnectionOptions): Promise<{ version: string | null; suite: string }> {
    const { port, caCertificate: ca } = hub.emulator;
    const socket = connect({ host: 'localhost', port, ca, ...options });
    try {
      await once(socket, 'secureConnect');
      return { version: socket.getProtocol(), suite: socket.getCipher().name };
    } finally {
      socket.destroy();
    }
  }

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('is spoken in %s', async (version) => {
    const spoken = await handshake({ minVersion: version, maxVersion: version });
    expect(spoken.version).toBe(version);
  });

  it.each(['TLSv1', 'TLSv1.1'] as const)('is not spoken in %s', async (version) => {
    const old = { minVersion: version, maxVersion: version, ciphers: `ALL:${ANYTHING}` };
    // The hub's own alert: the client had offered the version.
    await expect(handshake(old)).rejects.toThrow(/alert protocol version/);
  });

  it.each([
    'NULL-SHA256',
    'ECDHE-ECDSA-NULL-SHA',
    'ECDHE-RSA-NULL-SHA',
    'AECDH-AES256-SHA',
    'AECDH-NULL-SHA',
    'ADH-AES256-GCM-SHA384',
    'ADH-AES128-SHA',
    'AES128-SHA',
    'AES256-GCM-SHA384',
    'CAMELLIA256-SHA',
  ])('does not use the suite %s', async (suite) => {
    const offer = { maxVersion: 'TLSv1.2', ciphers: `${suite}:${ANYTHING}` } as const;
    await expect(handshake(offer)).rejects.toThrow(/alert handshake failure|socket disconnected|ECONNRESET/);
  });

  it('uses a suite with forward secrecy and authenticated encryption where the client leaves the choice', async () => {
    const { suite } = await handshake({ maxVersion: 'TLSv1.2' });
    expect(suite).toMatch(/^ECDHE-ECDSA-(AES\d+-GCM|CHACHA20-POLY1305)/);
  });

  it('is not renegotiated by the client', async () => {
    const { port, caCertificate: ca } = hub.emulator;
    const socket = connect({ host: 'localhost', port, ca, maxVersion: 'TLSv1.2' });
    await once(socket, 'secureConnect');
    const outcome = new Promise<string>((resolve) => {
      socket
        .on('error', () => undefined)
        .once('close', () => {
          resolve('refused');
        });
      socket.renegotiate({}, (cause) => {
        resolve(cause === null ? 'renegotiated' : 'refused');
      });
    });
    expect(await outcome).toBe('refused');
    socket.destroy();
  });

  it('proves the hub by a certificate for its name, and by no other', async () => {
    await expect(handshake({ servername: 'evil.example', host: '127.0.0.1' })).rejects.toThrow(/altnames/);
    await expect(handshake({ ca: [] })).rejects.toThrow(/certificate/);
  });
});
