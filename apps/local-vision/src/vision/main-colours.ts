import type { Sharp } from 'sharp';
import type { MainColour } from './observations.js';

const SAMPLE_SIDE = 64;
const MAXIMUM_COLOURS = 5;
const MINIMUM_SHARE = 0.04;

/** Everyday names of hues by the angle, in degrees, at which each ends. */
const HUES: readonly (readonly [endsAt: number, name: string])[] = [
  [15, 'red'],
  [45, 'orange'],
  [70, 'yellow'],
  [165, 'green'],
  [195, 'cyan'],
  [255, 'blue'],
  [290, 'purple'],
  [345, 'pink'],
  [360, 'red'],
];

/** The main colours of an sRGB picture, the largest share first. */
export async function findMainColours(picture: Sharp): Promise<MainColour[]> {
  const pixels = await picture.resize(SAMPLE_SIDE, SAMPLE_SIDE, { fit: 'fill' }).removeAlpha().raw().toBuffer();
  const sums = new Map<string, { red: number; green: number; blue: number; count: number }>();
  for (let at = 0; at + 2 < pixels.length; at += 3) {
    const [red = 0, green = 0, blue = 0] = pixels.subarray(at, at + 3);
    const name = colourName(red, green, blue);
    const sum = sums.get(name) ?? { red: 0, green: 0, blue: 0, count: 0 };
    sums.set(name, { red: sum.red + red, green: sum.green + green, blue: sum.blue + blue, count: sum.count + 1 });
  }
  return [...sums]
    .map(([name, { red, green, blue, count }]) => ({
      name,
      hex: `#${[red, green, blue].map((sum) => hexByte(sum / count)).join('')}`,
      share: count / (SAMPLE_SIDE * SAMPLE_SIDE),
    }))
    .filter(({ share }) => share >= MINIMUM_SHARE)
    .sort((a, b) => b.share - a.share)
    .slice(0, MAXIMUM_COLOURS);
}

/** The everyday name of an 8-bit sRGB colour. */
export function colourName(red: number, green: number, blue: number): string {
  const highest = Math.max(red, green, blue);
  const chroma = highest - Math.min(red, green, blue);
  const lightness = (highest - chroma / 2) / 255;
  if (highest < 40) return 'black';
  if (chroma < 24 || chroma / highest < 0.12) return lightness > 0.85 ? 'white' : lightness < 0.2 ? 'black' : 'grey';
  const hue = hueDegrees({ red, green, blue, highest, chroma });
  if (hue >= 15 && hue < 45 && highest < 180) return 'brown';
  if (hue >= 15 && hue < 70 && chroma / highest < 0.4) return highest < 180 ? 'olive' : 'beige';
  if (hue >= 45 && hue < 70 && highest < 160) return 'olive';
  return HUES.find(([endsAt]) => hue < endsAt)?.[1] ?? 'red';
}

function hueDegrees(colour: { red: number; green: number; blue: number; highest: number; chroma: number }): number {
  const { red, green, blue, highest, chroma } = colour;
  if (highest === red) return (60 * ((green - blue) / chroma) + 360) % 360;
  if (highest === green) return 60 * ((blue - red) / chroma) + 120;
  return 60 * ((red - green) / chroma) + 240;
}

function hexByte(value: number): string {
  return Math.round(value).toString(16).padStart(2, '0');
}
