import { AppError } from '#libs/runtime';
import { type ExecutionContext, Injectable } from '@nestjs/common';
import { ThrottlerGuard } from '@nestjs/throttler';

/** Limits how often one client address may call; beyond that it is told in `Retry-After` when to come back. */
@Injectable()
export class RateLimitGuard extends ThrottlerGuard {
  /** The front end of Azure Functions names a client with its port, which changes with every connection. */
  protected override getTracker(request: { ip?: string }): Promise<string> {
    return Promise.resolve((request.ip ?? '').replace(/^(?:\[(.+)\]|([\d.]+)):\d+$/, '$1$2'));
  }

  /** One count for each address, over all routes. */
  protected override generateKey(_context: ExecutionContext, address: string): string {
    return address;
  }

  protected override throwThrottlingException(): Promise<void> {
    return Promise.reject(new AppError('REQUEST.RATE_LIMITED', 'This address has sent too many requests.'));
  }
}
