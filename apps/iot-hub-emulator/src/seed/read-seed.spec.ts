import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SeedError } from './checked-file.js';
import { readBeginning, type BeginningSources } from './read-seed.js';

const route = (more: object = {}) => ({
  name: 'r1',
  source: 'DeviceMessages',
  condition: 'true',
  endpointNames: ['events'],
  isEnabled: true,
  ...more,
});
const endpoint = {
  name: 'telemetry',
  connectionString: 'AccountEndpoint=https://localhost:8081/;AccountKey=a2V5;',
  databaseName: 'db',
  containerName: 'c',
  partitionKeyName: 'pk',
};

describe(readBeginning.name, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'read-seed-'));
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  const write = async (name: string, content: object | string) => {
    const file = path.join(directory, name);
    await writeFile(file, typeof content === 'string' ? content : JSON.stringify(content, undefined, 1));
    return file;
  };
  const problemsOf = async (sources: BeginningSources): Promise<string> => {
    const cause: unknown = await readBeginning(sources).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(cause instanceof SeedError)) throw new Error('It was taken.');
    return cause.message.replaceAll(`${directory}/`, '');
  };

  it('finds the files of certificate authorities beside the seed', async () => {
    const pem = '-----BEGIN CERTIFICATE-----';
    const seed = await write('seed.json', { devices: [], caCertificates: ['certs/root.pem', pem] });
    const { caCertificates } = await readBeginning({ seed, caCertificates: ['given.pem'] });
    expect(caCertificates).toEqual(['given.pem', path.join(directory, 'certs/root.pem'), pem]);
  });

  it('begins with a fallback to the built-in endpoint when nothing is said', async () => {
    expect(await readBeginning({})).toMatchObject({
      devices: [],
      routing: { routes: [], fallbackRoute: { endpointNames: ['events'], isEnabled: true } },
      cosmosDbEndpoints: [],
    });
  });

  it('takes routes from the seed, from a file that the seed names, and first of all from its own option', async () => {
    const inSeed = { devices: [], properties: { routing: { routes: [route({ name: 'seed' })] } } };
    await write('routes.json', { routes: [route({ name: 'file' })] });
    const seed = await write('seed.yaml', 'devices: []\nroutingFile: routes.json\n');
    const nameOf = async (sources: BeginningSources) => (await readBeginning(sources)).routing.routes[0]?.name;
    expect(await nameOf({ seed: await write('s.json', inSeed) })).toBe('seed');
    expect(await nameOf({ seed })).toBe('file');
    const routing = await write('own.json', { routes: [route({ name: 'own' })] });
    expect(await nameOf({ seed, routing })).toBe('own');
  });

  it('adds endpoints that are given beside the routes to those within them', async () => {
    const { name, databaseName, containerName, partitionKeyName } = { ...endpoint, name: 'own' };
    const own = {
      name,
      databaseName,
      containerName,
      partitionKeyName,
      endpointUri: 'https://a.example',
      primaryKey: 'k',
    };
    const routing = { endpoints: { cosmosDBSqlContainers: [own], eventHubs: [] }, routes: [] };
    const { cosmosDbEndpoints } = await readBeginning({ routing, cosmosDbEndpoints: [endpoint] });
    expect(cosmosDbEndpoints.map((each) => [each.name, each.partitionKeyTemplate])).toEqual([
      ['telemetry', '{deviceid}-{YYYY}-{MM}'],
      ['own', '{deviceid}-{YYYY}-{MM}'],
    ]);
  });

  it('names file, line and path of every problem with routes', async () => {
    const file = await write(
      'routes.yaml',
      [
        'routes:',
        '  - { name: a, source: DeviceMessages, condition: "level >", endpointNames: [events], isEnabled: true }',
        '  - { name: a, source: Telemetry, condition: "true", endpointNames: [events], isEnabled: true }',
        '  - { name: b, source: DigitalTwinChangeEvents, condition: "true", endpointNames: [events], isEnabled: true }',
        '  - { name: c, source: DeviceMessages, condition: "true", endpointNames: [], isEnabled: true }',
        '  - { name: d, source: DeviceMessages, condition: "true", endpointNames: [events], isEnabled: true, x: 1 }',
        'enrichments: [{ key: a b, value: $twin.etag, endpointNames: [nowhere] }]',
        'endpoints:',
        '  storageContainers: [{ name: s }]',
      ].join('\n'),
    );
    const problems = await problemsOf({ routing: file });
    expect(problems).toMatch(/^The routing cannot be used:/);
    expect(problems).toMatch(/routes\.yaml:2: routes\[0\]\.condition: .*character 8/);
    expect(problems).toMatch(/routes\.yaml:3: routes\[1\]\.source: there is no source Telemetry; use one of /);
    expect(problems).toMatch(/routes\.yaml:4: routes\[2\]\.source: .*not implemented/);
    expect(problems).toMatch(/routes\.yaml:5: routes\[3\]\.endpointNames/);
    expect(problems).toMatch(/routes\.yaml:6: routes\[4\]\.x: /);
    expect(problems).toMatch(/routes\.yaml:7: enrichments\[0\]\.key: must be letters/);
    expect(problems).toMatch(/routes\.yaml:7: enrichments\[0\]\.value: .*\$twin\.tags/);
    expect(problems).toMatch(/routes\.yaml:9: endpoints\.storageContainers: a storage endpoint is not implemented/);
  });

  it('refuses endpoints that nobody has given, and names that are there twice', async () => {
    const routes = [route({ endpointNames: ['telemetry'] }), route()];
    const file = await write('routes.json', { routes });
    const problems = await problemsOf({ routing: file });
    expect(problems).toMatch(
      /routes\.json:8: routes\[0\]\.endpointNames\[0\]: there is no endpoint telemetry; there is events/,
    );
    expect(problems).toMatch(/routes\[1\]\.name: there is another route r1/);
    const seed = { devices: [], properties: { routing: { routes } } };
    expect(await problemsOf({ seed: await write('s.json', seed) })).toMatch(
      /properties\.routing\.routes\[0\]\.endpointNames/,
    );
  });

  it.each([
    [{ name: 'events' }, /name: is a reserved name/],
    [{ partitionKeyTemplate: 'fixed' }, /partitionKeyTemplate: it needs one of/],
    [{ connectionString: 'secret' }, /connectionString: must be of the form/],
    [{ authenticationType: 'identityBased' }, /authenticationType: .*not implemented/],
    [{ databaseName: '' }, /databaseName/],
    [{ colour: 'red' }, /colour/],
  ])('refuses an endpoint with %j, without quoting a secret', async (more, problem) => {
    const problems = await problemsOf({ cosmosDbEndpoints: [{ ...endpoint, ...more }] });
    expect(problems).toMatch(problem);
    expect(problems).not.toMatch(/secret|a2V5/);
  });
});
