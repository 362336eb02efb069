import type { Observations } from '../vision/observations.js';
import { answerInWords, PREFIX } from './answer-text.js';
import { readQuestion } from './question.js';

const seen: Observations = {
  width: 640,
  height: 480,
  objects: [
    { label: 'person', score: 0.9 },
    { label: 'person', score: 0.6 },
    { label: 'car', score: 0.55 },
    { label: 'bus', score: 0.5 },
  ],
  text: ['STOP', 'Main street'],
  colours: [{ name: 'grey', hex: '#808080', share: 0.75 }],
};
const answer = (prompt: string, observations = seen) => answerInWords(readQuestion(prompt), observations);

describe(answerInWords, () => {
  it.each([
    ['How many people?', 'I count 2 people.'],
    ['How many cars?', 'I count 1 car.'],
    ['How many dogs?', 'I count 0 dogs.'],
    ['How many vehicles?', 'I count 2 vehicles.'],
    ['How many people, cars and cats?', 'I count 2 people, 1 car and 0 cats.'],
    ['Count the objects', 'I count 4 objects.'],
    ['Read the sign', 'Text read:\nSTOP\nMain street'],
    ['What colour is it?', 'Main colours: grey #808080 (75%). They are of the whole picture, not of one object.'],
  ])('answers %j', (prompt, expected) => {
    expect(answer(prompt)).toBe(`${PREFIX} ${expected}`);
  });

  it('lists all it found for an open question and says how to get a real explanation', () => {
    const text = answer('Explain the image');
    expect(text).toContain('Found: 2 people (up to 90% sure), 1 car (up to 55% sure) and 1 bus (up to 50% sure).');
    expect(text).toContain('STOP');
    expect(text).toContain('grey #808080 (75%)');
    for (const setting of ['AI_SERVICES_ENDPOINT', 'AI_SERVICES_API_KEY', 'AI_SERVICES_MODEL_GPT']) {
      expect(text).toContain(setting);
    }
  });

  it('admits what it cannot count before it lists what it found', () => {
    expect(answer('How many windows?')).toMatch(/I cannot count "windows".*\n.*was sent as 640 x 480 pixels/);
  });

  it('admits that it found nothing', () => {
    const nothing = { ...seen, objects: [], text: [] };
    expect(answer('Explain', nothing)).toMatch(/Found no object[^]*No text could be read/);
  });
});
