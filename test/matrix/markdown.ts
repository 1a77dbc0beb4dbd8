import { readFileSync } from 'node:fs';

/**
 * The first fenced block after `<!-- <mark> -->` in a Markdown file of the repository, so that a test runs what a reader
 * copies. Throws if there is none.
 */
export function markedBlock(file: string, mark: string): string {
  const text = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
  const [, after] = text.split(`<!-- ${mark} -->`);
  const block = /^```\w+\n([\s\S]*?)^```$/m.exec(after ?? '')?.[1];
  if (block === undefined) throw new Error(`${file} has no code block after <!-- ${mark} -->`);
  return block;
}
