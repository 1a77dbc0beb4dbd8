// What the benchmarks have found, for people: a page with plots, and the tables and plots of docs/performance.md.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { chartOf, escape } from './chart.mjs';

const style = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;margin:1rem 0}td,th{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8884}
td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}.missed{font-weight:600}`;

/** One page of all results. */
export function pageOf(results) {
  const parts = results.map(({ question, tables, bars, notes }) => {
    const plots = tables.map((table) => (table.chart === undefined ? '' : chartOf(table)) + htmlTable(table));
    return `<h2>${escape(question)}</h2>${plots.join('')}${notes.map((note) => `<p>${escape(note)}</p>`).join('')}${htmlBars(bars)}`;
  });
  return (
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">` +
    `<title>Benchmarks</title><style>${style}</style><h1>Benchmarks</h1><p>${escape(conditionsOf(results))}</p>${parts.join('')}</html>\n`
  );
}

/**
 * Fills what stands in `docs/performance.md` between `<!-- bench:name -->` and `<!-- /bench -->`, for each of `results` that
 * has a place there, and draws its plots beside it.
 */
export function writeDocs(results, docs) {
  const file = new URL('performance.md', docs);
  const images = new URL('images/performance/', docs);
  mkdirSync(images, { recursive: true });
  let text = readFileSync(file, 'utf8');
  const fill = (name, content) => {
    const place = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(<!-- /bench -->)`);
    text = text.replace(place, (_, begin, end) => `${begin}\n${content}\n\n${end}`);
  };
  for (const result of results) {
    fill(result.name, markdownOf(result, images));
  }
  fill('bars', markdownTable(['bar', 'must be', 'is', ''], barsOf(results)));
  fill('conditions', conditionsOf(results));
  writeFileSync(file, text);
}

function markdownOf({ name, tables, notes }, images) {
  const parts = tables.map((table, index) => {
    const heading = `**${table.title}**`;
    if (table.chart === undefined) return `${heading}\n\n${markdownTable(table.columns, table.rows)}`;
    const image = `${name}-${index + 1}.svg`;
    writeFileSync(new URL(image, images), chartOf(table));
    return `${heading}\n\n![${table.title}](images/performance/${image})\n\n${markdownTable(table.columns, table.rows)}`;
  });
  return [...parts, ...notes].join('\n\n');
}

function barsOf(results) {
  return results.flatMap(({ bars }) =>
    bars.map(({ what, must, is, isMet }) => [
      what,
      must.replace('>=', 'at least').replace('<=', 'at most'),
      is,
      isMet ? 'reached' : '**missed**',
    ]),
  );
}

function conditionsOf(results) {
  const { node, cpu, cores, ms, rounds } = results[0].conditions;
  return `Node ${node.slice(1)}, ${cores} cores (${cpu}), everything on loopback; medians of ${rounds} interleaved rounds of ${ms} ms after one that warms up, unless it says otherwise.`;
}

function markdownTable(columns, rows) {
  const rule = columns.map((_, index) => (index === 0 ? '---' : '--:'));
  return [columns, rule, ...rows].map((row) => `| ${row.map(textOf).join(' | ')} |`).join('\n');
}

function htmlTable({ title, columns, rows }) {
  const body = rows.map((row) => htmlRow('td', row)).join('');
  return `<table><caption>${escape(title)}</caption>${htmlRow('th', columns)}${body}</table>`;
}

function htmlRow(tag, row) {
  return `<tr>${row.map((cell) => `<${tag}>${escape(textOf(cell))}</${tag}>`).join('')}</tr>`;
}

function textOf(cell) {
  return typeof cell === 'number' ? cell.toLocaleString('en') : String(cell);
}

function htmlBars(bars) {
  const items = bars.map(
    ({ what, must, is, isMet }) =>
      `<li${isMet ? '' : ' class="missed"'}>${isMet ? 'reached' : 'missed'}: ${escape(what)} is ${is}, must be ${escape(must)}</li>`,
  );
  return items.length === 0 ? '' : `<ul>${items.join('')}</ul>`;
}
