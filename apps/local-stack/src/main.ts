import { closeOnSignal, failureText } from '#libs/runtime';
import { banner } from './banner.js';
import { loadLocalStackConfig } from './local-stack.config.js';
import { LocalStack } from './local-stack.js';

async function main(): Promise<void> {
  const stack = new LocalStack(loadLocalStackConfig());
  closeOnSignal(() => stack.stop(), { timeoutMs: 9_500 });
  try {
    const facts = await stack.start();
    process.stdout.write(banner(facts, { isTerminal: process.stdout.isTTY }));
    const how = await stack.failure();
    console.error(`${how}. Its log is in ${facts.logDirectory}. Stopping the rest.`);
  } catch (error) {
    // A process that a signal has ended fails to start: the signal's handler has the word then.
    if (stack.isStopping) return;
    console.error(failureText(error));
  }
  await stack.stop();
  process.exit(1);
}

void main();
