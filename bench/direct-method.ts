import { Client } from 'azure-iothub';
import { Agent } from 'node:https';
import { formatMs, median, quantile, timed, type Result, type Scenario } from './scenario.js';
import { withStack } from './stack.js';
import type { StackFacts } from '../apps/local-stack/src/local-stack.js';

const ROUNDS = 300;

/** The agent answers a method it does not know at once (404), so this measures the way there and back. */
const METHOD = 'no_such_method';

export const directMethod: Scenario = {
  name: 'direct method',
  run: () => withStack(roundTrips),
};

async function roundTrips(facts: StackFacts): Promise<Result[]> {
  const client = Client.fromConnectionString(facts.serviceConnectionString);
  const [host = 'localhost', port = '443'] = facts.hubHostName.split(':');
  // The service client reads no port from HostName; its transport is told by an agent.
  const rest = (client as unknown as { _restApiClient: { setOptions: (options: object) => void } })._restApiClient;
  rest.setOptions({ http: { agent: new Agent({ host, port: Number(port), keepAlive: true }) } });

  const viaApi = async (): Promise<void> => {
    const response = await fetch(`${facts.apiUrl}/iot_hub/call_direct_method`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ device_id: facts.device.deviceId, method_name: METHOD, payload: {} }),
    });
    const { status } = (await response.json()) as { status: number };
    if (status !== 404) throw new Error(`the device answered ${status}`);
  };
  const viaHub = () =>
    client.invokeDeviceMethod(facts.device.deviceId, { methodName: METHOD, payload: {}, responseTimeoutInSeconds: 30 });

  const api: number[] = [];
  const hub: number[] = [];
  for (let round = -20; round < ROUNDS; round++) {
    const apiMs = await timed(viaApi);
    const hubMs = await timed(viaHub);
    if (round >= 0) {
      api.push(apiMs);
      hub.push(hubMs);
    }
  }
  return [
    {
      what: `direct method through the API, end to end (${ROUNDS} alternating rounds)`,
      measured: `p50 ${formatMs(median(api))}, p99 ${formatMs(quantile(api, 0.99))}`,
      baseline: `azure-iothub straight to the hub: p50 ${formatMs(median(hub))}, p99 ${formatMs(quantile(hub, 0.99))}`,
      goal: 'p50 ≤ 15 ms',
      met: median(api) <= 15,
    },
  ];
}
