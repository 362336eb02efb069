import { EmulatorOptionError } from '../../emulator-options.js';
import { HubError } from '../errors/hub-errors.js';

/** The group every event hub has. */
export const DEFAULT_CONSUMER_GROUP = '$Default';

/** Most groups of the built-in endpoint, the default one included. @see https://learn.microsoft.com/azure/event-hubs/event-hubs-quotas */
const MAX_GROUPS = 20;

/** @see https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules#microsofteventhub */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,48}[A-Za-z0-9])?$/;

/** The consumer groups of the built-in endpoint, by names that differ by more than case. */
export class ConsumerGroups {
  /** By lower-case name. */
  private readonly groups = new Map([[DEFAULT_CONSUMER_GROUP.toLowerCase(), DEFAULT_CONSUMER_GROUP]]);

  /** @throws {@link EmulatorOptionError} for a name that cannot be, or too many of them. */
  constructor(names: readonly string[] = []) {
    for (const name of names) {
      const key = name.toLowerCase();
      if (!NAME.test(name) && key !== DEFAULT_CONSUMER_GROUP.toLowerCase()) {
        throw new EmulatorOptionError(
          `The consumer group ${JSON.stringify(name)} cannot be: a name has 1 to 50 letters, digits, periods, hyphens and underscores, with a letter or digit at either end.`,
        );
      }
      if (!this.groups.has(key)) this.groups.set(key, name);
    }
    if (this.groups.size > MAX_GROUPS) {
      throw new EmulatorOptionError(`There may be ${MAX_GROUPS} consumer groups, ${DEFAULT_CONSUMER_GROUP} included.`);
    }
  }

  /** @returns the group's name as it was given. @throws {@link HubError} `MessagingEntityNotFound`. */
  find(name: string): string {
    const group = this.groups.get(name.toLowerCase());
    if (group === undefined) {
      const known = [...this.groups.values()].join(', ');
      throw new HubError(
        'MessagingEntityNotFound',
        `The messaging entity '${name}' could not be found: it is no consumer group of this hub, which has ${known}.`,
      );
    }
    return group;
  }
}
