/** Boot ids that are remembered of a URL. */
const MAX_REMEMBERED = 8;

/** The boot ids with which each peer has come, to tell several processes behind one URL from one that is restarted. */
export class BootIds {
  /** Of each URL, the present one last. */
  readonly #seen = new Map<string, Set<string>>();
  readonly #shared = new Set<string>();

  /**
   * The peer `url` is there as `bootId`. Whether this shows that several processes are behind the URL, since one is back
   * whose place another had taken; said once, until one comes that has not been there before.
   */
  showsSharing(url: string, bootId: string): boolean {
    const seen = this.#seen.get(url) ?? new Set();
    this.#seen.set(url, seen);
    const present = [...seen].at(-1);
    if (bootId === present) return false;
    const isBack = seen.delete(bootId);
    seen.add(bootId);
    if (!isBack) {
      this.#shared.delete(url);
      if (seen.size > MAX_REMEMBERED) seen.delete([...seen][0]!);
      return false;
    }
    if (this.#shared.has(url)) return false;
    this.#shared.add(url);
    return true;
  }

  /** Forgets all but `urls`. */
  keepOnly(urls: readonly string[]): void {
    for (const url of this.#seen.keys()) {
      if (urls.includes(url)) continue;
      this.#seen.delete(url);
      this.#shared.delete(url);
    }
  }
}
