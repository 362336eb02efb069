import type { DecodedFrame, Frame, FrameInput, FrameSource, OpenFrames } from '../src/frame-source.js';

/** A camera whose frames the test sends one by one. Each is one pixel, whose red tells its number. */
export class FakeFrames implements OpenFrames {
  readonly frames: AsyncGenerator<DecodedFrame, undefined>;
  isClosed = false;
  /** What closing waits for. */
  closing: Promise<unknown> = Promise.resolve();
  /** The numbers of the frames that were taken out of the decoder. */
  readonly taken: number[] = [];
  #sent = 0;
  #next = Promise.withResolvers<boolean>();
  #delivered = Promise.withResolvers<undefined>();

  constructor() {
    this.frames = this.#iterate();
  }

  /** Sends one frame and waits until the reader asks for the next. */
  async send(): Promise<void> {
    const delivered = this.#delivered.promise;
    this.#next.resolve(true);
    await delivered;
  }

  /** Ends as an unplugged camera does. */
  end(): void {
    this.#next.resolve(false);
  }

  async close(): Promise<void> {
    this.end();
    await this.closing;
    this.isClosed = true;
  }

  async *#iterate(): AsyncGenerator<DecodedFrame, undefined> {
    while (await this.#next.promise) {
      this.#next = Promise.withResolvers<boolean>();
      const number = this.#sent++;
      yield { read: () => this.#read(number) };
      const delivered = this.#delivered;
      this.#delivered = Promise.withResolvers<undefined>();
      delivered.resolve(undefined);
    }
  }

  #read(number: number): Promise<Frame> {
    this.taken.push(number);
    return Promise.resolve({ width: 1, height: 1, rgb: Buffer.from([number, 0, 0]) });
  }
}

/** Opens {@link FakeFrames}, which the test finds in `opened`. */
export class FakeFrameSource implements FrameSource {
  readonly name = 'node-av';
  readonly opened: FakeFrames[] = [];
  readonly inputs: FrameInput[] = [];
  /** What the next opening waits for. */
  gate: Promise<unknown> = Promise.resolve();

  async open(input: FrameInput): Promise<OpenFrames> {
    this.inputs.push(input);
    await this.gate;
    const frames = new FakeFrames();
    this.opened.push(frames);
    return frames;
  }

  listDevices(): Promise<{ number: number; name: string }[]> {
    return Promise.resolve([
      { number: 0, name: 'Front door' },
      { number: 2, name: 'Yard' },
    ]);
  }
}

/** Waits, turn by turn, until a condition holds. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (condition()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the condition did not come to hold');
}
