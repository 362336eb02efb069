import { runCli } from './cli/program.js';

// Whoever reads may stop early, as `| head` does: what is left to say has no reader then.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });

void runCli(process.argv).then((exitCode) => {
  process.exitCode = exitCode;
});
