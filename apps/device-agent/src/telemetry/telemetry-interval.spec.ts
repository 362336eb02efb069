import { acknowledgeInterval } from './telemetry-interval.js';

describe(acknowledgeInterval.name, () => {
  it.each([1, 60, 86_400])('grants %d', (seconds) => {
    const desired = { telemetry_interval_seconds: seconds, $version: 7 };
    expect(acknowledgeInterval(desired, 60)).toEqual({ value: seconds, ac: 200, av: 7, ad: null });
  });

  it.each([0, -1, 86_401, 1.5, '60', true, {}, [60]])('refuses %j, says why, and stays as it is', (wish) => {
    const desired = { telemetry_interval_seconds: wish, $version: 7 };
    expect(acknowledgeInterval(desired, 5)).toEqual({
      value: 5,
      ac: 400,
      av: 7,
      ad: 'telemetry_interval_seconds must be a whole number from 1 to 86400.',
    });
  });

  it('goes back to its own default when there is no wish', () => {
    expect(acknowledgeInterval({ $version: 7 }, 5)).toEqual({ value: 60, ac: 203, av: 0, ad: null });
  });
});
