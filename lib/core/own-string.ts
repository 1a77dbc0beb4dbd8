/** V8 copies shorter slices; longer ones keep the string alive that they were cut out of. */
const SLICED_FROM = 13;

/** UTF-8 has up to three bytes for a character. */
const scratch = /* @__PURE__ */ Buffer.allocUnsafeSlow(3 * 1024);
const SCRATCH_CHARACTERS = scratch.length / 3;

/** `text` in memory of its own: a kept piece of a long text must not keep all of it. Lone surrogates become U+FFFD. */
export function ownString(text: string): string {
  if (text.length < SLICED_FROM) return text;
  if (text.length > SCRATCH_CHARACTERS) return Buffer.from(text, 'utf8').toString('utf8');
  const length = scratch.write(text, 'utf8');
  // As many bytes as characters are ASCII, which takes less time to read as what it is.
  return scratch.toString(length === text.length ? 'latin1' : 'utf8', 0, length);
}
