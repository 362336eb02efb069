import { X509Certificate } from 'node:crypto';
import { aCertificate, type CertificateWishes, type TestCertificate } from '../../../test-support/certificates.js';
import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { HubError } from '../errors/hub-errors.js';
import type { Identity } from '../identity.js';
import { createIdentity, updateIdentity } from '../registry/identities.js';
import { authenticateDevice } from './authenticate-device.js';
import type { CertificateChain } from './certificate-chain.js';
import type { DeviceIdentity } from './device-identity.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const VALID = { validFromMs: START_MS - DAY_MS, validToMs: START_MS + DAY_MS };
const DEVICE = { deviceId: 'cam' };
const MODULE = { deviceId: 'cam', moduleId: 'm1' };

const issue = (wishes: CertificateWishes): Promise<TestCertificate> => aCertificate({ ...VALID, ...wishes });
const x509 = ({ cert }: TestCertificate): X509Certificate => new X509Certificate(cert);
const hex = (fingerprint: string): string => fingerprint.replaceAll(':', '');

describe('client certificates', () => {
  let root: TestCertificate;
  let intermediate: TestCertificate;
  let hub: TestHub;
  beforeAll(async () => {
    root = await issue({ commonName: 'root', authority: true });
    intermediate = await issue({ commonName: 'between', issuer: root, authority: true });
  });
  beforeEach(() => {
    hub = aHub({ caCertificates: [x509(root)] });
  });
  afterEach(() => {
    hub.store.close();
  });

  function outcome(identity: Identity, ...shown: TestCertificate[]): DeviceIdentity | string {
    const [own, ...rest] = shown.map(x509);
    const certificates: CertificateChain | undefined = own && [own, ...rest];
    try {
      return authenticateDevice(hub, identity, { certificates });
    } catch (cause) {
      if (cause instanceof HubError) return cause.reason;
      throw cause;
    }
  }

  describe('by thumbprint', () => {
    const register = (certificate: TestCertificate, more: object = {}) => {
      const { fingerprint } = x509(certificate);
      const x509Thumbprint = { primaryThumbprint: hex(fingerprint), ...more };
      return createIdentity(hub, { ...DEVICE, authentication: { type: 'selfSigned', x509Thumbprint } });
    };

    it.each([
      ['SHA-1', (certificate: X509Certificate) => hex(certificate.fingerprint)],
      ['SHA-256', (certificate: X509Certificate) => hex(certificate.fingerprint256)],
      ['SHA-1 in small letters', (certificate: X509Certificate) => hex(certificate.fingerprint).toLowerCase()],
    ])('are known by %s, primary or secondary', async (_name, thumbprintOf) => {
      const [first, second, third] = await Promise.all([issue({}), issue({}), issue({})]);
      await createIdentity(hub, {
        ...DEVICE,
        authentication: {
          type: 'selfSigned',
          x509Thumbprint: {
            primaryThumbprint: thumbprintOf(x509(first)),
            secondaryThumbprint: thumbprintOf(x509(second)),
          },
        },
      });
      const proven = { deviceId: 'cam', authScope: 'device', authType: 'x509', expiresAtMs: Infinity };
      expect(outcome(DEVICE, first)).toMatchObject(proven);
      expect(outcome(DEVICE, second)).toMatchObject(proven);
      expect(outcome(DEVICE, third)).toBe(
        `the certificate has another thumbprint than those registered: ${hex(x509(third).fingerprint256)}`,
      );
    });

    it('prove modules, too, each by its own', async () => {
      const [own, other] = await Promise.all([issue({}), issue({})]);
      await register(other);
      const x509Thumbprint = { primaryThumbprint: hex(x509(own).fingerprint) };
      await createIdentity(hub, { ...MODULE, authentication: { type: 'selfSigned', x509Thumbprint } });
      expect(outcome(MODULE, own)).toMatchObject({ ...MODULE, authScope: 'module', authType: 'x509' });
      expect(outcome(MODULE, other)).toContain('another thumbprint');
      expect(outcome(DEVICE, own)).toContain('another thumbprint');
    });

    it('are taken only while they are valid', async () => {
      const certificate = await issue({});
      await register(certificate);
      hub.clock.advance(DAY_MS + 1000);
      expect(outcome(DEVICE, certificate)).toBe('the certificate expired at 2030-01-02T12:00:00.000Z');
      const later = await issue({ validFromMs: START_MS + 2 * DAY_MS, validToMs: START_MS + 3 * DAY_MS });
      await updateIdentity(hub, {
        ...DEVICE,
        authentication: { type: 'selfSigned', x509Thumbprint: { primaryThumbprint: hex(x509(later).fingerprint) } },
      });
      expect(outcome(DEVICE, later)).toBe('the certificate is not valid before 2030-01-03T12:00:00.000Z');
    });

    it('do not help a device that authenticates by key, nor a token one that does not', async () => {
      const certificate = await issue({});
      await createIdentity(hub, DEVICE);
      expect(outcome(DEVICE, certificate)).toBe('the device authenticates by key, not by certificate');
      expect(outcome({ deviceId: 'nobody' }, certificate)).toBe('there is no such device');
      expect(outcome(DEVICE)).toBe('there is no token');
    });

    it('do not help a disabled device', async () => {
      const certificate = await issue({});
      await register(certificate);
      const x509Thumbprint = { primaryThumbprint: hex(x509(certificate).fingerprint) };
      await updateIdentity(hub, {
        ...DEVICE,
        status: 'disabled',
        authentication: { type: 'selfSigned', x509Thumbprint },
      });
      expect(outcome(DEVICE, certificate)).toBe('the device is disabled');
    });
  });

  describe('by authority', () => {
    beforeEach(async () => {
      await createIdentity(hub, { ...DEVICE, authentication: { type: 'certificateAuthority' } });
      await createIdentity(hub, { ...MODULE, authentication: { type: 'certificateAuthority' } });
    });

    it('lead to it directly, or by what came with them', async () => {
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: root }))).toMatchObject({ authType: 'x509' });
      const below = await issue({ commonName: 'cam', issuer: intermediate });
      expect(outcome(DEVICE, below, intermediate)).toMatchObject({ deviceId: 'cam', authType: 'x509' });
      expect(outcome(DEVICE, below, root, intermediate)).toMatchObject({ deviceId: 'cam' });
      expect(outcome(DEVICE, below)).toBe(
        "the client's certificate leads to no authority of this hub, but to CN=between",
      );
    });

    it('lead to an authority that is no root itself', async () => {
      hub = aHub({ caCertificates: [x509(intermediate)] });
      await createIdentity(hub, { ...DEVICE, authentication: { type: 'certificateAuthority' } });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: intermediate }))).toMatchObject(DEVICE);
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: root }))).toContain('leads to no authority');
    });

    it('bear the name of the device, or of device and module', async () => {
      const device = await issue({ commonName: 'cam', issuer: root });
      const module = await issue({ commonName: 'cam/m1', issuer: root });
      expect(outcome(MODULE, module)).toMatchObject({ ...MODULE, authScope: 'module' });
      expect(outcome(MODULE, device)).toBe(`the certificate's common name is "cam", not "cam/m1"`);
      expect(outcome(DEVICE, module)).toBe(`the certificate's common name is "cam/m1", not "cam"`);
      for (const commonName of ['CAM', 'cam1', 'ca', 'other']) {
        expect(outcome(DEVICE, await issue({ commonName, issuer: root }))).toContain('common name');
      }
    });

    it('are refused when nobody that counts has signed them', async () => {
      expect(outcome(DEVICE, await issue({ commonName: 'cam' }))).toContain('self-signed');
      // Of the same name, with another key.
      const impostor = await issue({ commonName: 'root', authority: true });
      const foreign = await issue({ commonName: 'cam', issuer: impostor });
      expect(outcome(DEVICE, foreign, impostor)).toContain('leads to no authority of this hub');
      hub = aHub();
      await createIdentity(hub, { ...DEVICE, authentication: { type: 'certificateAuthority' } });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: root }), root)).toContain('no authority');
    });

    it('are refused when one that signed them is no authority, or not for so many below it', async () => {
      const device = await issue({ commonName: 'other', issuer: root });
      const signedByDevice = await issue({ commonName: 'cam', issuer: device });
      expect(outcome(DEVICE, signedByDevice, device)).toContain('not of an authority');
      const narrow = await issue({ commonName: 'narrow', issuer: root, authority: 0 });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: narrow }), narrow)).toMatchObject(DEVICE);
      const tooMany = await issue({ commonName: 'too many', issuer: narrow, authority: true });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: tooMany }), tooMany, narrow)).toBe(
        "an issuer of the client's certificate: the certificate allows 0 authorities below it, and there are 1",
      );
    });

    it('are refused when they or an issuer are out of date', async () => {
      const past = { validFromMs: START_MS - 2 * DAY_MS, validToMs: START_MS - DAY_MS };
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: root, ...past }))).toContain('expired at');
      const expired = await issue({ commonName: 'expired', issuer: root, authority: true, ...past });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: expired }), expired)).toMatch(
        /issuer.*expired at/,
      );
      hub = aHub({ caCertificates: [x509(await issue({ commonName: 'root', authority: true, ...past }))] });
      await createIdentity(hub, { ...DEVICE, authentication: { type: 'certificateAuthority' } });
      expect(outcome(DEVICE, await issue({ commonName: 'cam', issuer: root }))).toContain('no authority');
    });

    it('are followed no further than five steps', async () => {
      const chain = [root];
      let issuer = root;
      for (let step = 0; step < 6; step += 1) {
        issuer = await issue({ commonName: `step ${step}`, issuer, authority: true });
        chain.unshift(issuer);
      }
      const own = await issue({ commonName: 'cam', issuer });
      expect(outcome(DEVICE, own, ...chain)).toContain('more than 5 steps');
    });
  });
});
