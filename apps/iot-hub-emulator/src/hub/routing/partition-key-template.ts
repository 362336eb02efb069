import { utcText } from '../clock.js';

/** Synthetic partition keys by a template such as `{deviceid}-{YYYY}-{MM}`. */
export type PartitionKeyTemplate = (message: { hubName: string; deviceId: string; enqueuedMs: number }) => string;

type Token = 'iothub' | 'deviceid' | 'YYYY' | 'MM' | 'DD';
const TOKENS: readonly string[] = ['iothub', 'deviceid', 'YYYY', 'MM', 'DD'] satisfies Token[];

/**
 * Reads a template: at least one of `{iothub}`, `{deviceid}`, `{YYYY}`, `{MM}`, `{DD}`, each once at most, and any text
 * between them. Dates are of the time of enqueueing, in UTC.
 *
 * @throws Error saying what is wrong with it.
 * @see https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-endpoints#azure-cosmos-db-as-a-routing-endpoint
 */
export function readPartitionKeyTemplate(template: string): PartitionKeyTemplate {
  const parts = template.split(/(\{[^{}]*\})/).filter((part) => part !== '');
  const seen = new Set<string>();
  const writers = parts.map((part): PartitionKeyTemplate => {
    if (!/^\{.*\}$/.test(part)) return () => part;
    const token = part.slice(1, -1);
    if (!TOKENS.includes(token)) {
      throw new Error(`there is no token ${part}; use {iothub}, {deviceid}, {YYYY}, {MM} and {DD}`);
    }
    if (seen.has(token)) throw new Error(`${part} is in it twice`);
    seen.add(token);
    return writer(token as Token);
  });
  if (seen.size === 0) throw new Error('it needs one of {iothub}, {deviceid}, {YYYY}, {MM}, {DD} at least');
  return (message) => writers.map((write) => write(message)).join('');
}

function writer(token: Token): PartitionKeyTemplate {
  switch (token) {
    case 'iothub':
      return ({ hubName }) => hubName;
    case 'deviceid':
      return ({ deviceId }) => deviceId;
    case 'YYYY':
      return ({ enqueuedMs }) => utcText(enqueuedMs).slice(0, 4);
    case 'MM':
      return ({ enqueuedMs }) => utcText(enqueuedMs).slice(5, 7);
    case 'DD':
      return ({ enqueuedMs }) => utcText(enqueuedMs).slice(8, 10);
  }
}
