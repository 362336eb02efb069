import { Logger } from 'nestjs-pino';

/** Parts of Nest that tell at every start what they have put together. */
const ASSEMBLY_CONTEXTS = new Set<unknown>([
  'NestFactory',
  'NestApplication',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
]);

/** Nest's log as lines of ours, with its account of its own assembly at level debug. */
export class NestLogger extends Logger {
  override log(message: unknown, ...rest: unknown[]): void {
    if (ASSEMBLY_CONTEXTS.has(rest.at(-1))) super.debug(message, ...rest);
    else super.log(message, ...rest);
  }
}
