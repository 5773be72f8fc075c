/** Our figures, compared with those of the source. */
export function tableOf(rows) {
  const header = ['', 'source', 'here', 'aim', ''];
  const cells = rows.map(({ what, source, value, aim, rate, note }) => [
    what,
    share(source),
    share(value),
    aim === undefined ? '' : `≥ ${aim}`,
    note ?? [verdict(value, aim), rate === undefined ? '' : `${rate} images/s`].filter(Boolean).join(', '),
  ]);
  const table = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...table.map((row) => [...row[column]].length)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(widths[column] - [...cell].length))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function share(value) {
  return value === undefined ? '' : value.toFixed(5);
}

function verdict(value, aim) {
  if (aim === undefined) return '';
  return value >= aim ? 'met' : 'MISSED';
}
