import type { Observations } from '../vision/observations.js';
import { planJsonAnswer } from './answer-json.js';
import { jsonSchema } from './json-schema.js';
import { readQuestion } from './question.js';

const seen: Observations = {
  width: 640,
  height: 480,
  objects: [
    { label: 'person', score: 0.9 },
    { label: 'person', score: 0.6 },
    { label: 'car', score: 0.55 },
  ],
  text: ['STOP', 'Main street'],
  colours: [{ name: 'grey', hex: '#808080', share: 0.75 }],
};
const integer = { type: 'integer' };
const strings = { type: 'array', items: { type: 'string' } };
const object = (properties: object) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});
const plan = (schema: object, prompt = '') => planJsonAnswer(jsonSchema.parse(schema), prompt, readQuestion(prompt));

describe(planJsonAnswer, () => {
  it.each([
    ['the question', 'How many people are there?', object({ num: integer }), { num: 2 }],
    ['the prompt', 'Look at the cars. Return json.', object({ count: integer }), { count: 1 }],
    ['nothing: all objects', 'Return json.', object({ total: { type: 'number' } }), { total: 3 }],
    [
      'the name',
      '',
      object({ people: integer, num_cars: integer, dogCount: integer }),
      { people: 2, num_cars: 1, dogCount: 0 },
    ],
    ['the description', 'x', object({ n: { ...integer, description: 'how many cars' } }), { n: 1 }],
  ])('counts what is named by %s', (_, prompt, schema, expected) => {
    const answer = plan(schema, prompt);
    expect(answer.fill(seen)).toEqual(expected);
    expect(answer.parts).toEqual({ objects: true, text: false, colours: false });
  });

  it.each([
    [object({ labels: strings }), { labels: ['person', 'car'] }],
    [object({ text: { type: 'string' } }), { text: 'STOP\nMain street' }],
    [object({ text: { type: ['string', 'null'] } }), { text: 'STOP\nMain street' }],
    [object({ lines: strings, colours: strings }), { lines: ['STOP', 'Main street'], colours: ['grey'] }],
    [object({ counts: { type: 'object', additionalProperties: integer } }), { counts: { person: 2, car: 1 } }],
    [object({ counts: object({ people: integer }) }), { counts: { people: 2 } }],
    [object({ num: { ...integer, minimum: 0, maximum: 9007199254740991 } }), { num: 3 }],
  ])('fills %j', (schema, expected) => {
    expect(plan(schema).fill(seen)).toEqual(expected);
  });

  it.each([
    ['is_raining', object({ is_raining: { type: 'boolean' } })],
    ['story', object({ story: { type: 'string' } })],
    ['windows', object({ num_windows: integer })],
    ['counts.mood', object({ counts: object({ mood: { type: 'string' } }) })],
    ['people', object({ people: { ...integer, minimum: 1 } })],
    ['boxes', object({ boxes: { type: 'array', items: { type: 'array', items: integer } } })],
    ['people', { type: 'object', properties: {}, required: ['people'] }],
    ['object', integer],
  ])('refuses by the name %j what a detector cannot fill', (name, schema) => {
    expect(() => plan(schema)).toThrow(name);
  });

  it('refuses to count what the question names but the detector does not know', () => {
    expect(() => plan(object({ num: integer }), 'How many windows?')).toThrow('windows');
  });

  it('does not mistake a property called __proto__ for a prototype', () => {
    expect(() =>
      plan(JSON.parse('{"type":"object","properties":{"__proto__":{"type":"boolean"}}}') as object),
    ).toThrow();
  });
});

describe('jsonSchema', () => {
  it.each(['pattern', 'enum', 'anyOf', '$ref', 'minItems'])(
    'refuses the keyword %s, which would be ignored',
    (keyword) => {
      const { error } = jsonSchema.safeParse(object({ text: { type: 'string', [keyword]: 'x' } }));
      expect(error?.issues[0]?.message).toContain(keyword);
    },
  );
});
