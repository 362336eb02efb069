import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { requireFreePorts } from './free-ports.js';

describe(requireFreePorts.name, () => {
  it('names each taken port, who wants it and the setting that changes it', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    try {
      const check = requireFreePorts([
        { name: 'the API', port, setting: 'API_PORT' },
        { name: 'Azurite', port: 0, setting: 'AZURITE_PORT' },
      ]);
      await expect(check).rejects.toMatchObject({
        code: 'STACK.PORT_BUSY',
        message: `Port ${port} for the API is in use: set API_PORT to another port.`,
      });
    } finally {
      taken.close();
    }
  });
});
