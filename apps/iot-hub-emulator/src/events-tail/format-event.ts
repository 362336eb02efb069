import { inspect } from 'node:util';
import type { TailedEvent } from './tailed-event.js';

/** Longest body that is shown on one line. */
const LINE_LENGTH = 100;

const INDENT = '\n  ';

/** An event for people: a line of what it is, then properties and body, indented. With colours on a terminal only. */
export function formatEvent(event: TailedEvent, { isTerminal }: { isTerminal: boolean }): string {
  const styled = (code: number, text: string) =>
    isTerminal ? `\u001b[${code}m${harmless(text)}\u001b[0m` : harmless(text);
  const { deviceId = '(no device)', moduleId, source = 'Telemetry', partitionId, sequenceNumber } = event;
  const head = [
    styled(90, event.enqueuedTimeUtc),
    styled(1, moduleId === undefined ? deviceId : `${deviceId}/${moduleId}`),
    ...(source === 'Telemetry' ? [] : [styled(36, source)]),
    styled(90, `partition ${partitionId} #${sequenceNumber}`),
  ].join('  ');
  const properties = Object.entries(event.properties).map(([name, value]) => `${name}=${plain(value)}`);
  const lines = [
    head,
    ...(properties.length > 0 ? [styled(33, properties.join('  '))] : []),
    ...bodyLines(event).map(harmless),
  ];
  return `${lines.join(INDENT)}\n`;
}

function bodyLines({ body, bodyBase64 }: TailedEvent): string[] {
  if (bodyBase64 !== undefined) return [`base64 ${bodyBase64}`];
  if (typeof body === 'string') return body === '' ? [] : body.split(/\r?\n/);
  const line = JSON.stringify(body) as string | undefined;
  if (line === undefined) return [];
  return line.length <= LINE_LENGTH ? [line] : JSON.stringify(body, undefined, 2).split('\n');
}

const plain = (value: unknown): string =>
  typeof value === 'string' ? value : inspect(value, { breakLength: Infinity });

/** A device's text without control characters, with which it could make the terminal do anything. */
// eslint-disable-next-line no-control-regex
const harmless = (text: string): string => text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '\ufffd');
