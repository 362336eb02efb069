import { EmulatorOptionError } from '../../emulator-options.js';
import { retentionMs } from './retention-time.js';

describe(retentionMs.name, () => {
  it('is a day unless told otherwise', () => {
    expect(retentionMs({})).toBe(86_400_000);
    expect(retentionMs({ retentionDays: 7 })).toBe(7 * 86_400_000);
    expect(retentionMs({ messageRetentionMs: 5 })).toBe(5);
  });

  it.each([0, 8, 1.5, -1, Number.NaN])('refuses %s days', (retentionDays) => {
    expect(() => retentionMs({ retentionDays })).toThrow(EmulatorOptionError);
    expect(() => retentionMs({ retentionDays })).toThrow(/1 to 7 whole days/);
  });
});
