import { planExampleAnswer } from './answer-example.js';
import { readQuestion } from './question.js';

const seen = {
  width: 640,
  height: 480,
  objects: [
    { label: 'person', score: 0.9 },
    { label: 'person', score: 0.6 },
    { label: 'car', score: 0.55 },
  ],
  text: ['STOP'],
  colours: [],
};
const plan = (instructions: string) => planExampleAnswer(instructions, readQuestion(instructions));

describe(planExampleAnswer, () => {
  it.each([
    ['Count the people and return json {"num": 3}', { num: 2 }],
    ['You are a crowd counting assistant. Return JSON: {"num": 3}', { num: 2 }],
    [
      'Answer with JSON like {"counts": {"people": 1, "cars": 0}, "labels": ["dog"]}',
      { counts: { people: 2, cars: 1 }, labels: ['person', 'car'] },
    ],
    ['As json: {"text": "what is written"}', { text: 'STOP' }],
    ['json {not json} but {"cars": 1}', { cars: 1 }],
  ])('follows the example in %j', (instructions, expected) => {
    expect(plan(instructions)?.fill(seen)).toEqual(expected);
  });

  it.each([
    'How many people?',
    'Use json',
    'json {broken',
    'Not asked for: {"num": 3}',
    'json {"mood": "happy"}',
    'json {}',
  ])('leaves %j to be answered in words', (instructions) => {
    expect(plan(instructions)).toBeUndefined();
  });
});
