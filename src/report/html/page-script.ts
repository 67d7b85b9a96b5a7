/**
 * The only script of the page: the filter, the edges of a node in the picture, links into what is folded, and all
 * details open on paper. It is the same for every page, and the page's policy names its digest: nothing else is run.
 */
export const SCRIPT = `'use strict';
(() => {
  const input = document.getElementById('filter');
  if (input) {
    const count = document.getElementById('count');
    const section = document.getElementById('differences');
    const places = [...section.querySelectorAll('.place')].map((place) => ({
      place,
      rows: [...place.querySelectorAll('.difference')].map((row) => ({
        row,
        text: (place.firstElementChild.textContent + ' ' + row.textContent).toLowerCase(),
      })),
    }));
    const all = places.reduce((sum, { rows }) => sum + rows.length, 0);
    const folds = [...section.querySelectorAll('.rest')];
    let wasOpen = [];
    let words = [];
    const show = () => {
      const hadWords = words.length > 0;
      words = input.value.toLowerCase().split(/\\s+/).filter((word) => word !== '');
      const hasWords = words.length > 0;
      if (hasWords && !hadWords) wasOpen = folds.map((one) => one.open);
      if (hasWords !== hadWords) folds.forEach((one, i) => { one.open = hasWords || wasOpen[i] === true; });
      let shown = 0;
      for (const { place, rows } of places) {
        let some = false;
        for (const { row, text } of rows) {
          row.hidden = !words.every((word) => text.includes(word));
          if (!row.hidden) {
            some = true;
            shown += 1;
          }
        }
        place.hidden = !some;
      }
      count.textContent = hasWords ? shown + ' of ' + all + ' shown' : all + (all === 1 ? ' row' : ' rows');
    };
    input.addEventListener('input', show);
    show();
    document.getElementById('search').hidden = false;
  }

  const svg = document.querySelector('svg');
  if (svg) {
    const nodes = new Map([...svg.querySelectorAll('[data-node]')].map((node) => [node.dataset.node, node]));
    const [ahead, back] = [new Map(), new Map()];
    const put = (edges, name, edge) => edges.has(name) ? edges.get(name).push(edge) : edges.set(name, [edge]);
    for (const edge of svg.querySelectorAll('path')) {
      put(ahead, edge.dataset.from, edge);
      put(back, edge.dataset.to, edge);
    }
    let lit = [];
    const mark = (element) => {
      element.classList.add('lit');
      lit.push(element);
    };
    const follow = (name, edges, end) => {
      mark(nodes.get(name));
      for (const edge of edges.get(name) || []) {
        mark(edge);
        follow(edge.dataset[end], edges, end);
      }
    };
    const light = (node) => {
      for (const element of lit) element.classList.remove('lit');
      lit = [];
      svg.classList.toggle('lighting', node !== null);
      if (node === null) return;
      for (const { dataset } of [node, ...node.querySelectorAll('[data-node]')]) {
        follow(dataset.node, ahead, 'to');
        follow(dataset.node, back, 'from');
      }
    };
    const nodeOf = (element) => element && element.closest('[data-node]');
    svg.addEventListener('pointerover', ({ target }) => light(nodeOf(target)));
    svg.addEventListener('pointerleave', () => light(nodeOf(svg.querySelector(':focus'))));
    svg.addEventListener('focusin', ({ target }) => light(nodeOf(target)));
    svg.addEventListener('focusout', () => light(null));
    document.getElementById('pointing').hidden = false;
  }

  const unfold = () => {
    let element = document.getElementById(location.hash.slice(1));
    if (!element) return;
    const wanted = element;
    for (; element; element = element.parentElement) if (element.localName === 'details') element.open = true;
    wanted.scrollIntoView();
  };
  addEventListener('hashchange', unfold);
  unfold();

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
