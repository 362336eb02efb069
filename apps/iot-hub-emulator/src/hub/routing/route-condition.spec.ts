import type { JsonValue } from '../json.js';
import { readRouteCondition } from './route-condition.js';
import type { RouteFacts } from './route-expression.js';

const APPLICATION: Readonly<Record<string, string>> = { severity: '4', path: 'hot', 'a.b': 'dotted', $own: 'mine' };
const SYSTEM: Readonly<Record<string, string>> = {
  contenttype: 'application/json',
  connectiondeviceid: 'cam1',
  enqueuedtime: '2030-01-01T12:00:00.000Z',
  'dt-subject': 'thermostat',
};
const BODY: JsonValue = {
  Weather: { Temperature: 50, IsEnabled: true, Wind: null, History: [{ Month: 'Feb' }, { Month: 'Jan' }] },
};
const TWIN: JsonValue = { tags: { floor: 1 }, properties: { desired: { interval: '5m' }, reported: {} } };

const facts: RouteFacts = {
  systemProperty: (name) => SYSTEM[name],
  applicationProperty: (name) => APPLICATION[name.toLowerCase()],
  body: BODY,
  twin: TWIN,
};
const holds = (condition: string, about: Partial<RouteFacts> = {}) =>
  readRouteCondition(condition).holds({ ...facts, ...about });

describe(readRouteCondition.name, () => {
  it.each([
    ['true', true],
    [' TRUE ', true],
    ['false', false],
    ['null', false],
    ['1', false],
    ["'text'", false],
    // Application properties: texts, found in any case.
    ["path = 'hot'", true],
    ["PATH = 'hot'", true],
    ["path = 'HOT'", false],
    ["path != 'cold'", true],
    ["path <> 'cold'", true],
    ['severity = 4', false],
    ["severity = '4'", true],
    ['as_number(severity) >= 4', true],
    ['as_number(path) > 0', false],
    ["a.b = 'dotted'", true],
    ["missing = 'x'", false],
    ["missing != 'x'", false],
    ["NOT missing = 'x'", false],
    // System properties, and application properties that look like one.
    ["$contentType = 'application/json'", true],
    ["$CONNECTIONDEVICEID = 'cam1'", true],
    ["contentType = 'application/json'", false],
    ["$dt-subject = 'thermostat'", true],
    ["$enqueuedTime > '2029-12-31T00:00:00Z'", true],
    ["$own = 'mine'", true],
    // The body.
    ['$body.Weather.Temperature = 50', true],
    ['$body.weather.temperature = 50', true],
    ['$body.Weather.Temperature > 50', false],
    ["$body.Weather.Temperature = '50'", false],
    ['$body.Weather.IsEnabled', true],
    ["$body.Weather.History[0].Month = 'Feb'", true],
    ["$body.Weather.History[1].Month = 'Feb'", false],
    ['$body.Weather.History = 1', false],
    ['$body.Weather.Wind = null', true],
    ['$body.Weather.Temperature != null', true],
    ['$body.nothing = null', false],
    ['is_defined($body)', false],
    ['is_defined($body.Weather.Wind)', true],
    ['is_null($body.Weather.Wind)', true],
    ['is_array($body.Weather.History) AND is_object($body.Weather) AND is_bool($body.Weather.IsEnabled)', true],
    ['is_primitive($body.Weather) OR is_string($body.Weather.Temperature)', false],
    ['$body.__proto__.toString = 1', false],
    // The twin.
    ['$twin.tags.floor = 1', true],
    ["$twin.properties.desired.interval = '5m'", true],
    ['is_defined($twin.properties.reported.interval)', false],
    // Operators, their order, and undefined within them.
    ["path = 'cold' OR severity = '4' AND path = 'hot'", true],
    ["(path = 'cold' OR severity = '4') AND path = 'cold'", false],
    ['missing OR true', true],
    ['missing AND true', false],
    ['NOT (missing AND false)', true],
    ['1 + 2 * 3 = 7', true],
    ['10 % 4 - 1 = 1', true],
    ['1 / 0 > 0', false],
    ['-1 < 0', true],
    ["path IN ['cold', 'hot']", true],
    ["path NIN ['cold', 'hot']", false],
    ["missing NIN ['cold']", false],
    // Functions.
    ["concat(path, '-', severity) = 'hot-4'", true],
    ["length(path) = 3 AND upper(path) = 'HOT' AND lower('HOT') = path", true],
    ["substring(path, 1) = 'ot' AND substring(path, 0, 2) = 'ho'", true],
    ["index_of(path, 't') = 2 AND starts_with(path, 'ho') AND ends_with(path, 'ot') AND contains(path, 'o')", true],
    ['abs(-2) = 2 AND power(2, 3) = 8 AND square(3) = 9 AND sqrt(9) = 3 AND sign(-4) = -1', true],
    ['ceiling(1.2) = 2 AND floor(1.8) = 1 AND exp(0) = 1', true],
    ['length(severity + 1) = 1', false],
  ])('finds %s to be %s', (condition, expected) => {
    expect(holds(condition)).toBe(expected);
  });

  it('knows nothing of a body that is an array, or none', () => {
    expect(holds("$body[0] = 'Feb'", { body: ['Feb'] })).toBe(false);
    expect(holds('$body.a = 1 OR NOT ($body.a = 1)', { body: undefined })).toBe(false);
  });

  it.each([
    ["path == 'hot'", 7],
    ["path = 'hot", 8],
    ['path = ', 8],
    ['(path', 6],
    ["path = 'hot' path", 14],
    ['frobnicate(path)', 1],
    ['abs(1, 2)', 1],
    ['contains(path)', 1],
    ["path IN ('hot')", 9],
    ['$body. = 1', 6],
    [`${'('.repeat(60)}1${')'.repeat(60)}`, 51],
  ])('refuses %s with the position', (condition, position) => {
    expect(() => readRouteCondition(condition)).toThrow(new RegExp(`invalid at character ${position}:`));
  });
});
