import 'reflect-metadata';
import { All, Controller, Inject, NotFoundException, Req, Res, VERSION_NEUTRAL, type Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PeerServer } from '../peers/peer-server.js';
import type { ResolvedGroupcacheOptions } from './groupcache.options.js';
import { RESOLVED_OPTIONS } from './groupcache.tokens.js';

/** Express's request and response, or Fastify's, as far as they are looked at. */
interface FrameworkRequest extends IncomingMessage {
  readonly raw?: IncomingMessage;
  readonly originalUrl?: string;
}

interface FrameworkResponse extends ServerResponse {
  readonly raw?: ServerResponse;
  hijack?(): void;
}

/** Answers peers at the base path of its module, unless that is done on a `listen` port or by a raw mount. */
export interface GroupcacheController {
  serve(request: FrameworkRequest, response: FrameworkResponse): Promise<void>;
}

/**
 * The peer controller for `basePath`: a class of its own for each module, because Nest keeps a route's path on the class.
 *
 * `decorators` are the application's, to let peers through its global guards and throttlers. Version-neutral; the module
 * takes its path out of a global prefix.
 */
export function createGroupcacheController(
  basePath: string,
  decorators: readonly ClassDecorator[],
): Type<GroupcacheController> {
  @Controller({ path: basePath.slice(0, -1), version: VERSION_NEUTRAL })
  class PeerController implements GroupcacheController {
    constructor(
      @Inject(PeerServer) private readonly server: PeerServer,
      @Inject(RESOLVED_OPTIONS) private readonly options: ResolvedGroupcacheOptions,
      @Inject(HttpAdapterHost) { httpAdapter }: HttpAdapterHost,
    ) {
      // Nest reads routes from the instance's prototype; the class may be shared by applications on other frameworks.
      if (httpAdapter?.getType() === 'fastify') Object.setPrototypeOf(this, FastifyPeerController.prototype);
    }

    @All(['/', '/*path'])
    async serve(@Req() request: FrameworkRequest, @Res() response: FrameworkResponse): Promise<void> {
      // Raw, because a returned Buffer would become JSON, and parsed parameters have lost what the key was.
      const rawRequest = request.raw ?? request;
      const target = request.originalUrl ?? rawRequest.url;
      const { listen, mount } = this.options;
      // As Nest answers where nothing is mounted: the public may come here, and peers are answered elsewhere.
      if (listen !== undefined || mount === 'raw') throw new NotFoundException(`Cannot ${request.method} ${target}`);
      response.hijack?.();
      await this.server.handle(rawRequest, response.raw ?? response, target);
    }
  }

  /** The same by Fastify's router, whose wildcard has no name, as Express's must. */
  class FastifyPeerController extends PeerController {
    @All(['/', '/*'])
    override serve(request: FrameworkRequest, response: FrameworkResponse): Promise<void> {
      return super.serve(request, response);
    }
  }

  for (const Class of [PeerController, FastifyPeerController]) {
    Object.defineProperty(Class, 'name', { value: 'GroupcacheController' });
  }
  // What @nestjs/swagger's ApiExcludeController() writes: peers' talk is no part of the application's API.
  Reflect.defineMetadata('swagger/apiExcludeController', [true], PeerController);
  for (const decorate of decorators) decorate(PeerController);
  return PeerController;
}
