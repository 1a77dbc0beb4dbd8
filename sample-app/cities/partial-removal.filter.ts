import { Catch, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { PartialRemovalError } from 'nestjs-groupcache';

/** The change is in the database, but not all peers have confirmed yet that they have dropped the old value: 202. */
@Catch(PartialRemovalError)
export class PartialRemovalFilter implements ExceptionFilter<PartialRemovalError> {
  constructor(private readonly adapterHost: HttpAdapterHost) {}

  catch({ message, result }: PartialRemovalError, host: ArgumentsHost): void {
    const body = { statusCode: HttpStatus.ACCEPTED, message, pending: result.pending };
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, HttpStatus.ACCEPTED);
  }
}
