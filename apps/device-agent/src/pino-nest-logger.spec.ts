import { pino } from 'pino';
import { PinoNestLogger } from './pino-nest-logger.js';

describe(PinoNestLogger.name, () => {
  let lines: Record<string, unknown>[];
  let logger: PinoNestLogger;

  beforeEach(() => {
    lines = [];
    const write = (line: string): void => {
      lines.push(JSON.parse(line) as Record<string, unknown>);
    };
    logger = new PinoNestLogger(pino({ level: 'trace', base: null, timestamp: false }, { write }));
  });

  it('writes text with its context', () => {
    logger.log('started', 'NestApplication');
    expect(lines).toEqual([{ level: 30, context: 'NestApplication', msg: 'started' }]);
  });

  it('writes an object as fields', () => {
    logger.warn({ msg: 'slow', took_ms: 9 }, 'Upload');
    expect(lines).toEqual([{ level: 40, context: 'Upload', msg: 'slow', took_ms: 9 }]);
  });

  it('writes an error with its stack, whichever way it comes', () => {
    const error = new Error('broken');
    logger.error(error, 'Upload');
    logger.error('broken', 'at line 1', 'Upload');
    expect(lines).toMatchObject([
      { level: 50, msg: 'broken', err: { stack: error.stack } },
      { level: 50, msg: 'broken', stack: 'at line 1', context: 'Upload' },
    ]);
  });

  it('keeps the levels apart', () => {
    logger.verbose('a');
    logger.debug('b');
    logger.fatal('c');
    expect(lines.map(({ level }) => level)).toEqual([10, 20, 60]);
  });
});
