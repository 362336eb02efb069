import { readFileSync, existsSync, globSync } from 'node:fs';
import { parse } from 'yaml';

interface Step {
  uses?: string;
  run?: string;
}
interface Workflow {
  on: Record<string, unknown>;
  permissions: Record<string, string>;
  jobs: Record<string, { steps: Step[]; permissions?: Record<string, string>; 'timeout-minutes'?: number }>;
}

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
const makefile = readFileSync('Makefile', 'utf8');
const workflows = globSync('.github/workflows/*.yml').map((path) => {
  const text = readFileSync(path, 'utf8');
  return { path, text, workflow: parse(text) as Workflow };
});

/** The npm scripts that a command line runs. */
const scriptsIn = (text: string): string[] =>
  [...text.matchAll(/\bnpm (?:run (?:-s )?([\w:-]+)|(start|test)\b)/g)].map(([, run, short]) => run ?? short ?? '');

const targets = [...makefile.matchAll(/^([a-z][a-z-]*):/gm)].map(([, target]) => target ?? '');

describe('Makefile', () => {
  it("has the original's targets, but for its documentation site and side scenarios", () => {
    expect(targets).toEqual(
      expect.arrayContaining(
        (
          'help info install-deps-dev install-deps format-check format fix lint test ci-test docker-build docker-run ' +
          'docker-lint docker-scan ci-test-docker azure-functions azure-functions-deploy azure-functions-publish server'
        ).split(' '),
      ),
    );
  });

  it('calls npm scripts that there are, and says of each target what it does', () => {
    const called = scriptsIn(makefile);
    expect(called.length).toBeGreaterThan(5);
    expect(called.filter((name) => !(name in scripts))).toEqual([]);
    expect(targets.filter((target) => !new RegExp(`^${target}:.*## \\S`, 'm').test(makefile))).toEqual([]);
    expect(targets.filter((target) => !makefile.includes(`.PHONY: ${target}\n`))).toEqual([]);
  });
});

describe('the workflows', () => {
  it('are there', () => {
    expect(workflows.map(({ path }) => path).sort()).toEqual([
      '.github/workflows/ci.yml',
      '.github/workflows/publish-client-sdk.yml',
    ]);
  });

  it.each(workflows)('$path pins every action by hash, with its version beside it', ({ text }) => {
    const uses = text.split('\n').filter((line) => /^\s*-?\s*uses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w.-]+\/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it.each(workflows)('$path may read only, keeps no credentials and ends in time', ({ text, workflow }) => {
    expect([{ contents: 'read' }, {}]).toContainEqual(workflow.permissions);
    for (const job of Object.values(workflow.jobs)) {
      expect(job['timeout-minutes']).toBeGreaterThan(0);
      const { contents = 'read', ...rest } = job.permissions ?? {};
      expect(contents).toBe('read');
      expect(Object.keys(rest).filter((name) => name !== 'id-token')).toEqual([]);
    }
    expect(text.match(/actions\/checkout@/g)?.length).toBe(text.match(/persist-credentials: false/g)?.length);
    expect(text).not.toMatch(/secrets\.|pull_request_target/);
  });

  it.each(workflows)('$path runs scripts, targets and files that there are', ({ workflow }) => {
    const commands = Object.values(workflow.jobs).flatMap(({ steps }) => steps.flatMap(({ run }) => run ?? []));
    expect(commands.length).toBeGreaterThan(0);
    for (const command of commands) {
      expect(scriptsIn(command).filter((name) => !(name in scripts))).toEqual([]);
      for (const [, target] of command.matchAll(/\bmake ([\w-]+)/g)) expect(targets).toContain(target);
      for (const [file] of command.matchAll(/(?:infra|client-sdk|\.ci)\/[\w./-]+/g))
        expect(existsSync(file)).toBe(true);
    }
  });

  it('publish the client SDK only by a tag, under an identity', () => {
    const publish = workflows.find(({ path }) => path.includes('publish'))?.workflow;
    expect(publish?.on).toEqual({ push: { tags: ['client-v*'] } });
    expect(publish?.jobs.publish?.permissions).toEqual({ contents: 'read', 'id-token': 'write' });
  });
});

describe('the devcontainer', () => {
  it('has the Node that the project pins, and ports that the local stack listens on', () => {
    const container = JSON.parse(readFileSync('.devcontainer/devcontainer.json', 'utf8')) as {
      image: string;
      forwardPorts: number[];
    };
    const { devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      devDependencies: Record<string, string>;
    };
    expect(container.image).toContain(`:${devDependencies.node?.split('.')[0] ?? ''}-`);
    const settings = readFileSync('apps/local-stack/src/local-stack.config.ts', 'utf8');
    for (const port of container.forwardPorts) expect(settings).toContain(`default(${port})`);
  });
});

describe('infra/systemd/spyglass-agent.service', () => {
  const unit = readFileSync('infra/systemd/spyglass-agent.service', 'utf8');
  const values = (name: string) =>
    [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '');

  it('starts the built agent on the pinned Node, as a user of its own', () => {
    const [command = ''] = values('ExecStart');
    const [node = '', main = ''] = command.split(' ').filter((word) => !word.startsWith('--'));
    expect(existsSync(node.replace('/opt/spyglass/', ''))).toBe(true);
    expect(existsSync(main.replace('dist/', '').replace(/\.js$/, '.ts'))).toBe(true);
    expect(command).toMatch(/ run$/);
    expect(values('User')).toEqual(['spyglass']);
  });

  it('expects the notifications that the agent sends, which come from a child', () => {
    expect(values('Type')).toEqual(['notify']);
    expect(values('NotifyAccess')).toEqual(['all']);
    expect(Number(values('WatchdogSec')[0])).toBe(30);
    const agent = readFileSync('apps/device-agent/src/service-manager.ts', 'utf8');
    for (const message of ['READY=1', 'WATCHDOG=1', 'STOPPING=1']) expect(agent).toContain(message);
  });

  it('sets settings that the agent reads', () => {
    const source = ['apps/device-agent/src/device-agent.config.ts', 'libs/capture/src/capture.settings.ts']
      .map((path) => readFileSync(path, 'utf8'))
      .join('\n');
    const names = values('Environment').flatMap((line) => line.split(' ').map((pair) => pair.split('=')[0] ?? ''));
    for (const name of names.filter((each) => each !== 'NODE_ENV')) expect(source).toContain(name);
  });

  it('leaves it no rights but those it needs', () => {
    expect(values('NoNewPrivileges')).toEqual(['yes']);
    expect(values('CapabilityBoundingSet')).toEqual(['']);
    expect(values('ProtectSystem')).toEqual(['strict']);
    expect(values('DevicePolicy')).toEqual(['closed']);
    expect(values('DeviceAllow')).toEqual(['char-video4linux rw']);
    // V8 makes code as it runs.
    expect(values('MemoryDenyWriteExecute')).toEqual([]);
  });
});
