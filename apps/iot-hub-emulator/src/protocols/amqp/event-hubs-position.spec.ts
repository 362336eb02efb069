import { HubError } from '../../hub/errors/hub-errors.js';
import type { EventPosition } from '../../hub/events/event-position.js';
import { readPositionFilter } from './event-hubs-position.js';

const selector = (value: unknown, descriptor: unknown = 0x468c00000004) => ({
  'apache.org:selector-filter:string': { descriptor: { value: descriptor }, value },
});

describe(readPositionFilter.name, () => {
  it.each<[string, EventPosition]>([
    ["amqp.annotation.x-opt-offset > '-1'", { kind: 'earliest' }],
    ["amqp.annotation.x-opt-offset >= '-1'", { kind: 'earliest' }],
    ["amqp.annotation.x-opt-offset > '@latest'", { kind: 'latest' }],
    ["amqp.annotation.x-opt-offset > '12884'", { kind: 'offset', value: 12_884, isInclusive: false }],
    ["amqp.annotation.x-opt-offset >= '0'", { kind: 'offset', value: 0, isInclusive: true }],
    ["amqp.annotation.x-opt-sequence-number > '5'", { kind: 'sequenceNumber', value: 5, isInclusive: false }],
    ["amqp.annotation.x-opt-sequence-number > '-1'", { kind: 'earliest' }],
    [
      "amqp.annotation.x-opt-enqueued-time > '1600000000000'",
      { kind: 'enqueuedTime', value: 1.6e12, isInclusive: false },
    ],
    ["amqp.annotation.x-opt-enqueued-time >= '1'", { kind: 'enqueuedTime', value: 1, isInclusive: true }],
    [
      'amqp.annotation.x-opt-enqueuedtimeutc > 1600000000000',
      { kind: 'enqueuedTime', value: 1.6e12, isInclusive: false },
    ],
    ["  amqp.annotation.x-opt-offset>'7'  ", { kind: 'offset', value: 7, isInclusive: false }],
  ])('reads %s', (text, position) => {
    expect(readPositionFilter(selector(text))).toEqual(position);
    expect(readPositionFilter(selector(text, 'apache.org:selector-filter:string'))).toEqual(position);
  });

  it('begins with the oldest event when nothing is said', () => {
    expect(readPositionFilter({})).toEqual({ kind: 'earliest' });
    expect(readPositionFilter(undefined)).toEqual({ kind: 'earliest' });
  });

  it.each([
    selector("amqp.annotation.x-opt-offset < '5'"),
    selector("amqp.annotation.x-opt-offset > '5' AND amqp.annotation.x-opt-offset > '6'"),
    selector("amqp.annotation.x-opt-partition-key > '5'"),
    selector("amqp.annotation.constructor > '5'"),
    selector("amqp.annotation.x-opt-offset > 'abc'"),
    selector("amqp.annotation.x-opt-sequence-number > '99999999999999999'"),
    selector('level > 5'),
    selector(''),
    selector(5),
    selector("amqp.annotation.x-opt-offset > '5'", 0x468c00000005),
    { ...selector("amqp.annotation.x-opt-offset > '5'"), other: { descriptor: { value: 1 }, value: '' } },
    { plain: "amqp.annotation.x-opt-offset > '5'" },
    { nothing: null },
  ])('refuses %j', (filter) => {
    expect(() => readPositionFilter(filter)).toThrow(HubError);
    expect(() => readPositionFilter(filter)).toThrow(
      expect.objectContaining({ condition: 'com.microsoft:argument-error' }),
    );
  });
});
