import type { HubUnderTest } from '../../support/hub-under-test.js';
import type { ConformanceGroup } from './conformance-case.js';
import { DEVICE_CASES } from './device-cases.js';
import { EVENTS_CASES } from './events-cases.js';
import { MODULE_CASES } from './module-cases.js';
import { SERVICE_CASES } from './service-cases.js';

/** A group without the type of its protocols, for who goes through all of them. */
export interface AnyGroup {
  readonly title: string;
  readonly clients: string;
  readonly protocols: readonly string[];
  readonly cases: readonly {
    readonly operation: string;
    readonly over: readonly string[];
    readonly refusedAs?: string;
    readonly emulatorOnly?: string;
    run(hub: HubUnderTest, protocol: string): Promise<void>;
  }[];
}

const anyGroup = <Protocol extends string>(group: ConformanceGroup<Protocol>) => group as unknown as AnyGroup;

/** Every operation over every protocol: what conformance shows, and the parity table lists. */
export const CONFORMANCE_TABLE: readonly AnyGroup[] = [
  anyGroup(DEVICE_CASES),
  anyGroup(MODULE_CASES),
  anyGroup(SERVICE_CASES),
  anyGroup(EVENTS_CASES),
];
