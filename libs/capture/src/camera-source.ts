/** What stands behind a camera index. */
export type CameraSource =
  /** A camera of this machine: its number, or its device file. */
  | { readonly kind: 'device'; readonly device: number | string }
  /** A video that comes over the network. */
  | { readonly kind: 'stream'; readonly url: string }
  /** A graph of FFmpeg's virtual input device, in real time. */
  | { readonly kind: 'test'; readonly graph: string }
  /** A video file that is played round and round. */
  | { readonly kind: 'file'; readonly path: string };

/** @see https://ffmpeg.org/ffmpeg-filters.html#Video-Sources */
const TEST_GRAPH =
  /^(?:testsrc2?|smpte(?:hd)?bars|rgbtestsrc|yuvtestsrc|pal(?:75|100)bars|color|mandelbrot|life|cellauto|gradients|sierpinski|nullsrc|haldclutsrc|allrgb|allyuv)(?:$|[=,])/;

const STREAM = /^(?:rtsps?|https?|rtmps?|udp|rtp|srt|tcp):\/\//i;

/** Reads the setting `CAMERA_N`; without one, camera N is the machine's own camera of that number. */
export function cameraSource(index: number, setting?: string): CameraSource {
  const text = setting?.trim();
  if (text === undefined || text === '') return { kind: 'device', device: index };
  if (/^\d+$/.test(text)) return { kind: 'device', device: Number(text) };
  if (text.startsWith('/dev/')) return { kind: 'device', device: text };
  if (STREAM.test(text)) return { kind: 'stream', url: text };
  if (text.startsWith('lavfi:')) return { kind: 'test', graph: text.slice('lavfi:'.length) };
  if (TEST_GRAPH.test(text)) return { kind: 'test', graph: text };
  return { kind: 'file', path: text };
}

/** What to call a source in lists and errors. User names, passwords and query strings, which may hold keys, are left out. */
export function describeSource(source: CameraSource): string {
  switch (source.kind) {
    case 'device':
      return typeof source.device === 'number' ? `camera ${source.device}` : source.device;
    case 'stream': {
      const url = URL.parse(source.url);
      return url === null ? 'network stream' : `${url.protocol}//${url.host}${url.pathname}`;
    }
    case 'test':
      return `test source ${source.graph.split(/[=,]/, 1)[0] ?? ''}`;
    case 'file':
      return `video file ${source.path.split(/[/\\]/).at(-1) ?? ''}`;
  }
}
