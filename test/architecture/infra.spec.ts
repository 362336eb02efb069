import { existsSync, globSync, readFileSync } from 'node:fs';
import { TELEMETRY_CONTAINER, TELEMETRY_DAYS, telemetryPartition } from '#libs/cosmos';
import { loadApiConfig } from '../../apps/api/src/api.config.js';
import { API_SETTINGS } from '../../apps/api/src/api.settings.js';
import { connectionStringOf, loadDeviceAgentSettings } from '../../apps/device-agent/src/device-agent.config.js';
import { type BicepFile, parseBicep, readBicep } from '../support/bicep.js';

/** Who may do what on which resource, and the line of code that needs it: no more is granted, and no less. */
const GRANTS = [
  {
    role: 'Storage Blob Data Contributor',
    id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    to: 'iotHubPrincipalId',
    on: 'account',
    because: { file: 'libs/iot-hub/device/src/file-uploads.ts', line: /getBlobSharedAccessSignature|BlobSas|upload/i },
  },
  {
    role: 'Storage Blob Data Contributor',
    id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe',
    to: 'apiPrincipalId',
    on: 'container',
    because: { file: 'libs/blob-storage/src/blob-storage.ts', line: /delete/ },
  },
  {
    role: 'Cosmos DB Built-in Data Contributor',
    id: '00000000-0000-0000-0000-000000000002',
    to: 'iotHubPrincipalId',
    on: '${account.id}/dbs/${database.name}',
    because: { file: 'infra/routing/routes.json', line: /"telemetry"/ },
  },
  {
    role: 'Cosmos DB Built-in Data Reader',
    id: '00000000-0000-0000-0000-000000000001',
    to: 'apiPrincipalId',
    on: '${account.id}/dbs/${database.name}',
    because: { file: 'apps/api/src/modules/telemetry/telemetry.module.ts', line: /new CosmosContainer/ },
  },
  {
    role: 'IoT Hub Data Contributor',
    id: '4fc6c259-987e-4a07-842e-c321cc9d413f',
    to: 'apiPrincipalId',
    on: 'hub',
    because: { file: 'libs/iot-hub/service/src/direct-methods.ts', line: /invokeDeviceMethod/ },
  },
  {
    role: 'Cognitive Services OpenAI User',
    id: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd',
    to: 'apiPrincipalId',
    on: 'account',
    because: { file: 'libs/ai/src/ambient-token.ts', line: /getBearerTokenProvider/ },
  },
  {
    role: 'AcrPull',
    id: '7f951dda-4ed3-4680-a7ca-43fe172d538d',
    to: 'apiPrincipalId',
    on: 'registry',
    because: { file: 'infra/modules/container-app.bicep', line: /registries: registryName/ },
  },
  {
    role: 'Storage Blob Data Owner',
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b',
    to: 'apiPrincipalId',
    on: 'hostStorage',
    because: { file: 'infra/modules/function-app.bicep', line: /AzureWebJobsStorage__accountName/ },
  },
  {
    role: 'Monitoring Metrics Publisher',
    id: '3913510d-42f4-4e42-8a64-420c390055eb',
    to: 'apiPrincipalId',
    on: 'insights',
    because: { file: 'infra/modules/function-app.bicep', line: /APPLICATIONINSIGHTS_AUTHENTICATION_STRING/ },
  },
];

/** Read by @azure/identity, not by us: which of the identities an app signs in as. */
const SETTINGS_OF_THE_SDK = ['AZURE_CLIENT_ID'];

/** What the expressions of the outputs may come to. */
const EXAMPLES: Record<string, string> = {
  AZURE_CLIENT_ID: '0b9a3c1e-7d52-4c8e-9f0e-2f6a1d3b5c7e',
  IOT_HUB_HOST_NAME: 'iot-spyglass1a2b3c4d.azure-devices.net',
  IOT_HUB_DEVICE_ID: 'device001',
  BLOB_STORAGE_ACCOUNT_NAME: 'stspyglass1a2b3c4d',
  BLOB_STORAGE_CONTAINER_NAME: 'dev',
  COSMOS_ENDPOINT: 'https://cosmos-spyglass1a2b3c4d.documents.azure.com:443/',
  COSMOS_DATABASE_NAME: 'spyglass',
  COSMOS_CONTAINER_NAME: 'telemetry',
  AI_SERVICES_ENDPOINT: 'https://oai-spyglass1a2b3c4d.openai.azure.com/',
  AI_SERVICES_MODEL_GPT: 'gpt-4o',
  CORS_ORIGINS: '',
  ALLOWED_HOSTS: 'ca-api-spyglass1a2b3c4d.happyhill.westeurope.azurecontainerapps.io',
  API_PORT: '8000',
};

let main: BicepFile;
let modules: BicepFile[];

beforeAll(async () => {
  main = await readBicep('infra/main.bicep');
  modules = await Promise.all(globSync('infra/modules/*.bicep').map((path) => readBicep(path)));
});

const moduleAt = (path: string): BicepFile => {
  const found = modules.find((file) => file.path === path);
  if (!found) throw new Error(`There is no ${path}`);
  return found;
};

/** Names that `text` uses and that are secure parameters, or variables made from them. */
function secretsIn(text: string, file: BicepFile, seen: readonly string[] = []): string[] {
  return [...text.matchAll(/[A-Za-z_]\w*/g)].flatMap(([word]) => {
    if (file.parameters.get(word)?.secure) return [word];
    const value = seen.includes(word) ? undefined : file.variables.get(word);
    return value === undefined ? [] : secretsIn(value, file, [...seen, word]);
  });
}

const isAssignment = ({ type }: { type: string }): boolean => /\/(?:sqlRoleAssignments|roleAssignments)$/.test(type);

describe(parseBicep.name, () => {
  it('names the line of what is not Bicep', async () => {
    await expect(parseBicep("param a string\nresource b 'x@1' = {\n  name 'c'\n}\n")).rejects.toThrow(/^text:[34]: /);
  });
});

describe('the Bicep of infra/', () => {
  it('uses every module, with each parameter that the module needs and no other', () => {
    expect(main.modules.map(({ path }) => path).sort()).toEqual(modules.map(({ path }) => path).sort());
    for (const { path, parameters } of main.modules) {
      const declared = [...moduleAt(path).parameters];
      const needed = declared.filter(([, { required }]) => required).map(([name]) => name);
      expect({ path, missing: needed.filter((name) => !parameters.includes(name)) }).toEqual({ path, missing: [] });
      const known = declared.map(([name]) => name);
      expect({ path, unknown: parameters.filter((name) => !known.includes(name)) }).toEqual({ path, unknown: [] });
    }
  });

  it('takes from each module only what it puts out', () => {
    for (const [, alias = '', output = ''] of main.text.matchAll(/\b(\w+)!?\.outputs\.(\w+)/g)) {
      const path = main.modules.find(({ name }) => name === alias)?.path;
      expect({ alias, output, known: path !== undefined && moduleAt(path).outputs.has(output) }).toMatchObject({
        known: true,
      });
    }
  });

  it('declares nothing that it does not use', () => {
    for (const file of [main, ...modules]) {
      const unused = [...file.parameters.keys(), ...file.variables.keys()].filter(
        (name) => (file.text.match(new RegExp(`\\b${name}\\b`, 'g')) ?? []).length < 2,
      );
      expect({ file: file.path, unused }).toEqual({ file: file.path, unused: [] });
    }
  });

  it('gives its parameter file every parameter without a default, and none that there is not', () => {
    const given = [...readFileSync('infra/main.bicepparam', 'utf8').matchAll(/^param (\w+)/gm)].map(([, name]) => name);
    const required = [...main.parameters].filter(([, parameter]) => parameter.required).map(([name]) => name);
    expect(given).toEqual(expect.arrayContaining(required));
    expect(given.filter((name) => !main.parameters.has(name ?? ''))).toEqual([]);
  });

  it('grants exactly the roles that the code needs', () => {
    const granted = modules.flatMap((file) =>
      file.resources.filter(isAssignment).map(({ text, type }) => {
        const value = (key: string) => new RegExp(`^ +${key}: '?(.+?)'?$`, 'm').exec(text)?.[1];
        return {
          role: /guid\(.*'([^']+)'\)/.exec(text)?.[1],
          id: /([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})'/.exec(text)?.[1],
          to: value('principalId'),
          on: value('scope'),
          type,
        };
      }),
    );
    const inOrder = (grants: { role?: string | undefined; to?: string | undefined }[]) =>
      grants.map((grant) => JSON.stringify(grant)).sort();
    expect(inOrder(granted.map(({ role, id, to, on }) => ({ role, id, to, on })))).toEqual(
      inOrder(GRANTS.map(({ role, id, to, on }) => ({ role, id, to, on }))),
    );
  });

  it.each(GRANTS)('grants $role to $to because of a line that is there', ({ because: { file, line } }) => {
    expect(readFileSync(file, 'utf8')).toMatch(line);
  });

  it('says above each role why it is granted', () => {
    for (const file of modules) {
      for (const { text, comment } of file.resources.filter(isAssignment)) {
        const role = /guid\(.*'([^']+)'\)/.exec(text)?.[1] ?? '';
        expect(comment).toMatch(new RegExp(`^// ${role} for `));
      }
    }
  });

  it('signs in with identities alone: no keys are read, and those that services have are switched off', () => {
    for (const file of [main, ...modules])
      expect(file.text).not.toMatch(/\blist\w*\(|AccountKey=|primaryKey|\bsharedKey\b|SharedAccessSignature/i);
    const switchedOff = Object.fromEntries(
      modules.flatMap((file) =>
        file.resources
          .filter(({ type, existing }) => !existing && /accounts$|Accounts$|IotHubs$|components$/.test(type))
          .map(({ type, text }) => [
            type,
            /allowSharedKeyAccess: false|disableLocalAuth: (?:true|!hubKeys)/i.test(text),
          ]),
      ),
    );
    expect(switchedOff).toEqual({
      'Microsoft.Storage/storageAccounts': true,
      'Microsoft.DocumentDB/databaseAccounts': true,
      'Microsoft.CognitiveServices/accounts': true,
      'Microsoft.Devices/IotHubs': true,
      'Microsoft.Insights/components': true,
    });
    expect(main.text).toContain('param iotHubKeys bool = false');
  });

  it('puts out no secret', () => {
    for (const file of [main, ...modules]) {
      for (const [name, value] of file.outputs)
        expect({ name, secrets: secretsIn(value, file) }).toEqual({ name, secrets: [] });
      for (const [name, { secure }] of file.parameters)
        expect({ name, secure }).toEqual({
          name,
          secure: /keys$/i.test(name) && name !== 'iotHubKeys' && name !== 'hubKeys',
        });
    }
  });

  it.each(['infra/modules/container-app.bicep', 'infra/modules/function-app.bicep'])(
    'puts out the environment with which the API of %s starts',
    (path) => {
      const environment = { ...main.objectsIn('settings'), ...moduleAt(path).objectsIn('environmentOfApi') };
      const known = [...Object.keys(API_SETTINGS.shape), ...SETTINGS_OF_THE_SDK];
      expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);

      const env = Object.fromEntries(
        Object.entries(environment).map(([name, value]) => [name, EXAMPLES[name] ?? value]),
      );
      const config = loadApiConfig({ ...env, API_KEYS: 'a-key-of-more-than-16-characters' });
      expect(config.iotHub.credentials?.kind).toBe('identity');
      expect(config.blobStorage.credentials?.kind).toBe('identity');
      expect(config.cosmos).toMatchObject({ credentials: { kind: 'identity', endpoint: EXAMPLES.COSMOS_ENDPOINT } });
      expect(config.aiServices).toMatchObject({ endpoint: EXAMPLES.AI_SERVICES_ENDPOINT, apiKey: undefined });
      expect(config.http).toMatchObject({ trustProxy: true, allowedHosts: [EXAMPLES.ALLOWED_HOSTS] });
    },
  );

  it('makes the container of telemetry as the code declares it', () => {
    const { text } = moduleAt('infra/modules/cosmos-db.bicep');
    const all = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, value]) => value);
    const { partitionKeyPath, includedPaths, excludedPaths, descendingTogether, ...rest } = TELEMETRY_CONTAINER;
    expect(all(/paths: \['(.+?)'\]/g)).toEqual([partitionKeyPath]);
    const [included = '', excluded = ''] = all(/(?:included|excluded)Paths: \[(.+)\]/g);
    const pathsIn = (list: string) => [...list.matchAll(/path: '(.+?)'/g)].map(([, path]) => path);
    expect(pathsIn(included)).toEqual(includedPaths);
    expect(pathsIn(excluded)).toEqual(excludedPaths);
    expect([all(/path: '(.+?)', order: 'descending'/g)]).toEqual(descendingTogether);
    expect(rest).toEqual({ defaultTtlSeconds: TELEMETRY_DAYS * 86_400 });
    expect(text).toContain('defaultTtl: telemetryRetentionDays * 86400');
    expect(main.text).toContain(`param telemetryRetentionDays int = ${TELEMETRY_DAYS}`);
  });

  it('has the partition key that the code computes in the template of the route', () => {
    const hub = moduleAt('infra/modules/iot-hub.bicep').text;
    const template = /partitionKeyTemplate: '(.+)'/.exec(hub)?.[1] ?? '';
    const filled = template.replace('{deviceid}', 'device001').replace('{YYYY}', '2026').replace('{MM}', '03');
    expect(filled).toBe(telemetryPartition('device001', { year: 2026, month: 3 }));
    expect(`/${/partitionKeyName: '(.+)'/.exec(hub)?.[1] ?? ''}`).toBe(TELEMETRY_CONTAINER.partitionKeyPath);
  });

  it("puts out what the agent reads, but for the device's key", () => {
    const output = main.outputs.get('agentEnvironment') ?? '';
    const [, name = '', value = ''] = /\b(\w+): '(.+)'/.exec(output) ?? [];
    expect(value).toMatch(/;SharedAccessKey=$/);
    expect(connectionStringOf(loadDeviceAgentSettings({ [name]: `${value}a2V5` }))).toBe(`${value}a2V5`);
  });
});

describe('infra/routing/routes.json', () => {
  interface Route {
    name: string;
    source: string;
    condition: string;
    endpointNames: string[];
    isEnabled: boolean;
  }
  const { routes, fallbackRoute, ...rest } = JSON.parse(readFileSync('infra/routing/routes.json', 'utf8')) as {
    routes: Route[];
    fallbackRoute: Route;
  };

  it('is what the hub is deployed with', () => {
    const hub = moduleAt('infra/modules/iot-hub.bicep');
    expect(hub.variables.get('routing')).toBe("loadJsonContent('../routing/routes.json')");
    expect(hub.text).toMatch(/routes: routing\.routes\n +fallbackRoute: routing\.fallbackRoute\n/);
  });

  it('names only endpoints that the hub has, one a route', () => {
    const endpoints = /cosmosDBSqlContainers: \[\s*\{\s*name: '(\w+)'/.exec(
      moduleAt('infra/modules/iot-hub.bicep').text,
    )?.[1];
    for (const { endpointNames } of [...routes, fallbackRoute]) {
      expect(endpointNames).toHaveLength(1);
      expect(['events', endpoints]).toContain(endpointNames[0]);
    }
  });

  it('has the shape of properties.routing in the resource manager, and fits a free hub', () => {
    expect(rest).toEqual({});
    for (const route of [...routes, fallbackRoute]) {
      expect(Object.keys(route).sort()).toEqual(['condition', 'endpointNames', 'isEnabled', 'name', 'source']);
    }
    expect(new Set(routes.map(({ name }) => name)).size).toBe(routes.length);
    // https://learn.microsoft.com/azure/iot-hub/iot-hub-devguide-quotas-throttling
    expect(routes.length).toBeLessThanOrEqual(5);
  });

  it('keeps all four sources at the events endpoint, and stores telemetry', () => {
    const routed = routes.filter(({ isEnabled, condition }) => isEnabled && condition === 'true');
    const to = (endpoint: string) =>
      routed.filter(({ endpointNames }) => endpointNames[0] === endpoint).map(({ source }) => source);
    expect(to('events').sort()).toEqual([
      'DeviceConnectionStateEvents',
      'DeviceLifecycleEvents',
      'DeviceMessages',
      'TwinChangeEvents',
    ]);
    expect(to('telemetry')).toEqual(['DeviceMessages']);
    expect(fallbackRoute).toMatchObject({ source: 'DeviceMessages', endpointNames: ['events'], isEnabled: true });
  });
});

describe('infra/functions', () => {
  const host = JSON.parse(readFileSync('infra/functions/host.json', 'utf8')) as {
    customHandler: { enableProxyingHttpRequest: boolean; description: { arguments: string[] } };
    extensions: { http: { routePrefix: string } };
  };

  it('hands every request to the API as it came, whatever its path and method', () => {
    expect(host.customHandler.enableProxyingHttpRequest).toBe(true);
    expect(host.extensions.http.routePrefix).toBe('');
    const { bindings } = JSON.parse(readFileSync('infra/functions/api/function.json', 'utf8')) as {
      bindings: { methods?: string[] }[];
    };
    expect(bindings).toHaveLength(2);
    expect(bindings[0]).toMatchObject({ type: 'httpTrigger', authLevel: 'anonymous', route: '{*path}' });
    const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'];
    expect(bindings[0]?.methods?.sort()).toEqual(methods.sort());
  });

  it('starts a file that the build makes', () => {
    const main = host.customHandler.description.arguments.at(-1) ?? '';
    expect(existsSync(main.replace(/^dist\//, '').replace(/\.js$/, '.ts'))).toBe(true);
  });
});
