import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { aHub, START_MS, type TestHub } from '../../../test-support/test-hub.js';
import { HubError } from '../errors/hub-errors.js';
import { createIdentity } from '../registry/identities.js';
import { authenticateDevice } from './authenticate-device.js';
import type { DeviceIdentity } from './device-identity.js';

const HOST = 'localhost';
const KEY = Buffer.alloc(32, 1).toString('base64');
const SECONDARY_KEY = Buffer.alloc(32, 2).toString('base64');
const NOW_SECONDS = Math.floor(START_MS / 1000);

const sign = (resource: string, expiry: string, key: string): string =>
  createHmac('sha256', Buffer.from(key, 'base64')).update(`${resource}\n${expiry}`).digest('base64');

interface Fields {
  sr: string;
  sig: string;
  se: string;
}
const FIELD_NAMES = ['sr', 'sig', 'se'] as const;
const write = (fields: Fields, order: readonly (keyof Fields)[] = FIELD_NAMES): string =>
  `SharedAccessSignature ${order.map((name) => `${name}=${fields[name]}`).join('&')}`;

const goodFields = (expiry = String(NOW_SECONDS + 3600)): Fields => {
  const sr = encodeURIComponent(`${HOST}/devices/d1`);
  return { sr, sig: encodeURIComponent(sign(sr, expiry, KEY)), se: expiry };
};

/** What a token says, in its one canonical form; undefined for a text that is no token. */
function meaning(text: string): string | undefined {
  const fields = new Map(
    (/^SharedAccessSignature\s+(\S+)$/i.exec(text.trim())?.[1] ?? '')
      .split('&')
      .map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
  try {
    return JSON.stringify([fields.get('sr'), decodeURIComponent(fields.get('sig') ?? ''), fields.get('se')]);
  } catch {
    return undefined;
  }
}

describe(authenticateDevice.name, () => {
  let hub: TestHub;
  beforeEach(async () => {
    hub = aHub();
    const symmetricKey = { primaryKey: KEY, secondaryKey: SECONDARY_KEY };
    await createIdentity(hub, { deviceId: 'd1', authentication: { symmetricKey } });
    await createIdentity(hub, { deviceId: 'd2' });
  });
  afterEach(() => {
    hub.store.close();
  });

  function outcome(token: string | undefined, deviceId = 'd1'): DeviceIdentity | string {
    try {
      return authenticateDevice(hub, { deviceId }, { token });
    } catch (error) {
      if (error instanceof HubError) return error.errorName;
      throw error;
    }
  }

  it('takes what was signed with either key, in any order of fields, however the resource is spelt', () => {
    const spelling = fc.array(fc.boolean(), { minLength: 64, maxLength: 64 }).map((encode) =>
      Array.from(`${HOST}/devices/d1`)
        .map((character, index) =>
          encode[index] === true ? `%${character.charCodeAt(0).toString(16).padStart(2, '0')}` : character,
        )
        .join(''),
    );
    fc.assert(
      fc.property(
        spelling,
        fc.constantFrom(KEY, SECONDARY_KEY),
        fc.shuffledSubarray([...FIELD_NAMES], { minLength: 3 }),
        fc.integer({ min: 1, max: 10_000_000 }),
        (sr, key, order, lifetimeSeconds) => {
          const se = String(NOW_SECONDS + lifetimeSeconds);
          const identity = outcome(write({ sr, sig: encodeURIComponent(sign(sr, se, key)), se }, order));
          expect(identity).toMatchObject({ deviceId: 'd1', authScope: 'device', expiresAtMs: Number(se) * 1000 });
        },
      ),
    );
  });

  it('takes no text that differs from a good token in what it says', () => {
    const good = write(goodFields());
    const place = fc.integer({ min: 0, max: good.length - 1 });
    const character = fc.constantFrom(...Array.from('abzAZ019%&=+/-_. \t\0é'));
    const mutation = fc.oneof(
      fc.tuple(place, character).map(([at, by]) => good.slice(0, at) + by + good.slice(at + 1)),
      fc.tuple(place, character).map(([at, by]) => good.slice(0, at) + by + good.slice(at)),
      fc
        .tuple(place, fc.integer({ min: 1, max: 20 }))
        .map(([at, length]) => good.slice(0, at) + good.slice(at + length)),
      fc.tuple(place, place).map(([from, to]) => good.slice(0, to) + good.slice(from)),
      place.map((at) => good.slice(0, at)),
    );
    fc.assert(
      fc.property(mutation, (text) => {
        if (meaning(text) !== meaning(good)) expect(outcome(text)).toBe('IotHubUnauthorizedAccess');
      }),
      { numRuns: 3000 },
    );
  });

  it('takes no signature but the one, whatever its bytes', () => {
    const fields = goodFields();
    const right = Buffer.from(decodeURIComponent(fields.sig), 'base64');
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
          fc.tuple(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 255 })).map(([at, flip]) => {
            const bytes = Buffer.from(right);
            bytes.writeUInt8(bytes.readUInt8(at) ^ flip, at);
            return bytes;
          }),
        ),
        (bytes) => {
          fc.pre(!bytes.equals(right));
          expect(outcome(write({ ...fields, sig: encodeURIComponent(bytes.toString('base64')) }))).toBe(
            'IotHubUnauthorizedAccess',
          );
        },
      ),
    );
  });

  it('takes nothing that is expired, and nothing for anybody else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: NOW_SECONDS }), fc.string({ maxLength: 40 }), (expiry, text) => {
        expect(outcome(write(goodFields(String(expiry))))).toBe('IotHubUnauthorizedAccess');
        expect(outcome(write(goodFields()), 'd2')).toBe('IotHubUnauthorizedAccess');
        expect(outcome(text)).toBe('IotHubUnauthorizedAccess');
        expect(outcome(`SharedAccessSignature ${text}`)).toBe('IotHubUnauthorizedAccess');
      }),
    );
  });
});
