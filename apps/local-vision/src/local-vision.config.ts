import { z } from 'zod';
import { loadSettings, LOG_LEVELS, portSetting } from '#libs/runtime';

const settings = z.object({
  /** Where to listen. There is no authentication: beyond loopback only in a network of your own. */
  LOCAL_VISION_HOST: z.string().default('127.0.0.1'),
  LOCAL_VISION_PORT: portSetting.default(8100),
  LOCAL_VISION_LOG_LEVEL: z.enum(LOG_LEVELS).default('info'),
  /** How many pictures may wait while one is looked at; the next is refused with 429. */
  LOCAL_VISION_QUEUE_LIMIT: z.coerce.number().int().min(0).max(1_000).default(8),
});

/** @throws AppError `SETTINGS.INVALID` naming every variable that breaks its rule. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = process.env) {
  const values = loadSettings(settings, env);
  return Object.freeze({
    host: values.LOCAL_VISION_HOST,
    port: values.LOCAL_VISION_PORT,
    logLevel: values.LOCAL_VISION_LOG_LEVEL,
    queueLimit: values.LOCAL_VISION_QUEUE_LIMIT,
  });
}
