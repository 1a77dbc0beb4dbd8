/**
 * Why the peer at `url` could not be asked, as `error` has it, in words for who reads the log: where TLS is the matter,
 * with what to look at, and without OpenSSL's file names.
 */
export function connectionFailure(error: unknown, url: string): string {
  if (!(error instanceof Error)) return String(error);
  const text = error.message || error.name;
  if (/:error:[\dA-F]+:SSL routines:/.test(text)) return tlsFailure(text);
  if (!isWithoutAWord(error)) return text;
  return /^https:/i.test(url)
    ? `${text} before it said anything: does it accept the certificate of this process?`
    : `${text} before it said anything: does it expect https?`;
}

/** OpenSSL's text: `<thread>:error:<number>:SSL routines:<function>:<reason>:<file>:<line>:`. */
function tlsFailure(text: string): string {
  const reason = /SSL routines:[^:]*:([^:]+)/.exec(text)?.[1] ?? 'TLS failed';
  if (/wrong version number|packet length too long|record layer failure/.test(reason)) {
    return `${reason}: it does not speak TLS there; does it expect http?`;
  }
  if (/alert .*(?:certificate|unknown ca)/.test(reason)) {
    return `${reason}: it does not accept the certificate of this process`;
  }
  return reason;
}

/** Whether the connection was closed before a byte had come. */
function isWithoutAWord(error: Error): boolean {
  const { code, socket } = error as { readonly code?: unknown; readonly socket?: { readonly bytesRead?: number } };
  return code === 'UND_ERR_SOCKET' && socket?.bytesRead === 0;
}
