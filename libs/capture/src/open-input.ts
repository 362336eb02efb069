import type { FrameInput, FrameSource, OpenFrames, OpenOptions } from './frame-source.js';
import { within } from './time-limit.js';

/**
 * Opens an input within the time that the options allow. What opens too late is closed at once.
 *
 * @throws `CAPTURE.TIMEOUT`, `CAPTURE.ABORTED`, or what the frame source reports.
 */
export async function openInput(source: FrameSource, input: FrameInput, options: OpenOptions): Promise<OpenFrames> {
  const abandoned = new AbortController();
  try {
    return await within(
      source.open(input, { ...options, signal: abandoned.signal }),
      { timeoutMs: options.timeoutMs, signal: options.signal, what: 'did not open' },
      (late) => void late.close().catch(() => undefined),
    );
  } catch (error) {
    abandoned.abort();
    throw error;
  }
}
