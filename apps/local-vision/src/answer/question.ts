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

const HOW_MANY = /\b(?:how many|how much|count(?: up)?(?: all)?(?: of)?(?: the)?|number of)\b([^.?!:;\n]*)/gi;
const READ =
  /\b(?:read|ocr|transcribe|spell out|what does (?:it|this|that|the [\p{L}\s]{1,30}) say|what(?:'s| is) (?:written|printed)|(?:which|what) (?:text|words?)|the (?:text|words|writing|lettering))\b/iu;
const COLOUR = /\bcolou?rs?\b/i;

/** Words that end the subject of a count: "how many windows DOES the car have". */
const AFTER_SUBJECT = new Set(
  'appear are at be been being by can could do does did exist from has have how i if in into is it on say see seen shown there to visible was we were what which who with you your'.split(
    ' ',
  ),
);
/** Words of a subject that are not its name. */
const FILLERS = new Set(
  'a all an any different distinct of other separate such that the these this those total up'.split(' '),
);
const MAXIMUM_NAME_WORDS = 3;

/** Finds out which part of the detector a prompt asks for, by its words: this is no language model. */
export function readQuestion(prompt: string): Question {
  const subjects = [...prompt.matchAll(HOW_MANY)].map(([, clause = '']) => subjectOf(clause));
  const counts = subjects.flatMap(findCountables);
  const uncountable = counts.length === 0 ? subjects.map(nameOf).find((name) => name !== '') : undefined;
  const isCount = subjects.length > 0;
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

/** " windows" of " windows does the car have". */
function subjectOf(clause: string): string {
  const end = [...clause.matchAll(/[\p{L}'-]+/gu)].find(([word]) => AFTER_SUBJECT.has(word.toLowerCase()));
  return clause.slice(0, end?.index);
}

/** The first words of a subject that can be a name. */
function nameOf(subject: string): string {
  const words = (subject.toLowerCase().match(/[\p{L}'-]+/gu) ?? []).filter((word) => !FILLERS.has(word));
  const end = words.findIndex((word) => word === 'and' || word === 'or');
  return words.slice(0, end < 0 ? MAXIMUM_NAME_WORDS : Math.min(end, MAXIMUM_NAME_WORDS)).join(' ');
}

function unique(countables: readonly Countable[]): Countable[] {
  return [...new Map(countables.map((countable) => [countable.singular, countable])).values()];
}
