import type { StackFacts } from './local-stack.js';

/** What is printed when the stack is up; bold headings on a terminal only. */
export function banner(stack: StackFacts, { isTerminal }: { isTerminal: boolean }): string {
  const bold = (text: string): string => (isTerminal ? `\u001b[1m${text}\u001b[22m` : text);
  const url = stack.apiUrl;
  const { deviceId } = stack.device;
  const capture = JSON.stringify({
    method_name: 'capture_image_from_camera',
    payload: { index: 0, blob_name: 'first.jpg' },
  });
  return [
    bold('Spyglass is ready; Ctrl-C stops it.'),
    `  Swagger UI  ${url}/`,
    `  Service     ${stack.serviceConnectionString}`,
    `  Event Hubs  ${stack.eventHubsConnectionString}`,
    `  Device      ${stack.device.connectionString}`,
    `  Storage     ${stack.storageConnectionString}`,
    `  Cosmos DB   ${stack.cosmosConnectionString}`,
    `  Logs        ${stack.logDirectory}`,
    `NODE_EXTRA_CA_CERTS=${stack.caFile}`,
    ...portNote(stack.hubHostName),
    bold('Try it:'),
    `  curl -X POST ${url}/iot_hub/call_direct_method -H 'content-type: application/json' -d '${capture}'`,
    `  then look at ${url}/blob_storage/images/${deviceId}/first.jpg and ${url}/telemetry`,
    '',
  ].join('\n');
}

/** Some official clients have ports of their own and do not read one from `HostName`. */
function portNote(hostName: string): string[] {
  if (!hostName.includes(':')) return [];
  return [
    'Ports 443, 8883 and 5671 are not all ours, so HostName carries the port. Node clients over HTTPS or WebSocket (Registry,',
    'Client, file upload, MqttWs) then need an https.Agent with host and port; Python device clients cannot connect.',
  ];
}
