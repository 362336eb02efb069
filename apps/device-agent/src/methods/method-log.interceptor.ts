import { type CallHandler, type ExecutionContext, Injectable, Logger, type NestInterceptor } from '@nestjs/common';
import { type Observable, tap } from 'rxjs';
import { DirectMethodContext } from '#libs/iot-hub/device';
import { AppError } from '#libs/runtime';

/** Texts of a payload that a log line shows, when they are there and not over long: it has not been checked yet. */
const SHOWN_FIELDS = ['correlation_id', 'blob_name'];
const MAX_SHOWN_LENGTH = 800;

/** Writes one log line for each direct method: what was asked, how it ended, and how long it took. */
@Injectable()
export class MethodLogInterceptor implements NestInterceptor {
  private readonly logger = new Logger(MethodLogInterceptor.name);

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const context: unknown = execution.switchToRpc().getContext();
    if (!(context instanceof DirectMethodContext)) return next.handle();
    const startedMs = performance.now();
    const asked = { method: context.methodName, ...shownFields(execution.switchToRpc().getData()) };
    const took = (): { took_ms: number } => ({ took_ms: Math.round(performance.now() - startedMs) });
    return next.handle().pipe(
      tap({
        next: () => {
          this.logger.log({ msg: 'Direct method done', ...asked, ...took() });
        },
        error: (error: unknown) => {
          const code = error instanceof AppError ? error.code : 'METHOD.FAILED';
          this.logger.warn({ msg: 'Direct method failed', ...asked, code, ...took() });
        },
      }),
    );
  }
}

function shownFields(payload: unknown): Record<string, string> {
  if (typeof payload !== 'object' || payload === null) return {};
  const shown = Object.entries(payload).filter(
    (field): field is [string, string] => SHOWN_FIELDS.includes(field[0]) && typeof field[1] === 'string',
  );
  return Object.fromEntries(shown.map(([name, text]) => [name, text.slice(0, MAX_SHOWN_LENGTH)]));
}
