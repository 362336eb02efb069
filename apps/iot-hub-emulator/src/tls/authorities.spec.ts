import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { aCertificate } from '../../test-support/certificates.js';
import { readAuthorities } from './authorities.js';

describe(readAuthorities.name, () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'authorities-spec-'));
  });
  afterEach(async () => {
    await rm(directory, { recursive: true, force: true });
  });

  const anAuthority = async (commonName: string) => (await aCertificate({ commonName, authority: true })).cert;

  it('takes texts and files, with one certificate each or several', async () => {
    const [first, second, third] = await Promise.all(['first', 'second', 'third'].map(anAuthority));
    const file = path.join(directory, 'two.pem');
    await writeFile(file, `Subject: two of them\n${second ?? ''}\n${third ?? ''}`);
    const authorities = await readAuthorities([first ?? '', file]);
    expect(authorities.map(({ subject }) => subject)).toEqual(['CN=first', 'CN=second', 'CN=third']);
  });

  it('names the source and what is wrong with it', async () => {
    const file = path.join(directory, 'device.pem');
    await writeFile(file, (await aCertificate({ commonName: 'device' })).cert);
    await expect(readAuthorities([file])).rejects.toThrow(`${file} is not that of an authority`);
    await writeFile(file, 'nothing of the kind');
    await expect(readAuthorities([file])).rejects.toThrow(`${file} is not in PEM format`);
    await writeFile(file, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----');
    await expect(readAuthorities([file])).rejects.toThrow(`${file} cannot be read`);
    const missing = path.join(directory, 'missing.pem');
    await expect(readAuthorities([missing])).rejects.toThrow(`${missing} cannot be read: ENOENT`);
    await expect(readAuthorities(['-----BEGIN CERTIFICATE-----'])).rejects.toThrow(
      'given as text is not in PEM format',
    );
  });

  it('takes 25 at most', async () => {
    const one = await anAuthority('one');
    expect(await readAuthorities(Array.from({ length: 25 }, () => one))).toHaveLength(25);
    await expect(readAuthorities([one.repeat(26)])).rejects.toThrow('25 CA certificates at most, not 26');
  });
});
