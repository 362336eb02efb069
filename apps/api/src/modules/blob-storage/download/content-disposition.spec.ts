import { contentDisposition } from './content-disposition.js';

describe(contentDisposition.name, () => {
  it.each([
    ['device001/front.jpg', 'image/jpeg', 'inline; filename="front.jpg"'],
    ['a b.txt', 'text/plain', 'inline; filename="a b.txt"'],
    ['x.svg', 'image/svg+xml', 'attachment; filename="x.svg"'],
    ['x.html', 'text/html', 'attachment; filename="x.html"'],
    ['x', 'application/octet-stream', 'attachment; filename="x"'],
    ['猫.png', 'image/png', `inline; filename="_.png"; filename*=UTF-8''%E7%8C%AB.png`],
    [`a"b\\c.png`, 'image/png', `inline; filename="a_b_c.png"; filename*=UTF-8''a%22b%5Cc.png`],
    [`it's(1)%.png`, 'image/png', `inline; filename="it's(1)_.png"; filename*=UTF-8''it%27s%281%29%25.png`],
    ['a\r\nb', 'image/png', `inline; filename="a__b"; filename*=UTF-8''a%0D%0Ab`],
  ])('of %j as %s', (name, type, expected) => {
    expect(contentDisposition(name, type)).toBe(expected);
  });
});
