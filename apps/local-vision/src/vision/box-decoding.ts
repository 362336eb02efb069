/** A box in pixels of the detector's input, with its class number and confidence. */
export interface ScoredBox {
  readonly classIndex: number;
  readonly score: number;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** One level of the detector's output: a grid of `side` x `side` cells, row by row. */
export interface OutputLevel {
  readonly side: number;
  /** `side * side` rows of one confidence a class. */
  readonly classes: Float32Array;
  /** `side * side` rows of four distributions (left, top, right, bottom) over {@link DISTANCE_BINS} distances. */
  readonly distances: Float32Array;
}

/** Each side's distance from the cell's centre is a distribution over 0..10 strides (`reg_max: 10`). */
export const DISTANCE_BINS = 11;

/**
 * Turns one level of a NanoDet head into boxes of at least the confidence that their class wants.
 *
 * @see https://arxiv.org/abs/2006.04388 Generalized Focal Loss: a distance is the expectation of its softmax distribution.
 */
export function decodeLevel(
  { side, classes, distances }: OutputLevel,
  { inputSize, minimumScore }: { inputSize: number; minimumScore: (classIndex: number) => number },
): ScoredBox[] {
  const stride = inputSize / side;
  const classCount = classes.length / (side * side);
  const boxes: ScoredBox[] = [];
  for (let cell = 0; cell < side * side; cell += 1) {
    const scores = classes.subarray(cell * classCount, (cell + 1) * classCount);
    const classIndex = indexOfMaximum(scores);
    const score = scores[classIndex] ?? 0;
    if (score < minimumScore(classIndex)) continue;
    const reach = (edge: number): number => {
      const start = (cell * 4 + edge) * DISTANCE_BINS;
      return stride * softmaxExpectation(distances.subarray(start, start + DISTANCE_BINS));
    };
    const x = ((cell % side) + 0.5) * stride;
    const y = (Math.floor(cell / side) + 0.5) * stride;
    boxes.push({ classIndex, score, left: x - reach(0), top: y - reach(1), right: x + reach(2), bottom: y + reach(3) });
  }
  return boxes;
}

/** Keeps, of boxes of the same class that overlap by more than `overlap` (intersection over union), the most confident. */
export function suppressOverlaps(boxes: readonly ScoredBox[], overlap: number): ScoredBox[] {
  const kept: ScoredBox[] = [];
  for (const box of boxes.toSorted((a, b) => b.score - a.score)) {
    const isDuplicate = kept.some(
      (other) => other.classIndex === box.classIndex && intersectionOverUnion(other, box) > overlap,
    );
    if (!isDuplicate) kept.push(box);
  }
  return kept;
}

function indexOfMaximum(values: Float32Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index += 1) if ((values[index] ?? 0) > (values[best] ?? 0)) best = index;
  return best;
}

function softmaxExpectation(logits: Float32Array): number {
  const highest = Math.max(...logits);
  let total = 0;
  let weighted = 0;
  logits.forEach((logit, bin) => {
    const weight = Math.exp(logit - highest);
    total += weight;
    weighted += weight * bin;
  });
  return weighted / total;
}

function intersectionOverUnion(a: ScoredBox, b: ScoredBox): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  if (width <= 0 || height <= 0) return 0;
  const intersection = width * height;
  return intersection / (area(a) + area(b) - intersection);
}

function area({ left, top, right, bottom }: ScoredBox): number {
  return (right - left) * (bottom - top);
}
