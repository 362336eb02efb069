import { BaseRpcContext } from '@nestjs/microservices';

/** What a handler of a direct method is told beside the payload. */
export class DirectMethodContext extends BaseRpcContext<[methodName: string, requestId: string]> {
  get methodName(): string {
    return this.getArgs()[0];
  }

  /** The hub's own id of this call. */
  get requestId(): string {
    return this.getArgs()[1];
  }
}
