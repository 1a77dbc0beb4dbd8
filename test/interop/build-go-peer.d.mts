/**
 * Builds the Go peer into `.build/`, once for each content of its sources, and gives the binary's path;
 * undefined where there is no `go`, or no groupcache in GOPATH (default /usr/share/gocode, Debian's).
 */
export function buildGoPeer(): Promise<string | undefined>;

/** The same for the program whose sources are in `folder`; the binary's name begins with `name`. */
export function buildGo(folder: URL, name: string): Promise<string | undefined>;
