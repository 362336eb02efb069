import { dirname, join } from 'node:path';
import type { Sharp } from 'sharp';
import { createWorker, OEM, type Page, PSM, type Word, type Worker } from 'tesseract.js';

/** Tesseract reads letters of about this picture size best; smaller pictures are enlarged to it, larger ones reduced. */
const READING_SIZE_PX = 1_600;
const MAXIMUM_ENLARGEMENT = 2;
/** In percent. Below it Tesseract reads words into leaves and walls. */
const MINIMUM_CONFIDENCE = 70;

/** Reads printed English text with Tesseract, whose language data is an installed package: nothing is downloaded. */
export class TextReader {
  private constructor(private readonly worker: Worker) {}

  static async load(): Promise<TextReader> {
    const data = dirname(require.resolve('@tesseract.js-data/eng/package.json'));
    const worker = await createWorker('eng', OEM.LSTM_ONLY, {
      langPath: join(data, '4.0.0_best_int'),
      cacheMethod: 'none',
      gzip: true,
    });
    // Measured: SPARSE_TEXT finds no more words in a diagram, takes five times as long on photos, and sees words in noise.
    await worker.setParameters({ tessedit_pageseg_mode: PSM.AUTO, user_defined_dpi: '150' });
    return new TextReader(worker);
  }

  /** The lines of text in a picture that were read with confidence, in reading order. */
  async read(picture: Sharp, { width, height }: { width: number; height: number }): Promise<string[]> {
    const scale = Math.min(READING_SIZE_PX / Math.max(width, height), MAXIMUM_ENLARGEMENT);
    const page = await picture
      .resize(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)), { fit: 'fill' })
      .greyscale()
      .png({ compressionLevel: 1 })
      .toBuffer();
    const { data } = await this.worker.recognize(page, {}, { blocks: true, text: false });
    return confidentLines(data);
  }
}

function confidentLines(page: Page): string[] {
  const lines = (page.blocks ?? []).flatMap((block) => block.paragraphs).flatMap((paragraph) => paragraph.lines);
  return lines
    .map(({ words }) => words.filter(isConfident))
    .filter((words) => words.some(isWord))
    .map((words) => words.map((word) => word.text).join(' '));
}

function isConfident({ confidence, text }: Word): boolean {
  return confidence >= MINIMUM_CONFIDENCE && /[\p{L}\p{N}]/u.test(text);
}

/** A lone letter or number is more often noise than text; it counts only beside a word. */
function isWord({ text }: Word): boolean {
  return /\p{L}{2}/u.test(text);
}
