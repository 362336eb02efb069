import { type HubUnderTest, openHubUnderTest } from '../support/hub-under-test.js';
import { liveHub } from '../support/live-hub.js';
import { CONFORMANCE_TABLE } from './table/conformance-table.js';

const isLive = liveHub() !== undefined;

/** Why a case is not for a real hub; undefined when it is. */
const notLive = ({ refusedAs, emulatorOnly }: { refusedAs?: string; emulatorOnly?: string }) =>
  refusedAs === undefined ? emulatorOnly : 'a real hub does not refuse it';

// One hub for all, as a real one would be.
describe(`the hub, through the official SDKs${isLive ? ', live' : ''}`, () => {
  let hub: HubUnderTest;
  beforeAll(async () => {
    hub = await openHubUnderTest();
  });
  afterAll(() => hub.close());

  for (const { title, protocols, cases } of CONFORMANCE_TABLE) {
    describe.each(protocols)(`${title} over %s`, (protocol) => {
      for (const one of cases.filter(({ over }) => over.includes(protocol))) {
        const reason = isLive ? notLive(one) : undefined;
        if (reason !== undefined) it.skip(`${one.operation} [SKIPPED: ${reason}]`, () => undefined);
        else it(one.operation, () => one.run(hub, protocol), isLive ? 180_000 : undefined);
      }
    });
  }
});
