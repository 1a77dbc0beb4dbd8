/** Every option left out has the default of the Go program. */
export interface GoPeerOptions {
  /** URL of this peer as the others list it; default: the address that it listens on. */
  readonly self?: string;
  /** Default `127.0.0.1:0`: port 0 chooses one. */
  readonly listen?: string;
  /** URLs of the ring in Go's order of `Set`; default: this peer alone. None with a comma. */
  readonly peers?: readonly string[];
  /** Default `/_groupcache/`. */
  readonly basePath?: string;
  /** Default 50. */
  readonly replicas?: number;
  /** Default `prices`. */
  readonly group?: string;
  /** Default 64 MiB; 0 caches nothing. */
  readonly cacheBytes?: number;
  /** Mounts the pool on a `http.ServeMux`, which redirects `//`, `.` and `..`. */
  readonly mux?: boolean;
  /** Signs what this peer asks of others; what it is asked is not verified. */
  readonly secret?: string;
  /** The program's path, as `buildGoPeer` gave it; default: built when needed. */
  readonly binary?: string;
}

/** Go's `groupcache.Stats`. */
export interface GoStats {
  readonly Gets: number;
  readonly CacheHits: number;
  readonly PeerLoads: number;
  readonly PeerErrors: number;
  readonly Loads: number;
  readonly LoadsDeduped: number;
  readonly LocalLoads: number;
  readonly LocalLoadErrs: number;
  readonly ServerRequests: number;
}

export interface GoPeer {
  /** What this peer is called in a ring: `self`. */
  readonly url: string;
  /** `http://127.0.0.1:<port>`, where it listens. */
  readonly address: string;
  readonly pid: number;
  /** Asks the control API, for example `ctl('/ctl/owner?key=a')`. */
  ctl(path: string, init?: RequestInit): Promise<Response>;
  /** Go's `Group.Get` on this peer; rejects with the text of its error. Aborting `init.signal` cancels Go's context. */
  get(key: string, init?: RequestInit): Promise<Buffer>;
  /** The owner of each key by Go's ring. */
  owners(keys: readonly string[]): Promise<string[]>;
  /** Go's `HTTPPool.Set`. */
  set(...peers: string[]): Promise<void>;
  /** How often this peer's getter was run, by key. */
  loads(): Promise<Map<string, number>>;
  stats(): Promise<GoStats>;
  /** What it wrote to stderr so far. */
  complaints(): string;
  /** Ends the process and resolves when it is gone. */
  stop(): Promise<void>;
}

/** Starts a Go peer as a process and resolves when it listens; rejects where Go or groupcache are not installed. */
export function startGoPeer(options?: GoPeerOptions): Promise<GoPeer>;
