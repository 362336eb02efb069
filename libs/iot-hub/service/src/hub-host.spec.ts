import { createHubAgent, parseHubHost } from './hub-host.js';

describe(parseHubHost.name, () => {
  it.each([
    ['demo.azure-devices.net', 'demo.azure-devices.net', undefined],
    ['localhost:8443', 'localhost', 8443],
  ])('reads %s', (text, name, port) => {
    expect(parseHubHost(text)).toEqual({ name, port });
  });
});

describe(createHubAgent.name, () => {
  it('puts name and port right only where a port is given', () => {
    expect(createHubAgent('localhost:8443').options).toMatchObject({ host: 'localhost', port: 8443 });
    expect(createHubAgent('demo.azure-devices.net').options).not.toHaveProperty('port');
  });
});
