export { plainFailures, type FailureCodec, type WireFailure } from './failure-codec.js';
export { HttpPool, type HttpPoolEvents } from './http-pool.js';
export type { HttpPoolOptions } from './http-pool-options.js';
export { acceptLinks } from './link/accept-links.js';
export { PeerAuth, type PeerAuthOptions, type SignedRequest } from './peer-auth.js';
export { PeerListener, type ListenOptions } from './peer-listener.js';
export { PeerServer, type PeerServerOptions } from './peer-server.js';
export { checkSelf, type SelfCheck } from './self-check.js';
export { SelfWatch, type SelfWatchOptions } from './self-watch.js';
