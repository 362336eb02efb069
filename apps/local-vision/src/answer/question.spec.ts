import { partsFor, readQuestion } from './question.js';

const NOTHING = { counts: [], text: false, colours: false };
const named = (prompt: string) => {
  const { counts, ...rest } = readQuestion(prompt);
  return { ...rest, counts: counts.map(({ singular }) => singular) };
};

describe(readQuestion, () => {
  it.each([
    ['How many people are there?', ['person']],
    ['how many PERSONS', ['person']],
    ['Count the pedestrians.', ['person']],
    ['What is the number of cars and buses in the picture?', ['car', 'bus']],
    ['How many teddy bears?', ['teddy bear']],
    ['How many bears and knives?', ['bear', 'knife']],
    ['How many vehicles are parked?', ['vehicle']],
    ['How many cell phones or phones?', ['cell phone']],
    ['Count everyone: how many people? return json {"num": 3}', ['person']],
    ['Count all objects', ['object']],
    ['How many are there?', ['object']],
    ['How many of the people are sitting on a chair?', ['person']],
  ])('counts what %j names', (prompt, counts) => {
    expect(named(prompt)).toEqual({ ...NOTHING, counts });
  });

  it.each([
    ['How many windows are there?', 'windows'],
    ['How many men do you see?', 'men'],
    ['How many windows does the car have?', 'windows'],
    ['count the red flowers in the vase-like thing', 'red flowers'],
  ])('says what the detector cannot count in %j', (prompt, uncountable) => {
    expect(named(prompt)).toMatchObject({ uncountable, counts: [] });
  });

  it.each(['Read the sign', 'What does it say?', 'what is written on the wall', 'OCR', 'Transcribe this'])(
    'reads for %j',
    (prompt) => {
      expect(named(prompt)).toEqual({ ...NOTHING, text: true });
    },
  );

  it.each(['What colour is it?', 'dominant colors'])('names colours for %j', (prompt) => {
    expect(named(prompt)).toEqual({ ...NOTHING, colours: true });
  });

  it('answers two questions at once', () => {
    expect(named('How many dogs, and what colour are they?')).toEqual({ ...NOTHING, counts: ['dog'], colours: true });
  });

  it.each(['Please explain the attached image.', 'Are you ready?', 'Is there a discount?', ''])(
    'finds no particular question in %j',
    (prompt) => {
      expect(named(prompt)).toEqual(NOTHING);
    },
  );
});

describe(partsFor, () => {
  it('runs only the parts that a question needs', () => {
    expect(partsFor(readQuestion('How many cats?'))).toEqual({ objects: true, text: false, colours: false });
    expect(partsFor(readQuestion('Read it'))).toEqual({ objects: false, text: true, colours: false });
    expect(partsFor(readQuestion('Which colours?'))).toEqual({ objects: false, text: false, colours: true });
  });

  it('runs all parts for an open question and for one that it cannot answer', () => {
    const everything = { objects: true, text: true, colours: true };
    expect(partsFor(readQuestion('Explain'))).toEqual(everything);
    expect(partsFor(readQuestion('How many windows?'))).toEqual(everything);
  });
});
