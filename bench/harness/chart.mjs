// Bars of one column of a table as SVG that reads on light and dark pages alike.

const WIDTH = 720;
const LABEL = 270;
const ROW = 26;
const OURS = 'nestjs-groupcache';

/** The chart that `table.chart` asks for; bars of ours are in another colour. */
export function chartOf({ title, columns, rows, chart: { column, unit, lowerIsBetter = false } }) {
  const index = columns.indexOf(column);
  const bars = rows.map((row) => ({ label: String(row[0]), value: Number(row[index]) }));
  const most = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const room = WIDTH - LABEL - 110;
  const lines = bars.map(({ label, value }, place) => {
    const y = 34 + place * ROW;
    const length = Math.max(1, Math.round((value / most) * room));
    const colour = label.startsWith(OURS) ? '#2f6fde' : '#9aa4b2';
    return (
      `<text x="${LABEL - 8}" y="${y + 14}" text-anchor="end">${escape(label)}</text>` +
      `<rect x="${LABEL}" y="${y}" width="${length}" height="18" rx="2" fill="${colour}"/>` +
      `<text x="${LABEL + length + 6}" y="${y + 14}">${value.toLocaleString('en')} ${escape(unit)}</text>`
    );
  });
  const height = 44 + bars.length * ROW;
  const better = lowerIsBetter ? 'less is better' : 'more is better';
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" ` +
    `aria-label="${escape(title)}" font-family="system-ui, sans-serif" font-size="13" fill="#7a8594">` +
    `<text x="0" y="18" font-weight="600">${escape(title)} (${better})</text>${lines.join('')}</svg>\n`
  );
}

export function escape(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
