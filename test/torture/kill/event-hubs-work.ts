import { type EventContext, types } from 'rhea';
import { until } from '../../support/until.js';
import { authorizedAmqp, unlessLost } from '../support/amqp-client.js';
import type { TortureHub } from '../support/torture-hub.js';
import { Violation, type Work } from './work.js';

const PARTITIONS = ['0', '1', '2', '3'];
const SELECTOR_FILTER = 0x468c00000004;
const CREDIT = 200;
const CREDIT_AT_ONCE = 50;
const LIMIT_MS = 20_000;

/**
 * A reader of the built-in endpoint, which notes how far it has come and goes on from there: it is brought every message
 * once, and nothing that it was brought is ever another thing, or gone, for who reads from the beginning.
 */
export class EventHubsWork implements Work {
  readonly name = 'reading of the built-in endpoint';
  /** By partition, what came, in order. The place in the list is the sequence number. */
  private readonly read = new Map(PARTITIONS.map((partition) => [partition, [] as string[]]));

  async run(hub: TortureHub, onAcknowledged: () => void): Promise<never> {
    const { closed, violation } = await this.follow(hub, this.read, onAcknowledged);
    await closed;
    throw violation() ?? new Error('The hub is gone.');
  }

  check(): Promise<void> {
    return Promise.resolve();
  }

  async finish(hub: TortureHub): Promise<void> {
    const again = new Map(PARTITIONS.map((partition) => [partition, [] as string[]]));
    const { violation } = await this.follow(hub, again, () => undefined);
    for (const partition of PARTITIONS) {
      const before = this.read.get(partition) ?? [];
      const now = again.get(partition) ?? [];
      while (now.length < before.length && !violation()) {
        const had = now.length;
        await until(() => now.length > had || violation(), `partition ${partition} after ${had}`, LIMIT_MS);
      }
      const cause = violation();
      if (cause) throw cause;
      const differs = before.findIndex((body, index) => body !== now[index]);
      if (differs >= 0) throw new Violation(`${this.name}: number ${differs} of partition ${partition} has changed.`);
    }
  }

  private async follow(
    hub: TortureHub,
    read: Map<string, string[]>,
    onRead: () => void,
  ): Promise<{ closed: Promise<unknown>; violation: () => Error | undefined }> {
    const client = await authorizedAmqp(hub, hub.eventHubsToken());
    let violation: Error | undefined;
    for (const partition of PARTITIONS) {
      const bodies = read.get(partition) ?? [];
      const selector = `amqp.annotation.x-opt-sequence-number > '${bodies.length - 1}'`;
      const address = `localhub/ConsumerGroups/$Default/Partitions/${partition}`;
      const filter = {
        'apache.org:selector-filter:string': types.wrap_described(selector, SELECTOR_FILTER),
      };
      const { receiver } = await unlessLost(
        client,
        client.receiver(address, { source: { address, filter }, autoaccept: true }),
      );
      receiver.on('message', ({ message }: EventContext) => {
        const number = Number(message?.message_annotations?.['x-opt-sequence-number']);
        if (number !== bodies.length) {
          violation ??= new Violation(`${this.name}: ${number} of partition ${partition} after ${bodies.length - 1}.`);
          client.stream.destroy();
          return;
        }
        bodies.push(textOf(message?.body));
        onRead();
        if (bodies.length % CREDIT_AT_ONCE === 0) receiver.add_credit(CREDIT_AT_ONCE);
      });
      receiver.add_credit(CREDIT + CREDIT_AT_ONCE);
    }
    return { closed: client.closed(), violation: () => violation };
  }
}

/** rhea gives a data section, or one of many. */
function textOf(body: unknown): string {
  const content = (body as { content?: Buffer }).content;
  return content?.toString() ?? '';
}
