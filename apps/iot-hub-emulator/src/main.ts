#!/usr/bin/env node
import { unsupportedNode } from './supported-node.js';

const problem = unsupportedNode(process.versions.node);
if (problem === undefined) {
  void run();
} else {
  process.stderr.write(`${problem}\n`);
  process.exitCode = 1;
}

async function run(): Promise<void> {
  // Loaded after the check: on an old Node.js it cannot be.
  const { createCommand } = await import('./cli.js');
  await createCommand().parseAsync();
}
