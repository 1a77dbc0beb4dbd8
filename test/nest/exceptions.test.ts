import {
  BadRequestException,
  ConflictException,
  Controller,
  GatewayTimeoutException,
  Get,
  HttpException,
  ImATeapotException,
  Inject,
  Injectable,
  NotFoundException,
  type INestApplication,
} from '@nestjs/common';
import { Cached, LoadFailedError } from 'nestjs-groupcache';
import { afterEach, describe, expect, it } from 'vitest';
import { httpExceptionFailures } from '../../lib/nest/http-exception-failures.js';
import { closeApps, ownerAndOther, platforms, startApp, startCluster } from './apps.js';

class SoldOutException extends ConflictException {
  constructor() {
    super({ reason: 'sold-out', left: 0 });
  }
}

class DatabaseError extends Error {
  override name = 'DatabaseError';
  code = '57P01';
  detail = 'of no business to others';
}

@Injectable()
class Service {
  runs = 0;
  failure: unknown;
  @Cached('failing')
  async load(_id: string): Promise<string> {
    this.runs++;
    throw this.failure;
  }
}

/** What one peer gets when the method throws `failure` at another, which is the only one to run it. */
async function failureAcross(failure: unknown): Promise<{ error: any; owner: INestApplication }> {
  const apps = await startCluster(2, { providers: [Service] });
  const [owner, other] = ownerAndOther(apps, 'key');
  owner.get(Service).failure = failure;

  const error: unknown = await other
    .get(Service)
    .load('key')
    .catch((reason: unknown) => reason);

  expect([owner.get(Service).runs, other.get(Service).runs]).toEqual([1, 0]);
  return { error, owner };
}

afterEach(closeApps);

describe('an HttpException of a cached method', () => {
  it.each([
    ['a NotFoundException', new NotFoundException('No such city')],
    ['one with a description', new NotFoundException('No such city', 'Atlas')],
    ['one with a response of its own', new BadRequestException({ errors: [{ field: 'id', is: 'odd' }] })],
    ['one of several messages', new BadRequestException(['id is odd', 'id is long'])],
    ['one of a rare status', new ImATeapotException()],
    ['one of the server', new GatewayTimeoutException('The database is slow')],
    ['a bare one', new HttpException('Not yet', 425)],
    ['a bare one with an object', new HttpException({ wait: 5 }, 425)],
  ])('arrives at a peer as what it was: %s', async (_what, exception) => {
    const { error } = await failureAcross(exception);

    expect(error).toBeInstanceOf(exception.constructor);
    expect(error.constructor).toBe(exception.constructor);
    expect(error.getStatus()).toBe(exception.getStatus());
    expect(error.getResponse()).toEqual(exception.getResponse());
    expect([error.name, error.message]).toEqual([exception.name, exception.message]);
  });

  it('arrives as the class of Nest that it derives from, with its own status, response and name', async () => {
    const { error } = await failureAcross(new SoldOutException());

    expect(error).toBeInstanceOf(ConflictException);
    expect(error.getStatus()).toBe(409);
    expect(error.getResponse()).toEqual({ reason: 'sold-out', left: 0 });
    expect(error.name).toBe('SoldOutException');
  });

  it('reaches the callers of the owner as itself', async () => {
    const exception = new NotFoundException();
    const [app] = await startCluster(1, { providers: [Service] });
    app!.get(Service).failure = exception;

    await expect(app!.get(Service).load('key')).rejects.toBe(exception);
  });

  it('is not cached', async () => {
    const [app] = await startCluster(1, { providers: [Service] });
    const service = app!.get(Service);
    service.failure = new NotFoundException();

    await expect(service.load('key')).rejects.toThrow();
    await expect(service.load('key')).rejects.toThrow();

    expect(service.runs).toBe(2);
  });
});

describe('another error of a cached method', () => {
  it('arrives as a LoadFailedError with name, message and code, and nothing else of the other machine', async () => {
    const failure = new DatabaseError('terminating connection');
    const { error, owner } = await failureAcross(failure);

    expect(error).toBeInstanceOf(LoadFailedError);
    expect(error).toMatchObject({ group: 'failing', peer: expect.stringMatching(/^http:/) });
    expect(error.reason).toEqual({ name: 'DatabaseError', message: 'terminating connection', code: '57P01' });
    expect(error.cause).toBeUndefined();
    const firstFrame = failure.stack!.split('\n').find((line) => line.includes('    at '));
    expect(error.stack).not.toContain(firstFrame);
    expect(JSON.stringify(error)).not.toContain('of no business');
    await expect(owner.get(Service).load('key')).rejects.toBe(failure);
  });

  it('arrives even if it is no Error', async () => {
    const { error } = await failureAcross('just a text');

    expect(error).toBeInstanceOf(LoadFailedError);
    expect(error.reason).toMatchObject({ message: 'just a text' });
  });
});

@Injectable()
class SlowService {
  @Cached('slow', { maxConcurrentLoads: 1, maxQueuedLoads: 0 })
  load(_id: string): Promise<string> {
    return new Promise(() => undefined);
  }
}

@Controller()
class SlowController {
  constructor(@Inject(SlowService) private readonly service: SlowService) {}

  @Get('second')
  second(): Promise<string> {
    return this.service.load('second');
  }
}

describe('an OverloadedError that nobody catches', () => {
  it.each(platforms)('is answered 503, without a word of the inside, on %s', async (_platform, adapter) => {
    const app = await startApp({ groupcache: {}, adapter, providers: [SlowService], controllers: [SlowController] });
    void app.get(SlowService).load('first');

    const response = await fetch(`${await app.getUrl()}/second`);

    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ statusCode: 503, message: 'Service Unavailable' });
  });
});

describe('httpExceptionFailures', () => {
  it.each<[string, unknown]>([
    ['no status', { response: 'a', base: 'NotFoundException' }],
    ['no response', { status: 404, base: 'NotFoundException' }],
    ['a response that is a number', { status: 404, response: 7, base: 'NotFoundException' }],
    ['no class', { status: 404, response: 'a' }],
    ['nothing', null],
  ])('takes details with %s for another error', (_what, details) => {
    const error = httpExceptionFailures.decode({ name: 'E', message: 'm', details }, 'group', 'http://peer');

    expect(error).toBeInstanceOf(LoadFailedError);
  });

  it('takes a class that this Nest does not have for an HttpException', () => {
    const details = { status: 499, response: { a: 1 }, base: 'constructor' };
    const error = httpExceptionFailures.decode({ name: 'Gone', message: 'm', details }, 'group', 'http://peer');

    expect(error).toBeInstanceOf(HttpException);
    expect(error).toMatchObject({ name: 'Gone', message: 'm', status: 499, response: { a: 1 } });
  });
});
