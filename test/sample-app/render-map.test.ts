import { describe, expect, it } from 'vitest';
import { renderMap, type Dot } from '../../sample-app/countries/render-map.js';

const berlin: Dot = { lat: 52.52, lon: 13.41, population: 3_426_354 };
const potsdam: Dot = { lat: 52.4, lon: 13.06, population: 145_292 };
const munich: Dot = { lat: 48.14, lon: 11.58, population: 1_260_391 };
const village: Dot = { lat: 51, lon: 10, population: 12 };

/** The elements of an XML document, outermost first; throws when a tag is not closed, or text is not escaped. */
function elements(xml: string): string[] {
  const names: string[] = [];
  const open: string[] = [];
  const token = /<(\/?)([\w:]+)((?: [\w:-]+="[^"<&]*")*)(\/?)>|[^<&>]+|&(?:lt|gt|amp|quot|apos);/y;
  while (token.lastIndex < xml.length) {
    const start = token.lastIndex;
    const match = token.exec(xml);
    if (match === null) throw new Error(`not well-formed: ${xml.slice(start, start + 40)}`);
    const [, close, name, , selfClosing] = match;
    if (name === undefined) continue;
    if (close === '/') expect(open.pop()).toBe(name);
    else names.push(name);
    if (close === '' && selfClosing === '') open.push(name);
  }
  expect(open).toEqual([]);
  return names;
}

/** Where the dots of each size are, small ones first. */
function spots(svg: string): { x: number; y: number }[][] {
  return [...svg.matchAll(/<path [^>]*d="([^"]*)"/g)].map(([, path = '']) =>
    [...path.matchAll(/M(-?\d+) (-?\d+)h0/g)].map(([, x, y]) => ({ x: Number(x), y: Number(y) })),
  );
}

describe('renderMap', () => {
  it('draws a well-formed SVG with a dot a city, large ones last', () => {
    const svg = renderMap('DE', [berlin, potsdam, munich, village]);

    expect(elements(svg)).toEqual(['svg', 'title', 'rect', 'path', 'path', 'path']);
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(svg).toContain('<title>DE: 4 cities (data: GeoNames, CC BY 4.0)</title>');
    expect(spots(svg).map((size) => size.length)).toEqual([1, 1, 2]);
  });

  it('escapes its title', () => {
    const svg = renderMap(`<b> & "c" & 'd'`, [berlin]);

    expect(elements(svg)).toEqual(['svg', 'title', 'rect', 'path', 'path', 'path']);
    expect(svg).not.toContain('<b>');
  });

  it('puts north above and west to the left, within the picture', () => {
    const svg = renderMap('DE', [berlin, munich]);
    const [, , [first, second] = []] = spots(svg);
    const [, width, height] = /viewBox="0 0 (\d+) (\d+)"/.exec(svg) ?? [];

    expect(first!.y).toBeLessThan(second!.y);
    expect(first!.x).toBeGreaterThan(second!.x);
    for (const { x, y } of [first!, second!]) {
      expect(x).toSatisfy((value: number) => value >= 0 && value <= Number(width));
      expect(y).toSatisfy((value: number) => value >= 0 && value <= Number(height));
    }
  });

  it('keeps a country on the date line in one piece', () => {
    const suva: Dot = { lat: -18.14, lon: 178.44, population: 77_366 };
    const taveuni: Dot = { lat: -16.8, lon: -179.9, population: 9_000 };

    const [[eastern] = [], [western] = []] = spots(renderMap('FJ', [suva, taveuni]));

    expect(western!.x).toBe(16);
    expect(eastern!.x).toBeGreaterThan(western!.x);
  });

  it('draws cities on the same spot once', () => {
    expect(spots(renderMap('DE', [berlin, munich, munich]))[2]).toHaveLength(2);
  });

  it('draws a country of a single city', () => {
    const svg = renderMap('VA', [{ lat: 41.9, lon: 12.45, population: 829 }]);

    expect(elements(svg)).toContain('svg');
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(spots(svg)[0]).toHaveLength(1);
  });
});
