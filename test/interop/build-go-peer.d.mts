/**
 * Builds the Go peer into `.build/`, once for each content of its sources, and gives the binary's path;
 * undefined where there is no `go`, or no groupcache in GOPATH (default /usr/share/gocode, Debian's).
 */
export function buildGoPeer(): Promise<string | undefined>;
