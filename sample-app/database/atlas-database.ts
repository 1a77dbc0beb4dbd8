/** The database of a cluster while it runs. */
export interface AtlasDatabase {
  /** Where peers connect; may hold a password. */
  readonly url: string;
  /** How many connections a peer may have open. */
  readonly poolSize: number;
  /** For people; without a password. */
  readonly description: string;
  /** Resolves when the database can no longer be used; pending as long as all is well. */
  readonly failed: Promise<Error>;
  /** Call when every peer has disconnected. */
  close(): Promise<void>;
}

/** What opening a database, which may import the cities first, is told. */
export interface OpenDatabaseOptions {
  /** The most peers that will connect. */
  readonly peers: number;
  readonly progress: (done: number, total: number) => void;
  /** Ends an import that is under way: opening then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}
