import { Worker } from 'node:worker_threads';
import type { Observations, Parts } from './observations.js';
import { projectFile } from './project-files.js';
import type { WorkerReply, WorkerRequest } from './vision.worker.js';

/** The picture's bytes are not what its header promises. */
export class UndecodablePictureError extends Error {
  override readonly name = 'UndecodablePictureError';
}

const LOOK_LIMIT_MS = 60_000;

/** A worker thread runs built JavaScript, also when the sources run under Jest. */
const WORKER_FILE = 'dist/apps/local-vision/src/vision/vision.worker.js';

interface Look {
  readonly resolve: (observations: Observations) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Looks at pictures in a worker thread, which starts with the first picture and loads each model on its first use.
 * A thread that dies or takes longer than a minute fails its looks and is replaced by the next one.
 */
export class VisionEngine {
  private worker: Worker | undefined;
  private readonly looks = new Map<number, Look>();
  private lastId = 0;

  /**
   * What the parts asked for see in a JPEG, PNG, WebP or GIF picture (its first frame). One at a time: the caller queues.
   *
   * @throws {@link UndecodablePictureError} when the picture is damaged; the signal's reason when it aborts.
   */
  async look(image: Uint8Array, parts: Parts, signal: AbortSignal): Promise<Observations> {
    signal.throwIfAborted();
    const id = (this.lastId += 1);
    const worker = (this.worker ??= this.start());
    const post = (request: WorkerRequest): void => {
      worker.postMessage(request);
    };
    const stop = (): void => {
      post({ kind: 'cancel', id });
    };
    const limit = setTimeout(() => void worker.terminate(), LOOK_LIMIT_MS);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await new Promise<Observations>((resolve, reject) => {
        this.looks.set(id, { resolve, reject });
        post({ kind: 'look', id, image, parts });
      });
    } catch (error) {
      signal.throwIfAborted();
      throw error;
    } finally {
      clearTimeout(limit);
      signal.removeEventListener('abort', stop);
      this.looks.delete(id);
    }
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
  }

  private start(): Worker {
    const worker = new Worker(projectFile(WORKER_FILE), { stdout: true });
    // Libraries that greet on stdout must not disturb the data there.
    worker.stdout.pipe(process.stderr, { end: false });
    let reason: unknown = new Error('The vision thread ended.');
    worker.on('message', (reply: WorkerReply) => {
      this.settle(reply);
    });
    worker.on('error', (error: unknown) => {
      reason = error;
    });
    worker.on('exit', () => {
      this.worker = undefined;
      for (const { reject } of this.looks.values()) reject(reason);
    });
    return worker;
  }

  private settle(reply: WorkerReply): void {
    const look = this.looks.get(reply.id);
    if (!look) return;
    if (reply.kind === 'seen') look.resolve(reply.observations);
    else if (reply.kind === 'undecodable') look.reject(new UndecodablePictureError('The picture cannot be decoded.'));
    else look.reject(new Error(reply.kind === 'failed' ? reply.message : 'The look was cancelled.'));
  }
}
