import { Injectable } from '@nestjs/common';

/** Counts the requests that users send to this peer. */
@Injectable()
export class RequestCounter {
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** A middleware. (As a class it would be no provider: Nest makes an instance of its own of a middleware class.) */
  readonly countRequest = (_request: unknown, _response: unknown, next: () => void): void => {
    this.#count++;
    next();
  };
}
