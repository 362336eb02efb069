import { Catch, type ExceptionFilter } from '@nestjs/common';
import { type Observable, throwError } from 'rxjs';

/** Lets what a handler throws reach the transport as it is: Nest would make "Internal server error" of it. */
@Catch()
export class DirectMethodExceptionFilter implements ExceptionFilter {
  catch(exception: unknown): Observable<never> {
    return throwError(() => exception);
  }
}
