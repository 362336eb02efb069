import { createServer } from 'node:net';
import { AppError } from '#libs/runtime';

export interface WantedPort {
  /** Who will listen there. */
  name: string;
  port: number;
  /** The environment variable that changes it. */
  setting: string;
}

/**
 * Checks that every port can be listened on at 127.0.0.1, before anything is started.
 *
 * @throws {@link AppError} `STACK.PORT_BUSY` naming each port that is taken and the setting that changes it.
 */
export async function requireFreePorts(wanted: readonly WantedPort[]): Promise<void> {
  const checks = await Promise.all(wanted.map(async (one) => ({ ...one, problem: await listenProblem(one.port) })));
  const busy = checks.filter(({ problem }) => problem !== undefined);
  if (busy.length === 0) return;
  const lines = busy.map(
    ({ name, port, setting, problem }) =>
      `Port ${port} for ${name} ${problem === 'EADDRINUSE' ? 'is in use' : `cannot be used (${String(problem)})`}: ` +
      `set ${setting} to another port.`,
  );
  throw new AppError('STACK.PORT_BUSY', lines.join('\n'), {
    hint: 'Is the stack already running in another terminal?',
  });
}

function listenProblem(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code ?? error.message);
    });
    probe.listen({ port, host: '127.0.0.1' }, () => {
      probe.close(() => {
        resolve(undefined);
      });
    });
  });
}
