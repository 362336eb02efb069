import type { SeededRandom } from '../../torture/support/seeded-random.js';

export const VICTIM = 'victim';
export const INTRUDER = 'intruder';

/** What an intruder may have learnt of its victim: none of it proves anything. */
export interface Knowledge {
  readonly lockToken: string;
  readonly correlationId: string;
  readonly methodRequestId: string;
}

/** A request over HTTPS, the path without query. */
export interface HttpsAttempt {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

/** Ways to write the victim's name so that some reader might take it for it. None of them reads as the intruder's own. */
const SPELLINGS: ((name: string, random: SeededRandom) => string)[] = [
  (name) => name,
  (name) => name,
  (name) => `${name}/modules/m`,
  (name) => `${INTRUDER}/../${name}`,
  (name) => `${INTRUDER}/modules/../../${name}`,
  (name) => `./${name}`,
  (name) => `/${name}`,
  (name) => `${name}/`,
  (name) => `${name}//`,
  (name) => `${name}?`,
  (name) => `${name};${INTRUDER}`,
  (name) => `${name},${INTRUDER}`,
  (name) => `${name}\0${INTRUDER}`,
  (name) => ` ${name}`,
  (name) => `${name} `,
  (name) => name.toUpperCase(),
  (name) => `\uff56${name.slice(1)}`,
  (name, random) => percentEncodeSome(name, random),
  (name, random) => percentEncodeSome(percentEncodeSome(name, random), random),
  () => '+',
  () => '#',
  () => '*',
  () => '%2B',
  () => '$iothub',
  (name) => name.replace('i', '+'),
  (name) => `${INTRUDER}%2F..%2F${name}`,
  (name) => `${INTRUDER}\\..\\${name}`,
];

function percentEncodeSome(text: string, random: SeededRandom): string {
  return Array.from(text, (character) =>
    random.chance(0.3) ? `%${character.charCodeAt(0).toString(16).padStart(2, '0')}` : character,
  ).join('');
}

export const anySpelling = (random: SeededRandom): string => random.pick(SPELLINGS)(VICTIM, random);

export function anyTopic(random: SeededRandom, { methodRequestId }: Knowledge): string {
  const name = anySpelling(random);
  return random.pick([
    `devices/${name}/messages/events/`,
    `devices/${name}/messages/events/%24.mid=1`,
    `devices/${name}/modules/m/messages/events/`,
    `devices/${name}/messages/devicebound/`,
    `devices/${INTRUDER}/../${name}/messages/events/`,
    `$iothub/twin/PATCH/properties/desired/?$rid=1&device=${name}`,
    `$iothub/methods/POST/${name}/?$rid=1`,
    `$iothub/${name}/twin/GET/?$rid=1`,
    `$iothub/methods/res/200/?$rid=${methodRequestId}x`,
    `/devices/${name}/messages/events/`,
  ]);
}

export function anyFilter(random: SeededRandom): string {
  const name = anySpelling(random);
  return random.pick([
    `devices/${name}/messages/devicebound/#`,
    `devices/${name}/messages/events/#`,
    `devices/${name}/#`,
    `devices/+/messages/devicebound/#`,
    `devices/${name}/modules/m/inputs/#`,
    `devices/${name}/modules/+/#`,
    '#',
    '+/#',
    'devices/#',
    '$iothub/#',
    '$iothub/+/POST/#',
    '$SYS/#',
    `$iothub/twin/${name}/res/#`,
    `$share/group/devices/${name}/messages/devicebound/#`,
    `$iothub/methods/POST/${name}/#`,
  ]);
}

export function anyRequest(random: SeededRandom, { lockToken, correlationId }: Knowledge): HttpsAttempt {
  const name = anySpelling(random);
  return random.pick<HttpsAttempt>([
    { method: 'POST', path: `/devices/${name}/messages/events`, body: 'forged' },
    { method: 'POST', path: `/devices/${name}/modules/m/messages/events`, body: 'forged' },
    { method: 'GET', path: `/devices/${name}/messages/devicebound` },
    { method: 'DELETE', path: `/devices/${name}/messages/devicebound/${lockToken}` },
    { method: 'DELETE', path: `/devices/${INTRUDER}/messages/devicebound/${lockToken}` },
    { method: 'POST', path: `/devices/${INTRUDER}/messages/devicebound/${lockToken}/abandon` },
    { method: 'POST', path: `/devices/${name}/messages/devicebound/${lockToken}/abandon` },
    { method: 'DELETE', path: `/devices/${name}/commands` },
    { method: 'POST', path: `/devices/${name}/files`, body: '{"blobName":"stolen"}' },
    { method: 'POST', path: `/devices/${INTRUDER}/files`, body: `{"blobName":"../${name}/stolen"}` },
    { method: 'POST', path: `/devices/${name}/files/notifications/${correlationId}`, body: '{"isSuccess":false}' },
    { method: 'POST', path: `/devices/${INTRUDER}/files/notifications/${correlationId}`, body: '{"isSuccess":true}' },
    {
      method: 'POST',
      path: `/devices/${INTRUDER}/files/notifications`,
      body: JSON.stringify({ correlationId, isSuccess: true }),
    },
    { method: 'GET', path: `/twins/${name}` },
    { method: 'PATCH', path: `/twins/${name}`, body: '{"tags":{"stolen":true}}' },
    { method: 'PUT', path: `/twins/${name}/modules/m`, body: '{"tags":{}}' },
    { method: 'POST', path: `/twins/${name}/methods`, body: '{"methodName":"steal"}' },
    { method: 'GET', path: `/devices/${name}` },
    { method: 'GET', path: `/devices/${name}/modules` },
    { method: 'PUT', path: `/devices/${name}`, body: `{"deviceId":"${VICTIM}"}` },
    { method: 'DELETE', path: `/devices/${name}` },
    { method: 'GET', path: '/devices' },
    { method: 'POST', path: '/devices/query', body: '{"query":"SELECT * FROM devices"}' },
    { method: 'GET', path: '/messages/serviceBound/feedback' },
    { method: 'GET', path: '/messages/serviceBound/filenotifications' },
    { method: 'GET', path: `/devices/${INTRUDER}/../${name}/messages/devicebound` },
    { method: 'GET', path: `/devices/${INTRUDER}/..%2f${name}/messages/devicebound` },
  ]);
}

/** An address that a link is asked for, and which way it goes. */
export interface LinkAttempt {
  readonly direction: 'sender' | 'receiver';
  readonly address: string;
}

export function anyLink(random: SeededRandom): LinkAttempt {
  const name = anySpelling(random);
  const node = random.pick([
    `/devices/${name}/messages/events`,
    `/devices/${name}/messages/devicebound`,
    `/devices/${name}/methods/devicebound`,
    `/devices/${name}/twin`,
    `/devices/${name}/modules/m/messages/events`,
    `/devices/${name}/modules/m/twin`,
    `/devices/${name}/modules/m/methods/devicebound`,
    `/devices/${INTRUDER}/../${name}/twin`,
    `amqps://localhost/devices/${name}/messages/devicebound`,
    `amqps://${INTRUDER}/devices/${name}/messages/devicebound`,
    '/messages/devicebound',
    '/messages/serviceBound/feedback',
    '/messages/serviceBound/filenotifications',
    'localhub/ConsumerGroups/$Default/Partitions/0',
    '/messages/events/$management',
    `localhub/ConsumerGroups/$Default/Partitions/${name}`,
  ]);
  return { direction: random.pick(['sender', 'receiver'] as const), address: node };
}
