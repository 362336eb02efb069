import { Command } from 'commander';
import { createCommand, explainFailure } from './cli.js';
import { startOptions, type StartSettings } from './iot-hub-emulator.config.js';
import { EmulatorOptionError } from './emulator-options.js';
import { EMULATOR_VERSION } from './emulator-version.js';

/** What the command would start with, out of arguments and environment variables. */
function settingsOf(args: readonly string[], variables: Readonly<Record<string, string>> = {}): StartSettings {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  for (const option of startOptions()) command.addOption(option);
  const names = Object.keys(variables);
  const before = names.map((name) => process.env[name]);
  Object.assign(process.env, variables);
  try {
    return command.parse([...args], { from: 'user' }).opts<StartSettings>();
  } finally {
    for (const [index, name] of names.entries()) {
      const value = before[index];
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

describe(createCommand, () => {
  it('shows in its help every option of the command that it runs by default', () => {
    let help = '';
    const command = createCommand().configureOutput({ writeOut: (text) => (help += text) });
    command.outputHelp();
    for (const { long } of startOptions()) expect(help).toContain(long);
  });

  it('tells its version', async () => {
    let version = '';
    const command = createCommand().exitOverride();
    command.configureOutput({ writeOut: (text) => (version += text) });
    await expect(command.parseAsync(['--version'], { from: 'user' })).rejects.toMatchObject({ exitCode: 0 });
    expect(version).toBe(`${EMULATOR_VERSION}\n`);
  });

  it.each([[['strat']], [['--port', '0', 'strat']], [['start', 'strat']]])(
    'names the commands there are after %j',
    async (args) => {
      let errors = '';
      const command = createCommand().exitOverride();
      command.configureOutput({ writeErr: (text) => (errors += text) });
      await expect(command.parseAsync(args, { from: 'user' })).rejects.toMatchObject({ exitCode: 1 });
      expect(errors).toBe(
        'There is no command "strat". The commands are start, certificates, events; --help tells about them.\n',
      );
    },
  );
});

describe(startOptions.name, () => {
  it('has the documented defaults', () => {
    expect(settingsOf([])).toEqual({
      host: '127.0.0.1',
      port: 8443,
      standardPorts: true,
      dataDir: '.data/iot-hub',
      inMemory: false,
      storageContainer: 'dev',
      cosmosEndpointName: 'telemetry',
      cosmosContainer: 'telemetry',
      cosmosPartitionKeyName: 'partitionKey',
      cosmosPartitionKeyTemplate: '{deviceid}-{YYYY}-{MM}',
      tlsName: [],
      caCertificate: [],
      retentionDays: 1,
      c2dTtlMinutes: 60,
      c2dMaxDeliveryCount: 10,
      consumerGroup: [],
      logLevel: 'info',
    });
  });

  it('takes every option from the environment, the command line going first', () => {
    const variables = {
      IOT_HUB_EMULATOR_PORT: '1',
      IOT_HUB_EMULATOR_STANDARD_PORTS: 'false',
      IOT_HUB_EMULATOR_IN_MEMORY: 'true',
      IOT_HUB_EMULATOR_TLS_NAME: 'a.example, b.example',
      IOT_HUB_EMULATOR_CA_CERTIFICATES: 'root.pem,other.pem',
      IOT_HUB_EMULATOR_SEED: 'seed.yaml',
      IOT_HUB_EMULATOR_STORAGE_CONNECTION_STRING: 'x',
      IOT_HUB_EMULATOR_ROUTES: 'routes.json',
      IOT_HUB_EMULATOR_COSMOS_CONNECTION_STRING: 'y',
      IOT_HUB_EMULATOR_COSMOS_DATABASE: 'db',
    };
    expect(settingsOf(['--port', '2'], variables)).toMatchObject({
      port: 2,
      standardPorts: false,
      inMemory: true,
      tlsName: ['a.example', 'b.example'],
      caCertificate: ['root.pem', 'other.pem'],
      seed: 'seed.yaml',
      storageConnectionString: 'x',
      routes: 'routes.json',
      cosmosConnectionString: 'y',
      cosmosDatabase: 'db',
    });
    expect(settingsOf(['--standard-ports'], variables).standardPorts).toBe(true);
  });

  it('understands flags alone', () => {
    expect(settingsOf(['--no-standard-ports', '--in-memory'])).toMatchObject({ standardPorts: false, inMemory: true });
  });

  it.each([
    [['--port', 'x'], {}],
    [['--port', '65536'], {}],
    [['--log-level', 'loud'], {}],
    [['--policy-keys', 'own'], {}],
    [[], { IOT_HUB_EMULATOR_STANDARD_PORTS: 'perhaps' }],
    [['--frobnicate'], {}],
  ])('refuses %j %j', (args, variables) => {
    expect(() => settingsOf(args, variables)).toThrow();
  });
});

describe(explainFailure.name, () => {
  it('names port and setting of a busy port', () => {
    const cause = Object.assign(new Error('listen'), { code: 'EADDRINUSE' });
    expect(explainFailure(cause, 8443)).toBe(
      'Port 8443 is in use: choose another one with --port or IOT_HUB_EMULATOR_PORT.',
    );
  });

  it('tells a folder that cannot be used from a port that is not permitted', () => {
    const denied = { code: 'EACCES' };
    expect(explainFailure(Object.assign(new Error('x'), denied, { syscall: 'listen' }), 443)).toMatch(/^Port 443 /);
    const folder = Object.assign(new Error('EACCES: mkdir'), denied, { syscall: 'mkdir', path: '/data' });
    expect(explainFailure(folder, 443)).toMatch(/^The data folder .* IOT_HUB_EMULATOR_DATA_DIR\.$/);
  });

  it('names the setting of an address that cannot be listened on', () => {
    for (const cause of [{ code: 'EADDRNOTAVAIL' }, { code: 'ENOTFOUND', syscall: 'getaddrinfo' }])
      expect(explainFailure(Object.assign(new Error('x'), cause))).toMatch(/ IOT_HUB_EMULATOR_HOST\.$/);
  });

  it('explains what the user can mend and nothing else', () => {
    expect(explainFailure(new EmulatorOptionError('Do this.'), 1)).toBe('Do this.');
    expect(explainFailure(new TypeError('our fault'), 1)).toBeUndefined();
  });
});
