import { HubError } from '../errors/hub-errors.js';
import type { JsonObject } from '../json.js';
import { checkProperties, checkSectionSize } from './twin-limits.js';

/** A section with so many objects within each other. */
const nested = (depth: number): JsonObject => (depth === 0 ? { leaf: 1 } : { level: nested(depth - 1) });
const refusal = (action: () => void): HubError => {
  try {
    action();
  } catch (cause) {
    if (cause instanceof HubError) return cause;
    throw cause;
  }
  throw new Error('It was not refused.');
};

describe(checkProperties.name, () => {
  it.each(['', 'with space', 'with.dot', '$dollar', 'tab\t', 'nul\u0000', 'c1\u0085', 'x'.repeat(1025)])(
    'refuses the name %j',
    (name) => {
      expect(
        refusal(() => {
          checkProperties('tags', { deep: { [name]: 1 } });
        }).errorName,
      ).toBe('ArgumentInvalid');
    },
  );

  it.each(['plain', 'with-dash', 'ünïcode', 'x'.repeat(1024), '__proto__'])('takes the name %j', (name) => {
    expect(() => {
      checkProperties('tags', Object.fromEntries([[name, 1]]));
    }).not.toThrow();
  });

  it('takes ten levels and refuses eleven, arrays counted', () => {
    expect(() => {
      checkProperties('desired', nested(10));
    }).not.toThrow();
    expect(
      refusal(() => {
        checkProperties('desired', nested(11));
      }).message,
    ).toContain('10 levels');
    const array = JSON.parse(`{"a":${'['.repeat(12)}${']'.repeat(12)}}`) as JsonObject;
    expect(
      refusal(() => {
        checkProperties('desired', array);
      }).message,
    ).toContain('desired.a');
  });

  it('takes nulls, which delete, but none within arrays', () => {
    expect(() => {
      checkProperties('desired', { a: null, b: { c: null } });
    }).not.toThrow();
    for (const array of [[null], [{ a: null }], [[1, [null]]]]) {
      expect(
        refusal(() => {
          checkProperties('desired', { array });
        }).message,
      ).toContain('null');
    }
  });

  it('refuses absurd depth without running out of stack', () => {
    const patch = JSON.parse(`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`) as JsonObject;
    expect(
      refusal(() => {
        checkProperties('reported', patch);
      }).errorName,
    ).toBe('ArgumentInvalid');
  });

  it('takes a text of 4096 bytes and refuses one more', () => {
    expect(() => {
      checkProperties('reported', { text: 'x'.repeat(4096) });
    }).not.toThrow();
    expect(
      refusal(() => {
        checkProperties('reported', { text: 'ü'.repeat(2049) });
      }).message,
    ).toContain('reported.text');
  });
});

describe(checkSectionSize.name, () => {
  // Nine members of one letter and 4096 bytes, less what makes the whole exactly the limit.
  const filled = (bytes: number): JsonObject => {
    const members: [string, string][] = [];
    for (let left = bytes, i = 0; left > 0; i += 1) {
      const length = Math.min(4096, left - 1);
      members.push([String.fromCharCode(97 + i), 'x'.repeat(length)]);
      left -= length + 1;
    }
    return Object.fromEntries(members);
  };

  it.each([
    ['tags', 8 * 1024],
    ['desired', 32 * 1024],
    ['reported', 32 * 1024],
  ] as const)('limits %s to %i bytes', (section, limit) => {
    expect(() => {
      checkSectionSize(section, filled(limit));
    }).not.toThrow();
    expect(
      refusal(() => {
        checkSectionSize(section, filled(limit + 2));
      }).message,
    ).toContain(String(limit));
  });
});
