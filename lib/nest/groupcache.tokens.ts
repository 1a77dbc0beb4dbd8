/** Token of the base path, which is known before the options are. */
export const BASE_PATH = Symbol('nestjs-groupcache:base-path');

/** Token of the options as the application gave them. */
export const GROUPCACHE_OPTIONS = Symbol('nestjs-groupcache:options');

/** Token of the options with their defaults. */
export const RESOLVED_OPTIONS = Symbol('nestjs-groupcache:resolved-options');
