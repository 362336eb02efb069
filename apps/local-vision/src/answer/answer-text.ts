import type { MainColour, Observations } from '../vision/observations.js';
import { count, countableOf, countByLabel, type Countable } from './countable.js';
import { isOpen, type Question } from './question.js';

/** Every answer begins with it. */
export const PREFIX = '[local detector, not a language model]';

const USE_A_MODEL =
  'For an answer in words, set AI_SERVICES_ENDPOINT (base URL), AI_SERVICES_API_KEY and AI_SERVICES_MODEL_GPT (model name) of the API ' +
  'to a vision model: Azure OpenAI, OpenAI, or a local server such as Ollama, LM Studio or vLLM.';

/** The answer to a prompt that came without a picture. */
export const ANSWER_WITHOUT_PICTURE =
  `${PREFIX} There is no picture in this request, and I cannot talk: I find objects of 80 kinds, read printed text and name colours ` +
  `in a picture sent as an image_url part. ${USE_A_MODEL}`;

/** The answer in words: what was asked for, or everything that was found. */
export function answerInWords(question: Question, observations: Observations): string {
  const sentences = isOpen(question) ? everything(observations) : answers(question, observations);
  return `${PREFIX} ${sentences.join('\n')}`;
}

function answers({ counts, uncountable, text, colours }: Question, seen: Observations): string[] {
  if (uncountable !== undefined) {
    return [
      `I cannot count "${uncountable}": the detector knows only the 80 COCO classes. This is what I found.`,
      ...everything(seen),
    ];
  }
  return [
    ...(counts.length > 0 ? [`I count ${joined(counts.map((countable) => counted(countable, seen)))}.`] : []),
    ...(text ? [textSentence(seen.text)] : []),
    ...(colours ? [`${colourSentence(seen.colours)} They are of the whole picture, not of one object.`] : []),
  ];
}

function everything({ width, height, objects, text, colours }: Observations): string[] {
  const found = countByLabel(objects).map(([label, number]) => {
    const best = Math.max(...objects.filter((object) => object.label === label).map(({ score }) => score));
    return `${named(countableOf(label), number)} (up to ${percent(best)} sure)`;
  });
  return [
    `The picture was sent as ${width} x ${height} pixels.`,
    found.length > 0 ? `Found: ${joined(found)}.` : 'Found no object of the 80 COCO classes.',
    textSentence(text),
    colourSentence(colours),
    USE_A_MODEL,
  ];
}

function counted(countable: Countable, { objects }: Observations): string {
  return named(countable, count(countable, objects));
}

function named({ singular, plural }: Countable, number: number): string {
  return `${number} ${number === 1 ? singular : plural}`;
}

function textSentence(lines: readonly string[]): string {
  return lines.length > 0 ? `Text read:\n${lines.join('\n')}` : 'No text could be read with confidence.';
}

function colourSentence(colours: readonly MainColour[]): string {
  return `Main colours: ${joined(colours.map(({ name, hex, share }) => `${name} ${hex} (${percent(share)})`))}.`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}

function joined(parts: readonly string[]): string {
  return parts.length < 2 ? (parts[0] ?? 'none') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1) ?? ''}`;
}
