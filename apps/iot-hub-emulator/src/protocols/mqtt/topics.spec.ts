import fc from 'fast-check';
import {
  desiredTopic,
  type DevicePublish,
  methodTopic,
  parseFilter,
  parsePublishTopic,
  twinReplyTopic,
} from './topics.js';

const accepted: [topic: string, request: DevicePublish][] = [
  ['devices/d1/messages/events/', { kind: 'telemetry', bag: [] }],
  ['devices/d1/messages/events', { kind: 'telemetry', bag: [] }],
  ['devices/d1/messages/events/a=1&b=2', { kind: 'telemetry', bag: [['a', '1'], ['b', '2']] }], // prettier-ignore
  ['devices/d1/messages/events/%24.ct=application%2Fjson', { kind: 'telemetry', bag: [['$.ct', 'application/json']] }],
  ['$iothub/twin/GET/?$rid=1', { kind: 'twin-get', requestId: '1' }],
  ['$iothub/twin/GET/?$rid=%241a b', { kind: 'twin-get', requestId: '%241a b' }],
  ['$iothub/twin/PATCH/properties/reported/?$rid=x&$version=2', { kind: 'twin-report', requestId: 'x' }],
  ['$iothub/methods/res/200/?$rid=abc', { kind: 'method-answer', requestId: 'abc', status: 200 }],
  ['$iothub/methods/res/2147483647/?$rid=abc', { kind: 'method-answer', requestId: 'abc', status: 2_147_483_647 }],
  ['$iothub/methods/res/-1/?$rid=abc', { kind: 'method-answer', requestId: 'abc', status: -1 }],
];

const refused: [topic: string, reason: string][] = [
  ['', 'unknown topic'],
  ['/', 'unknown topic'],
  ['devices', 'unknown topic'],
  ['devices/d2/messages/events/', 'not an events topic of this device'],
  ['devices/D1/messages/events/', 'not an events topic of this device'],
  ['devices/d11/messages/events/', 'not an events topic of this device'],
  ['devices/d1/messages/events2', 'not an events topic of this device'],
  ['devices/d1/messages/devicebound/', 'not an events topic of this device'],
  ['devices/d1/modules/m1/messages/events/', 'not an events topic of this device'],
  ['devices/+/messages/events/', 'not an events topic of this device'],
  ['devices/d1/../d2/messages/events/', 'not an events topic of this device'],
  ['devices/d1/messages/events/#', 'wildcard in the topic'],
  ['devices/d1/messages/events/a=+', 'wildcard in the topic'],
  ['devices/d1/messages/events/a=%zz', 'properties are not percent-encoded'],
  ['devices/d1/messages/events/\0', 'NUL in the topic'],
  ['$iothub/twin/GET/', 'unknown topic'],
  ['$iothub/twin/GET/?', '$rid is missing'],
  ['$iothub/twin/GET/?$rid=', '$rid is missing'],
  ['$iothub/twin/GET/?rid=1', '$rid is missing'],
  ['$iothub/twin/GET/?$rid=#', 'wildcard in the topic'],
  ['$iothub/twin/PATCH/properties/desired/?$rid=1', 'unknown topic'],
  ['$iothub/twin/DELETE/?$rid=1', 'unknown topic'],
  ['$iothub/methods/res/ok/?$rid=1', 'unknown topic'],
  ['$iothub/methods/res/200/', 'unknown topic'],
  ['$iothub/methods/res/200/?$rid=', '$rid is missing'],
  ['$iothub/methods/POST/m/?$rid=1', 'unknown topic'],
  ['$SYS/x', 'unknown topic'],
];

describe(parsePublishTopic.name, () => {
  it.each(accepted)('reads %s', (topic, request) => {
    expect(parsePublishTopic(topic, { deviceId: 'd1' })).toEqual(request);
  });

  it.each(refused)('refuses %j: %s', (topic, reason) => {
    expect(parsePublishTopic(topic, { deviceId: 'd1' })).toEqual({ kind: 'refused', reason });
  });

  it('takes identities as they are, unescaped', () => {
    const id = "a#b?c%2F(d):e$'";
    expect(parsePublishTopic(`devices/${id}/messages/events/k=v`, { deviceId: id })).toEqual({
      kind: 'telemetry',
      bag: [['k', 'v']],
    });
  });

  it('takes the events of a module from its own topic alone', () => {
    const module = { deviceId: 'd1', moduleId: 'm1' };
    const bag = [
      ['%24.on', 'out'],
      ['k', 'a%2F'],
    ];
    const text = bag.map((pair) => pair.join('=')).join('&');
    expect(parsePublishTopic(`devices/d1/modules/m1/messages/events/${text}/`, module)).toEqual({
      kind: 'telemetry',
      bag: [
        ['$.on', 'out'],
        ['k', 'a/'],
      ],
    });
    for (const topic of [
      'devices/d1/messages/events/',
      'devices/d1/modules/m2/messages/events/',
      'devices/d2/modules/m1/messages/events/',
      'devices/d1/modules/m1/messages/eventsx',
    ]) {
      expect(parsePublishTopic(topic, module).kind).toBe('refused');
    }
    expect(parsePublishTopic('devices/d1/modules/m1/messages/events/', { deviceId: 'd1' }).kind).toBe('refused');
  });

  it('takes no telemetry for one device from a topic of another', () => {
    const id = fc.stringMatching(/^[A-Za-z0-9.%_#*?!(),:=@$'-]{1,12}$/);
    fc.assert(
      fc.property(id, id, fc.string(), (mine, other, bag) => {
        fc.pre(mine !== other);
        expect(parsePublishTopic(`devices/${other}/messages/events/${bag}`, { deviceId: mine }).kind).toBe('refused');
      }),
    );
  });

  it('answers to any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (topic) => {
        expect(parsePublishTopic(topic, { deviceId: 'd1' }).kind).toBe('refused');
      }),
    );
  });
});

describe(parseFilter.name, () => {
  it('knows no messages from the cloud for modules', () => {
    const module = { deviceId: 'd1', moduleId: 'm1' };
    expect(parseFilter('$iothub/methods/POST/#', module)).toBe('methods');
    for (const path of ['d1', 'd1/modules/m1', 'd1/m1']) {
      expect(parseFilter(`devices/${path}/messages/devicebound/#`, module)).toBeUndefined();
    }
  });

  it.each([
    ['$iothub/methods/POST/#', 'methods'],
    ['$iothub/twin/PATCH/properties/desired/#', 'desired'],
    ['$iothub/twin/res/#', 'twin-replies'],
    ['devices/d1/messages/devicebound/#', 'cloud-to-device'],
  ])('knows %s', (filter, subscription) => {
    expect(parseFilter(filter, { deviceId: 'd1' })).toBe(subscription);
  });

  it.each([
    '#',
    '+',
    '',
    '$iothub/#',
    '$iothub/+/POST/#',
    '$iothub/methods/POST/',
    '$iothub/methods/POST/+',
    '$iothub/twin/#',
    'devices/#',
    'devices/+/messages/devicebound/#',
    'devices/d2/messages/devicebound/#',
    'devices/d1/messages/events/#',
    'devices/d1/#',
    '$share/g/$iothub/methods/POST/#',
  ])('refuses %j', (filter) => {
    expect(parseFilter(filter, { deviceId: 'd1' })).toBeUndefined();
  });
});

describe('topics of the hub', () => {
  it('are written as documented', () => {
    expect(twinReplyTopic(200, 'r1')).toBe('$iothub/twin/res/200/?$rid=r1');
    expect(twinReplyTopic(204, 'r1', 7)).toBe('$iothub/twin/res/204/?$rid=r1&$version=7');
    expect(desiredTopic(3)).toBe('$iothub/twin/PATCH/properties/desired/?$version=3');
    expect(methodTopic('reboot', 'a1')).toBe('$iothub/methods/POST/reboot/?$rid=a1');
  });
});
