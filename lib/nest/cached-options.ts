import type { Duration } from '../core/duration.js';
import type { GroupSettings } from '../core/group-options.js';
import type { KeyCodec } from './args-key.js';

/** What may be said of a group whose keys stand for arguments. */
export interface CachedOptions<Args extends readonly unknown[] = any, Value = any> extends Omit<
  GroupSettings<Value>,
  'ttl' | 'tags'
> {
  /** Turns arguments into a key and back. Default: see docs/options.md. */
  readonly key?: KeyCodec<Args>;

  /** As `GroupSettings.ttl`; a function is told the arguments. */
  readonly ttl?: Duration | ((value: Value, ...args: Args) => Duration);

  /** As `GroupSettings.tags`; the function is told the arguments. */
  readonly tags?: (value: Value, ...args: Args) => readonly string[];
}
