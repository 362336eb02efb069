import type { Parts } from '../vision/observations.js';
import { ANY_OBJECT, type Countable, findCountables } from './countable.js';

/** What a prompt asks of the detector. With nothing in particular asked, everything is told. */
export interface Question {
  /** What to count. */
  readonly counts: readonly Countable[];
  /** What the prompt wants counted that the detector has no label for. */
  readonly uncountable?: string;
  readonly text: boolean;
  readonly colours: boolean;
}

const HOW_MANY = /\b(?:how many|how much|count(?: up)?(?: all)?(?: of)?(?: the)?|number of)\b([^.?!;\n]*)/gi;
const READ =
  /\b(?:read|ocr|transcribe|spell out|what does (?:it|this|that|the [\p{L}\s]{1,30}) say|what(?:'s| is) (?:written|printed)|(?:which|what) (?:text|words?)|the (?:text|words|writing|lettering))\b/iu;
const COLOUR = /\bcolou?rs?\b/i;

/** Words that end the name of what is counted ("how many windows ARE there"). */
const AFTER_NAME = new Set(
  'a all an and any appear are at be been being by can could do does did exist from has have how i if in into is it of on or say see seen shown that the there these this those to visible was we were what which who with you your'.split(
    ' ',
  ),
);
const FILLERS = new Set(['the', 'all', 'of', 'different', 'other', 'total', 'visible', 'separate', 'distinct', 'up']);

/** Finds out which part of the detector a prompt asks for, by its words: this is no language model. */
export function readQuestion(prompt: string): Question {
  const clauses = [...prompt.matchAll(HOW_MANY)].map(([, clause = '']) => clause);
  const counts = clauses.flatMap(findCountables);
  const uncountable = counts.length === 0 ? clauses.map(nameOf).find((name) => name !== '') : undefined;
  const isCount = clauses.length > 0;
  return {
    counts: isCount && counts.length === 0 && uncountable === undefined ? [ANY_OBJECT] : unique(counts),
    ...(uncountable !== undefined && { uncountable }),
    text: READ.test(prompt),
    colours: COLOUR.test(prompt),
  };
}

/** Whether the prompt asks for nothing in particular. */
export function isOpen({ counts, uncountable, text, colours }: Question): boolean {
  return counts.length === 0 && uncountable === undefined && !text && !colours;
}

/** The parts of the engine that the question needs. */
export function partsFor(question: Question): Parts {
  const everything = isOpen(question) || question.uncountable !== undefined;
  return {
    objects: everything || question.counts.length > 0,
    text: everything || question.text,
    colours: everything || question.colours,
  };
}

/** The first words of a clause that can be a name: "red windows" of " red windows are there". */
function nameOf(clause: string): string {
  const words = clause.toLowerCase().match(/[\p{L}'-]+/gu) ?? [];
  const start = words.findIndex((word) => !FILLERS.has(word));
  if (start < 0) return '';
  const end = words.findIndex((word, index) => index >= start && AFTER_NAME.has(word));
  return words.slice(start, end < 0 ? start + 3 : Math.min(end, start + 3)).join(' ');
}

function unique(countables: readonly Countable[]): Countable[] {
  return [...new Map(countables.map((countable) => [countable.singular, countable])).values()];
}
