/** What a map shows of a city. */
export interface Dot {
  readonly lat: number;
  readonly lon: number;
  readonly population: number;
}

const width = 800;
const margin = 16;

/** Smallest first, so that large cities are drawn over their suburbs. */
const sizes = [
  { upTo: 20_000, width: 1.5, colour: '#8aa' },
  { upTo: 200_000, width: 4, colour: '#367' },
  { upTo: Infinity, width: 9, colour: '#c33' },
] as const;

/**
 * An SVG, 800 wide, with a dot a city, on an equirectangular projection that is true to scale in the middle.
 * Cities that fall on the same spot are drawn once. `dots` must not be empty.
 */
export function renderMap(title: string, dots: readonly Dot[]): string {
  const west = westernEdge(dots.map((dot) => dot.lon));
  const lons = dots.map((dot) => (dot.lon - west + 360) % 360);
  const lats = dots.map((dot) => dot.lat);
  const [north, south] = [largest(lats), -largest(lats.map((lat) => -lat))];

  const stretch = Math.cos((((north + south) / 2) * Math.PI) / 180);
  const scale = (width - 2 * margin) / Math.max(largest(lons) * stretch, (north - south) / 2, 0.1);
  const height = Math.round((north - south) * scale) + 2 * margin;

  const spots = sizes.map(() => new Set<string>());
  dots.forEach((dot, index) => {
    const x = margin + (lons[index] ?? 0) * stretch * scale;
    const y = margin + (north - dot.lat) * scale;
    spots[sizes.findIndex((size) => dot.population <= size.upTo)]?.add(`M${x.toFixed()} ${y.toFixed()}h0`);
  });
  const paths = sizes.map(
    (size, index) =>
      `<path stroke="${size.colour}" stroke-width="${size.width}" d="${[...(spots[index] ?? [])].join('')}"/>`,
  );

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" stroke-linecap="round">`,
    `<title>${escape(title)}: ${dots.length} cities (data: GeoNames, CC BY 4.0)</title>`,
    '<rect width="100%" height="100%" fill="#f4f1ea"/>',
    ...paths,
    '</svg>',
  ].join('\n');
}

/** Where to cut the globe: after the widest stretch without a city, so that Fiji and Russia stay in one piece. */
function westernEdge(lons: readonly number[]): number {
  const sorted = lons.toSorted((a, b) => a - b);
  let edge = sorted[0] ?? 0;
  let widest = edge + 360 - (sorted.at(-1) ?? 0);
  for (let index = 1; index < sorted.length; index++) {
    const lon = sorted[index] ?? 0;
    const gap = lon - (sorted[index - 1] ?? 0);
    if (gap > widest) [widest, edge] = [gap, lon];
  }
  return edge;
}

function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Math.max(...numbers) runs out of stack on a large country. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), -Infinity);
}
