import { PGlite } from '@electric-sql/pglite';

type RawStreamOptions = Parameters<PGlite['execProtocolRawStream']>[1];

const sync = 'S'.charCodeAt(0);
const extendedQuery = new Set(Array.from('PBDECH', (type) => type.charCodeAt(0)));

/**
 * A PGlite for more than one connection to its socket server.
 *
 * All connections share one backend. The server lets them take turns a protocol message at a time, and keeps to one
 * connection only inside a transaction. But Parse, Bind, Execute and Sync of one statement belong together as well:
 * they share the backend's one unnamed statement, and were another connection's Parse to come between, the Bind would
 * run the other's SQL (electric-sql/pglite#1046). `pg` writes the four in one piece, which mostly keeps them together;
 * a piece that the network cuts in two would not. So an unfinished statement counts as a transaction here.
 */
export class BatchedPGlite extends PGlite {
  readonly #onFailure: (error: Error) => void;
  #isMidStatement = false;

  /** `onFailure` is told of a backend that threw; its socket server answers nobody any more after that. */
  constructor(folder: string, onFailure: (error: Error) => void) {
    super(folder);
    this.#onFailure = onFailure;
  }

  override isInTransaction(): boolean {
    return this.#isMidStatement || super.isInTransaction();
  }

  override async execProtocolRawStream(message: Uint8Array, options: RawStreamOptions): Promise<void> {
    const type = message[0];
    if (type === sync) this.#isMidStatement = false;
    else if (type !== undefined && extendedQuery.has(type)) this.#isMidStatement = true;
    try {
      await super.execProtocolRawStream(message, options);
    } catch (error) {
      this.#onFailure(new Error('the embedded database failed', { cause: error }));
      throw error;
    }
  }
}
