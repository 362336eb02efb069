import { runCli } from './cli/program.js';

void runCli(process.argv).then((exitCode) => {
  process.exitCode = exitCode;
});
