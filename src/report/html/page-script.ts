/**
 * The only script of the page: the filter, and all details open on paper. It is the same for every page, and the
 * page's policy names its digest: nothing else is run.
 */
export const SCRIPT = `'use strict';
(() => {
  const input = document.getElementById('filter');
  if (input) {
    const count = document.getElementById('count');
    const bodies = [...document.querySelectorAll('#differences tbody')].map((body) => ({
      body,
      rows: [...body.querySelectorAll('tr.difference')].map((row) => ({
        row,
        text: (body.rows[0].textContent + ' ' + row.textContent).toLowerCase(),
      })),
    }));
    const all = bodies.reduce((sum, { rows }) => sum + rows.length, 0);
    const show = () => {
      const words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
      let shown = 0;
      for (const { body, rows } of bodies) {
        let some = false;
        for (const { row, text } of rows) {
          row.hidden = !words.every((word) => text.includes(word));
          if (!row.hidden) {
            some = true;
            shown += 1;
          }
        }
        body.hidden = !some;
      }
      count.textContent = shown + ' of ' + all + ' shown';
    };
    input.addEventListener('input', show);
    show();
    document.getElementById('search').hidden = false;
  }
  let closed = [];
  addEventListener('beforeprint', () => {
    closed = [...document.querySelectorAll('details:not([open])')];
    for (const one of closed) one.open = true;
  });
  addEventListener('afterprint', () => {
    for (const one of closed) one.open = false;
  });
})();
`;
