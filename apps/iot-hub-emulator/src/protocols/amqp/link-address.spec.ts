import { addressSegments, matchAddress } from './link-address.js';

describe(addressSegments.name, () => {
  it.each<[string, string[] | undefined]>([
    ['/messages/devicebound', ['messages', 'devicebound']],
    ['messages/devicebound/', ['messages', 'devicebound']],
    ['amqps://hub.example:5671/messages/devicebound', ['messages', 'devicebound']],
    ['sb://hub/a%2Fb?x=/y', ['a/b']],
    ['$cbs', ['$cbs']],
    ['', ['']],
    ['/devices/%ff', undefined],
  ])('of %s', (address, segments) => {
    expect(addressSegments(address)).toEqual(segments);
  });
});

describe(matchAddress.name, () => {
  it.each<[string, string[], Record<string, string> | undefined]>([
    ['/devices/:deviceId/messages/events', ['Devices', 'D1', 'Messages', 'EVENTS'], { deviceId: 'D1' }],
    ['/devices/:deviceId/messages/events', ['devices', '', 'messages', 'events'], undefined],
    ['/devices/:deviceId/messages/events', ['devices', 'd1', 'messages'], undefined],
    ['/devices/:deviceId/messages/events', ['devices', 'd1', 'messages', 'devicebound'], undefined],
    ['$cbs', ['$cbs'], {}],
  ])('matches %s with %p', (pattern, segments, params) => {
    expect(matchAddress(pattern, segments)).toEqual(params);
  });
});
