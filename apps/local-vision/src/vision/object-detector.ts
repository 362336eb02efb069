import { readFile } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { type GraphModel, loadGraphModel } from '@tensorflow/tfjs-converter';
import { type io, ready, setBackend, type Tensor, tensor4d, tidy } from '@tensorflow/tfjs-core';
import type { Sharp } from 'sharp';
import { decodeLevel, DISTANCE_BINS, suppressOverlaps } from './box-decoding.js';
import { COCO_LABELS } from './coco-labels.js';
import { MAXIMUM_OBJECTS } from './limits.js';
import type { DetectedObject } from './observations.js';
import { projectFile } from './project-files.js';

const INPUT_SIZE = 416;
const LEVEL_SIDES = [52, 26, 13];
const PIXELS = INPUT_SIZE * INPUT_SIZE;

/** Channel means and deviations the model was trained with, in the order of its channels: blue, green, red. */
const MEANS = [103.53, 116.28, 123.675] as const;
const DEVIATIONS = [57.375, 57.12, 58.395] as const;

/** Below these the model's guesses are more often wrong than right on pictures that were counted by eye. */
const MINIMUM_PERSON_SCORE = 0.45;
const MINIMUM_SCORE = 0.5;
const PERSON = COCO_LABELS.indexOf('person');
const MAXIMUM_OVERLAP = 0.5;

/** Finds objects of the 80 COCO classes with NanoDet-g, which runs as WebAssembly. */
export class ObjectDetector {
  private constructor(private readonly model: GraphModel) {}

  static async load(): Promise<ObjectDetector> {
    setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
    await setBackend('wasm');
    await ready();
    return new ObjectDetector(await loadGraphModel({ load: readArtifacts }));
  }

  /** The objects in a picture, the most confident first. */
  async detect(picture: Sharp): Promise<DetectedObject[]> {
    const pixels = await picture
      .resize(INPUT_SIZE, INPUT_SIZE, { fit: 'contain', background: 'black' })
      .raw()
      .toBuffer();
    const outputs = tidy(() => {
      const input = tensor4d(normalise(pixels), [1, 3, INPUT_SIZE, INPUT_SIZE]);
      return (this.model.execute(input) as Tensor[]).map((tensor) => ({
        rows: tensor.shape[1] ?? 0,
        columns: tensor.shape[2] ?? 0,
        values: tensor.dataSync<'float32'>(),
      }));
    });
    const outputOf = (side: number, columns: number): Float32Array => {
      const output = outputs.find((candidate) => candidate.rows === side * side && candidate.columns === columns);
      if (!output) throw new Error(`The detector has no output of ${side * side} x ${columns}.`);
      return output.values;
    };
    const boxes = LEVEL_SIDES.flatMap((side) =>
      decodeLevel(
        { side, classes: outputOf(side, COCO_LABELS.length), distances: outputOf(side, 4 * DISTANCE_BINS) },
        { inputSize: INPUT_SIZE, minimumScore },
      ),
    );
    return suppressOverlaps(boxes, MAXIMUM_OVERLAP)
      .slice(0, MAXIMUM_OBJECTS)
      .map(({ classIndex, score }) => ({ label: COCO_LABELS[classIndex] ?? 'object', score }));
  }
}

function minimumScore(classIndex: number): number {
  return classIndex === PERSON ? MINIMUM_PERSON_SCORE : MINIMUM_SCORE;
}

/** Interleaved 8-bit RGB to the model's planes of normalised blue, green and red. */
function normalise(pixels: Buffer): Float32Array {
  const planes = new Float32Array(3 * PIXELS);
  for (let pixel = 0; pixel < PIXELS; pixel += 1) {
    planes[pixel] = ((pixels[pixel * 3 + 2] ?? 0) - MEANS[0]) / DEVIATIONS[0];
    planes[PIXELS + pixel] = ((pixels[pixel * 3 + 1] ?? 0) - MEANS[1]) / DEVIATIONS[1];
    planes[2 * PIXELS + pixel] = ((pixels[pixel * 3] ?? 0) - MEANS[2]) / DEVIATIONS[2];
  }
  return planes;
}

async function readArtifacts(): Promise<io.ModelArtifacts> {
  const [topology, weights] = await Promise.all([
    readFile(projectFile('apps/local-vision/models/nanodet.json'), 'utf8'),
    readFile(projectFile('apps/local-vision/models/nanodet.bin')),
  ]);
  const { modelTopology, signature, weightsManifest } = JSON.parse(topology) as io.ModelJSON;
  return {
    modelTopology,
    ...(signature && { signature }),
    weightSpecs: weightsManifest.flatMap((group) => group.weights),
    weightData: new Uint8Array(weights).buffer,
  };
}
