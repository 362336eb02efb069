import sharp from 'sharp';
import { colourName, findMainColours } from './main-colours.js';

describe(colourName, () => {
  it.each([
    ['black', 10, 10, 10],
    ['white', 250, 250, 250],
    ['grey', 128, 128, 130],
    ['red', 220, 30, 30],
    ['red', 220, 20, 40],
    ['orange', 255, 140, 0],
    ['brown', 120, 72, 20],
    ['yellow', 240, 220, 20],
    ['green', 30, 160, 40],
    ['cyan', 20, 200, 210],
    ['blue', 30, 60, 200],
    ['purple', 130, 40, 200],
    ['pink', 250, 80, 180],
    ['beige', 230, 215, 180],
    ['olive', 120, 120, 30],
  ])('calls it %s', (name, red, green, blue) => {
    expect(colourName(red, green, blue)).toBe(name);
  });
});

describe(findMainColours, () => {
  it('gives name, mean and share, the largest first', async () => {
    const left = {
      input: { create: { width: 30, height: 100, channels: 3 as const, background: '#1e3cc8' } },
      left: 0,
      top: 0,
    };
    const picture = sharp({ create: { width: 100, height: 100, channels: 3, background: '#ffffff' } }).composite([
      left,
    ]);
    const [first, second, ...others] = await findMainColours(sharp(await picture.png().toBuffer()));
    expect(first).toMatchObject({ name: 'white', hex: '#ffffff' });
    expect(first?.share).toBeCloseTo(0.7, 1);
    expect(second?.name).toBe('blue');
    expect(others.every(({ share }) => share < 0.05)).toBe(true);
  });
});
