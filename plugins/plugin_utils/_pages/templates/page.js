'use strict';
// Without this script the page says the same. With it, tables can be searched, filtered and sorted.
(function () {
  const island = JSON.parse(document.getElementById('data').textContent);
  const hidden = /[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu;
  const natural = new Intl.Collator('en', { numeric: true });

  // What somebody else wrote becomes text nodes only; a character that cannot be seen is shown by its code.
  function put(parent, value) {
    let from = 0;
    if (/\S{80}/.test(value)) parent.classList.add('long');
    for (const found of value.matchAll(hidden)) {
      parent.append(value.slice(from, found.index));
      from = found.index + found[0].length;
      if (found[0] === '\n') { parent.append(document.createElement('br')); continue; }
      const mark = document.createElement('span');
      mark.className = 'ctl';
      mark.textContent = 'U+' + found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0');
      parent.append(mark);
    }
    parent.append(value.slice(from));
  }

  function spell(entry) {
    if (typeof entry === 'string') return [entry];
    const names = [];
    for (let number = entry[1]; number <= entry[2]; number++) names.push(entry[0] + String(number).padStart(entry[3], '0') + entry[4]);
    return names;
  }

  function namesOf(row) {
    const parts = row.dataset.n === undefined ? undefined : island.names[row.dataset.n];
    return parts === undefined ? [] : parts.flatMap(spell);
  }

  // Blocks that the page does not hold yet are drawn when they are opened.
  function remark(word) {
    const mark = document.createElement('i');
    mark.className = 'none';
    mark.textContent = word;
    return mark;
  }

  function fill(table, rows, mono, missing) {
    const body = table.tBodies[0];
    for (const row of rows) {
      const line = body.insertRow();
      row.forEach(function (value, index) {
        const cell = document.createElement(index === 0 ? 'th' : 'td');
        if (index === 0) cell.scope = 'row';
        if (mono.includes(index)) cell.className = 'm';
        if (value === null) cell.append(remark(missing)); else put(cell, value);
        line.append(cell);
      });
    }
    return table;
  }

  function draw(block) {
    const later = block.querySelector('.later');
    const packed = later && island.blocks[block.dataset.g];
    if (!packed) return;
    const [decisions, changes, cards] = document.getElementById('blank').content.cloneNode(true).querySelectorAll('table');
    const unpack = function (numbers) { return numbers.map(function (number) { return island.rows[number]; }); };
    const decided = unpack(packed[0]).map(function (row) { return row.slice(0, 3).concat([row.slice(3).filter(Boolean).join(', ')]); });
    const changed = unpack(packed[1]).map(function (row) { return row.slice(0, 3).concat([row[4], row[3]]); });
    const drawn = [];
    if (packed[2].length) drawn.push(fill(cards, packed[2], [1, 3], 'unknown'));
    if (decided.length) drawn.push(fill(decisions, decided, [1], 'unknown'));
    if (changed.length) drawn.push(fill(changes, changed, [0, 1, 2], 'absent'));
    later.replaceWith(...drawn);
  }
  document.addEventListener('toggle', function (event) { if (event.target.open && event.target.dataset.g) draw(event.target); }, true);

  function reveal() {
    const target = /^#g\d+$/.test(location.hash) && document.getElementById(location.hash.slice(1));
    if (target) { target.open = true; target.querySelector('summary').focus(); target.scrollIntoView(); }
  }
  addEventListener('hashchange', reveal);
  document.addEventListener('click', function (event) {
    const link = event.target.closest && event.target.closest('a[href^="#g"]');
    if (link && link.hash === location.hash) { event.preventDefault(); reveal(); }
  });

  // Printing shows every block that is in the page.
  let opened = [];
  addEventListener('beforeprint', function () {
    opened = Array.from(document.querySelectorAll('details:not([open])'));
    for (const block of opened) { draw(block); block.open = true; }
  });
  addEventListener('afterprint', function () { for (const block of opened) block.open = false; });

  function Table(tools) {
    const name = tools.dataset.for;
    const table = document.getElementById(name), body = table.tBodies[0];
    const find = document.getElementById(name + '-find'), state = document.getElementById(name + '-state');
    const sorter = document.getElementById(name + '-sort'), count = document.getElementById(name + '-count');
    const blocks = Array.from(document.querySelectorAll('details[data-g]'));
    const heads = Array.from(table.tHead.rows[0].cells);
    const states = heads.findIndex(function (head) { return head.textContent === 'State' || head.textContent === 'Status'; });
    const rows = Array.from(body.rows, function (row) {
      const names = namesOf(row);
      return { row, names, size: names.length || 1, text: (row.textContent + '\n' + names.join('\n')).toLowerCase(), state: row.dataset.s, note: null,
        keys: heads.map(function (head, index) { return index === states ? row.dataset.s : row.cells[index].textContent; }) };
    });
    const total = rows.reduce(function (sum, item) { return sum + item.size; }, 0);

    function matching(item, wanted) {
      const names = item.names.filter(function (each) { return each.toLowerCase().includes(wanted); });
      return names.length && names.length < item.names.length ? names : null;
    }

    function among(item, names) {
      if (item.note) { item.note.remove(); item.note = null; }
      if (!names) return;
      item.note = document.createElement('small');
      put(item.note, 'among them ' + names.slice(0, 8).join(', ') + (names.length > 8 ? ' and ' + (names.length - 8) + ' more' : ''));
      (item.row.querySelector('.n') || item.row.cells[0]).after(item.note);
    }

    function show() {
      const wanted = find.value.trim().toLowerCase(), only = state.value;
      const seen = new Set();
      let shown = 0;
      for (const item of rows) {
        const keep = (!only || item.state === only) && (!wanted || item.text.includes(wanted));
        const some = keep && wanted ? matching(item, wanted) : null;
        item.row.hidden = !keep;
        if (item.names.length) among(item, some);
        if (keep) { shown += some ? some.length : item.size; seen.add(item.row.dataset.g); }
      }
      for (const block of blocks) block.hidden = !seen.has(block.dataset.g);
      count.textContent = shown.toLocaleString('en') + ' of ' + total.toLocaleString('en') + ' shown';
    }

    function sort(index, down) {
      for (const head of heads) head.removeAttribute('aria-sort');
      heads[index].setAttribute('aria-sort', down ? 'descending' : 'ascending');
      rows.sort(function (a, b) { return natural.compare(a.keys[index], b.keys[index]) * (down ? -1 : 1); });
      const part = document.createDocumentFragment();
      for (const item of rows) part.append(item.row);
      body.append(part);
      sorter.value = index + (down ? 'd' : 'u');
    }

    heads.forEach(function (head, index) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = head.textContent;
      button.addEventListener('click', function () { sort(index, head.getAttribute('aria-sort') === 'ascending'); });
      head.replaceChildren(button);
      for (const [value, word] of [['u', ''], ['d', ', descending']]) {
        const option = document.createElement('option');
        option.value = index + value;
        option.textContent = button.textContent + word;
        sorter.append(option);
      }
    });
    sorter.selectedIndex = -1;
    sorter.addEventListener('change', function () { sort(parseInt(sorter.value, 10), sorter.value.endsWith('d')); });
    find.addEventListener('input', show);
    state.addEventListener('change', show);
    tools.hidden = false;
    show();
  }
  for (const tools of document.querySelectorAll('.tools')) Table(tools);
  reveal();
}());
