import { readFileSync } from 'node:fs';
import { type Flush, LogFlusher } from '../../../apps/iot-hub-emulator/src/storage/log-flusher.js';
import { HEADER_BYTES, type LogPosition, logPosition } from './write-ahead-log.js';

/** The parts that a flusher keeps to itself. */
interface FlusherInside {
  start: Flush;
  readonly flush: (...args: unknown[]) => void;
}

/** Sees the flushes of a hub in this process: nothing else tells how much of what is in the log a power cut would leave. */
export class WatchedFlushes {
  private flushed: LogPosition = { salts: '', end: 0 };
  private readonly spy: jest.SpyInstance;

  constructor(log: string) {
    const inside = LogFlusher.prototype as unknown as FlusherInside;
    const { flush } = inside;
    const onFlushed = (position: LogPosition) => {
      this.flushed = position;
    };
    this.spy = jest.spyOn(inside, 'flush').mockImplementation(function (this: FlusherInside, ...args) {
      const position = logPosition(readFileSync(log));
      const { start } = this;
      this.start = (descriptor, done) => {
        start(descriptor, (cause) => {
          onFlushed(position);
          done(cause);
        });
      };
      flush.apply(this, args);
      this.start = start;
    });
  }

  /** How much of the log is surely on disk: what was in it when the last flush began that has ended. */
  surelyOnDisk(now: LogPosition): LogPosition {
    return this.flushed.salts === now.salts ? this.flushed : { salts: now.salts, end: HEADER_BYTES };
  }

  stop(): void {
    this.spy.mockRestore();
  }
}
