/** V8 copies shorter slices; longer ones keep the string alive that they were cut out of. */
const SLICED_FROM = 13;

/** `text` in memory of its own: a kept piece of a long text must not keep all of it. Lone surrogates become U+FFFD. */
export function ownString(text: string): string {
  return text.length < SLICED_FROM ? text : Buffer.from(text, 'utf8').toString('utf8');
}
