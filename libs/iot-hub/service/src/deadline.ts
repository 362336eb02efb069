import { AppError } from '#libs/runtime';

/**
 * `work`, unless it takes longer than `timeoutMs`.
 *
 * @throws {@link AppError} `IOT_HUB.UNREACHABLE` then.
 */
export async function deadline<Result>(work: Promise<Result>, timeoutMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new AppError('IOT_HUB.UNREACHABLE', `The IoT Hub has not answered within ${timeoutMs / 1000} s.`));
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
