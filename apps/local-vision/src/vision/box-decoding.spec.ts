import { decodeLevel, DISTANCE_BINS, type ScoredBox, suppressOverlaps } from './box-decoding.js';

const SIDE = 2;
const CLASSES = 3;

/** A level of a 32 pixel input, all zero but for one cell. */
function levelWith(cell: number, { classIndex, score, bins }: { classIndex: number; score: number; bins: number[] }) {
  const classes = new Float32Array(SIDE * SIDE * CLASSES);
  classes[cell * CLASSES + classIndex] = score;
  const distances = new Float32Array(SIDE * SIDE * 4 * DISTANCE_BINS);
  bins.forEach((bin, edge) => {
    distances[(cell * 4 + edge) * DISTANCE_BINS + bin] = 100;
  });
  return { side: SIDE, classes, distances };
}
const box = (overrides: Partial<ScoredBox>): ScoredBox => ({
  ...{ classIndex: 0, score: 0.9, left: 0, top: 0, right: 10, bottom: 10 },
  ...overrides,
});
const options = { inputSize: 32, minimumScore: () => 0.5 };

describe(decodeLevel, () => {
  it('places a box around the centre of its cell, by distances in strides', () => {
    const [found] = decodeLevel(levelWith(3, { classIndex: 2, score: 0.75, bins: [1, 0, 2, 3] }), options);
    expect(found).toMatchObject({ classIndex: 2, score: 0.75 });
    expect(found?.left).toBeCloseTo(8);
    expect(found?.top).toBeCloseTo(24);
    expect(found?.right).toBeCloseTo(56);
    expect(found?.bottom).toBeCloseTo(72);
  });

  it('takes the expectation of a distance that is spread over bins', () => {
    const level = levelWith(0, { classIndex: 0, score: 0.75, bins: [1, 0, 0, 0] });
    level.distances[2] = 100;
    expect(decodeLevel(level, options)[0]?.left).toBeCloseTo(8 - 1.5 * 16);
  });

  it('asks each class for its own confidence', () => {
    const level = levelWith(0, { classIndex: 1, score: 0.75, bins: [1, 1, 1, 1] });
    const minimumScore = (classIndex: number) => (classIndex === 1 ? 0.8 : 0.1);
    expect(decodeLevel(level, { ...options, minimumScore })).toEqual([]);
    expect(decodeLevel(level, { ...options, minimumScore: () => 0.75 })).toHaveLength(1);
  });
});

describe(suppressOverlaps, () => {
  it('keeps the most confident of two boxes of a class on one thing', () => {
    const weak = box({ score: 0.6, left: 1, right: 11 });
    const strong = box({ score: 0.8 });
    expect(suppressOverlaps([weak, strong], 0.5)).toEqual([strong]);
  });

  it.each([
    ['another class', box({ classIndex: 1, score: 0.6 })],
    ['little in common', box({ score: 0.6, left: 5, right: 15 })],
    ['nothing in common', box({ score: 0.6, left: 50, right: 60 })],
    ['no width', box({ score: 0.6, left: 5, right: 5 })],
  ])('keeps a box that has %s', (_, other) => {
    expect(suppressOverlaps([box({}), other], 0.5)).toEqual([box({}), other]);
  });
});
