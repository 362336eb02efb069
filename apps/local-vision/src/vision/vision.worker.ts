import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import { findMainColours } from './main-colours.js';
import { ObjectDetector } from './object-detector.js';
import type { Observations, Parts } from './observations.js';
import { MAXIMUM_PIXELS } from './limits.js';
import { TextReader } from './text-reader.js';

/** What the main thread asks: look at a picture, or stop looking at it before the next part. */
export type WorkerRequest =
  | { readonly kind: 'look'; readonly id: number; readonly image: Uint8Array; readonly parts: Parts }
  | { readonly kind: 'cancel'; readonly id: number };

/** What the thread answers, once a `look`. */
export type WorkerReply =
  | { readonly kind: 'seen'; readonly id: number; readonly observations: Observations }
  | { readonly kind: 'cancelled'; readonly id: number }
  | { readonly kind: 'undecodable'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string };

const DECODING_LIMIT_SECONDS = 20;

const port = parentPort;
if (!port) throw new Error('This module runs in a worker thread.');

const cancelled = new Set<number>();
const detector = loadedOnFirstUse(() => ObjectDetector.load());
const reader = loadedOnFirstUse(() => TextReader.load());

port.on('message', (request: WorkerRequest) => {
  if (request.kind === 'cancel') {
    cancelled.add(request.id);
    return;
  }
  void answer(request.id, request.image, request.parts).then((reply) => {
    cancelled.delete(request.id);
    port.postMessage(reply);
  });
});

async function answer(id: number, image: Uint8Array, parts: Parts): Promise<WorkerReply> {
  const isCancelled = (): boolean => cancelled.has(id);
  try {
    const picture = await decode(image);
    if (!picture) return { kind: 'undecodable', id };
    const { width, height } = picture;
    const copy = () => sharp(picture.pixels, { raw: { width, height, channels: 3 } });
    if (isCancelled()) return { kind: 'cancelled', id };
    const objects = parts.objects ? await (await detector()).detect(copy()) : [];
    if (isCancelled()) return { kind: 'cancelled', id };
    const text = parts.text ? await (await reader()).read(copy(), { width, height }) : [];
    if (isCancelled()) return { kind: 'cancelled', id };
    const colours = parts.colours ? await findMainColours(copy()) : [];
    return { kind: 'seen', id, observations: { width, height, objects, text, colours } };
  } catch (error) {
    return { kind: 'failed', id, message: error instanceof Error ? error.message : String(error) };
  }
}

/** The first frame, upright, as sRGB on white; undefined when the bytes are not the picture their header promises. */
async function decode(image: Uint8Array): Promise<{ pixels: Buffer; width: number; height: number } | undefined> {
  try {
    const { data, info } = await sharp(image, { limitInputPixels: MAXIMUM_PIXELS, pages: 1, failOn: 'error' })
      .timeout({ seconds: DECODING_LIMIT_SECONDS })
      .autoOrient()
      .flatten({ background: 'white' })
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    return { pixels: data, width: info.width, height: info.height };
  } catch {
    return undefined;
  }
}

/** Loads once, at the first call; a failed load is tried again by the next call. */
function loadedOnFirstUse<Value>(load: () => Promise<Value>): () => Promise<Value> {
  let loading: Promise<Value> | undefined;
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
}
