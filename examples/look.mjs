// Asks a device for a picture, lists what it has stored, shows the picture and has it explained. Start Spyglass first; then:
//   npm install && node look.mjs "How many people are there?"
// SPYGLASS_URL and SPYGLASS_API_KEY name another API and its key.
import { writeFile } from 'node:fs/promises';
import { createClient, SpyglassError } from '@spyglass-iot/client';

const { SPYGLASS_URL = 'http://127.0.0.1:8000', SPYGLASS_API_KEY } = process.env;
const { iotHub, blobStorage, aiServices } = createClient({ baseUrl: SPYGLASS_URL, apiKey: SPYGLASS_API_KEY });
const [prompt = 'What is in this picture?'] = process.argv.slice(2);

try {
  const { status, payload } = await iotHub.callDirectMethod({
    method_name: 'capture_image_from_camera',
    payload: { index: 0, blob_name: 'look.jpg' },
  });
  if (status !== 200) throw new Error(`The device answered ${status}: ${payload.message}`);
  console.log(`Captured ${payload.blob_name}, ${payload.width} x ${payload.height}.`);

  const [device] = payload.blob_name.split('/');
  for await (const { name, size_bytes } of blobStorage.listBlobs({ prefix: `${device}/` })) {
    console.log(`  ${name}, ${size_bytes} bytes`);
  }

  const picture = await blobStorage.getBlob({ blob_name: payload.blob_name });
  await writeFile('look.jpg', picture.stream);
  console.log('Saved as look.jpg.');

  const { response } = await aiServices.explainImage({ blob_name: payload.blob_name, prompt });
  console.log(response);
} catch (error) {
  console.error(error instanceof SpyglassError ? `${error.message} (${error.code}) ${error.hint}` : error);
  process.exitCode = 1;
}
