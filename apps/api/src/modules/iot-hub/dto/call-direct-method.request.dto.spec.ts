import { captureImageFromCamera, captureImageFromFile } from '#libs/contracts';
import { plainToInstance } from 'class-transformer';
import { validate } from 'class-validator';
import { directMethodExamples } from './call-direct-method.request.dto.js';

describe('directMethodExamples', () => {
  it.each([captureImageFromFile, captureImageFromCamera])('has a payload that $name accepts', async (method) => {
    const payload: object | undefined = directMethodExamples[method.name]?.value.payload;
    expect(payload).toBeDefined();
    expect(await validate(plainToInstance<object, unknown>(method.payload, payload))).toEqual([]);
  });
});
