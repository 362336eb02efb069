import { COCO_LABELS } from '../vision/coco-labels.js';
import type { DetectedObject } from '../vision/observations.js';

/** Something that people ask to have counted: one of the detector's labels, or a group of them. */
export interface Countable {
  readonly singular: string;
  readonly plural: string;
  readonly labels: readonly string[];
}

const IRREGULAR_PLURALS: Readonly<Record<string, string>> = {
  person: 'people',
  knife: 'knives',
  sheep: 'sheep',
  skis: 'skis',
  scissors: 'scissors',
  mouse: 'mice',
  aircraft: 'aircraft',
  crowd: 'crowd',
  broccoli: 'broccoli',
  luggage: 'luggage',
};

const SYNONYMS: Readonly<Record<string, readonly string[]>> = {
  person: ['human', 'human being', 'pedestrian', 'individual', 'passer-by', 'crowd'],
  bicycle: ['bike', 'pushbike'],
  car: ['automobile'],
  motorcycle: ['motorbike'],
  airplane: ['plane', 'aeroplane', 'aircraft'],
  truck: ['lorry'],
  boat: ['ship'],
  'fire hydrant': ['hydrant'],
  handbag: ['purse'],
  tie: ['necktie'],
  suitcase: ['luggage'],
  'sports ball': ['ball'],
  'cell phone': ['phone', 'mobile phone', 'mobile', 'smartphone', 'cellphone'],
  'wine glass': ['wineglass'],
  cup: ['mug'],
  donut: ['doughnut'],
  couch: ['sofa'],
  'potted plant': ['houseplant'],
  'dining table': ['table'],
  tv: ['television', 'monitor', 'screen'],
  laptop: ['notebook computer'],
  remote: ['remote control'],
  refrigerator: ['fridge'],
  'hair drier': ['hair dryer', 'hairdryer'],
};

const GROUPS: readonly Countable[] = [
  { singular: 'vehicle', plural: 'vehicles', labels: ['car', 'motorcycle', 'bus', 'truck'] },
  {
    singular: 'animal',
    plural: 'animals',
    labels: ['bird', 'cat', 'dog', 'horse', 'sheep', 'cow', 'elephant', 'bear', 'zebra', 'giraffe'],
  },
  { singular: 'object', plural: 'objects', labels: COCO_LABELS },
  { singular: 'thing', plural: 'things', labels: COCO_LABELS },
  { singular: 'item', plural: 'items', labels: COCO_LABELS },
];

const BY_NAME = new Map<string, Countable>();
for (const label of COCO_LABELS) {
  const countable: Countable = { singular: label, plural: pluralOf(label), labels: [label] };
  for (const name of [label, ...(SYNONYMS[label] ?? [])]) addNames(name, pluralOf(name), countable);
}
addNames('person', 'persons', { singular: 'person', plural: 'people', labels: ['person'] });
for (const group of GROUPS) addNames(group.singular, group.plural, group);

/** Longer names first, so that "teddy bears" is not read as "bears". */
const ANY_NAME = new RegExp(
  `(?<![\\p{L}\\p{N}])(?:${[...BY_NAME.keys()].sort((a, b) => b.length - a.length).join('|')})(?![\\p{L}\\p{N}])`,
  'giu',
);

/** What a text names that the detector can count, in the order of first mention, each once. */
export function findCountables(text: string): Countable[] {
  const names = text.match(ANY_NAME) ?? [];
  const found = names.flatMap((name) => BY_NAME.get(name.toLowerCase()) ?? []);
  return [...new Map(found.map((countable) => [countable.singular, countable])).values()];
}

/** The countable of one of the detector's own labels. */
export function countableOf(label: string): Countable {
  return BY_NAME.get(label) ?? { singular: label, plural: pluralOf(label), labels: [label] };
}

/** All that the detector finds, whatever it is. */
export const ANY_OBJECT = countableOf('object');

/** How many of the objects found are of that kind. */
export function count({ labels }: Countable, objects: readonly DetectedObject[]): number {
  return objects.filter(({ label }) => labels.includes(label)).length;
}

/** The objects found as numbers by label, the most frequent first. */
export function countByLabel(objects: readonly DetectedObject[]): [label: string, number: number][] {
  const numbers = new Map<string, number>();
  for (const { label } of objects) numbers.set(label, (numbers.get(label) ?? 0) + 1);
  return [...numbers].sort(([, a], [, b]) => b - a);
}

function addNames(singular: string, plural: string, countable: Countable): void {
  BY_NAME.set(singular, countable);
  BY_NAME.set(plural, countable);
}

function pluralOf(name: string): string {
  const at = name.lastIndexOf(' ') + 1;
  const last = name.slice(at);
  const irregular = IRREGULAR_PLURALS[last];
  if (irregular !== undefined) return name.slice(0, at) + irregular;
  if (last === 'passer-by') return 'passers-by';
  if (/(?:s|x|ch|sh)$/.test(last)) return `${name}es`;
  return /[^aeiou]y$/.test(last) ? `${name.slice(0, -1)}ies` : `${name}s`;
}
