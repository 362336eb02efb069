import { banner } from './banner.js';

const facts = {
  apiUrl: 'http://127.0.0.1:8000',
  hubHostName: 'localhost',
  serviceConnectionString: 'HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=a',
  eventHubsConnectionString:
    'Endpoint=sb://localhost/;SharedAccessKeyName=service;SharedAccessKey=e;EntityPath=localhub',
  device: { deviceId: 'device001', connectionString: 'HostName=localhost;DeviceId=device001;SharedAccessKey=b' },
  storageConnectionString: 'AccountName=c',
  cosmosConnectionString: 'AccountEndpoint=https://127.0.0.1:8081/;AccountKey=d',
  caFile: '/data/ca.pem',
  logDirectory: '/data/logs',
};

describe(banner.name, () => {
  it('gives what a program needs on lines of their own, without colour outside a terminal', () => {
    const text = banner(facts, { isTerminal: false });
    expect(text).not.toContain('\u001b');
    expect(text).toMatch(/^NODE_EXTRA_CA_CERTS=\/data\/ca\.pem$/m);
    for (const connectionString of [
      facts.serviceConnectionString,
      facts.eventHubsConnectionString,
      facts.device.connectionString,
      facts.storageConnectionString,
      facts.cosmosConnectionString,
    ]) {
      expect(text).toContain(`  ${connectionString}\n`);
    }
    expect(banner(facts, { isTerminal: true })).toContain('\u001b[1m');
  });

  it('names the clients that need an agent only when the host name carries a port', () => {
    expect(banner(facts, { isTerminal: false })).not.toContain('https.Agent');
    expect(banner({ ...facts, hubHostName: 'localhost:8443' }, { isTerminal: false })).toContain('https.Agent');
  });
});
